"""`./qms second-opinions`: parse, call one function, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

second_opinions = typer.Typer()

PLAN = Path(__file__).resolve().parent / "second_opinions" / "plan.toml"


@second_opinions.command("second-opinions")
def second_opinions_command(
    out: Annotated[Path, typer.Option("--out", "-o", help="folder of the new bundle, replaced")],
    artifacts: Annotated[Path, typer.Option(help="of a finished run: cohort, prepared films, bundle")] = Path("artifacts"),
    plan: Annotated[Path, typer.Option(help="TOML file that says which second opinions")] = PLAN,
    member: Annotated[
        list[Path] | None, typer.Option("--member", help="bundle whose network is fused; several by repeating")
    ] = None,
) -> None:
    """Put further networks, views, tiles and a normal/abnormal classifier beside a bundle's network; the canonical bundle stays as it is."""
    from device_sw.errors import BundleError  # noqa: PLC0415  keeps `./qms --help` fast
    from pipeline.progress import bar  # noqa: PLC0415
    from pipeline.second_opinions.making import make  # noqa: PLC0415
    from pipeline.second_opinions.plan import read_plan  # noqa: PLC0415

    try:
        with bar("second opinions") as report:
            made = make(artifacts, read_plan(plan), out, members=member or (), progress=report)
    except (BundleError, ValueError, FileNotFoundError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(made)
