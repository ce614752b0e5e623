"""`./qms release attack`: parse, call, print."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pipeline.release_cli import DOES_NOT_HOLD, HOLDS, AsJson, Version, refuse, release, root


@release.command()
def attack(
    version: Version,
    *,
    flips: Annotated[int, typer.Option(min=0, help="flipped bytes in each kind of artefact")] = 100,
    clean: Annotated[int, typer.Option(min=0, help="verifications of the unharmed release")] = 1000,
    only: Annotated[list[str] | None, typer.Option(help="attack by its id; repeatable; none for flips and clean alone")] = None,
    as_json: AsJson = False,
) -> None:
    """Harm copies of a release in every way that is known; each harm has to be caught by the check that should."""
    from pipeline.progress import bar  # noqa: PLC0415  keeps `./qms --help` fast
    from pipeline.release.attacks.campaign import Plan  # noqa: PLC0415
    from pipeline.release.attacks.catalogue import ATTACKS  # noqa: PLC0415
    from pipeline.release.attacks.command import attack as run  # noqa: PLC0415
    from pipeline.release.attacks.report import to_text  # noqa: PLC0415
    from pipeline.release.errors import ReleaseRefused  # noqa: PLC0415

    known = tuple(each.id for each in ATTACKS)
    chosen = () if only == ["none"] else tuple(only or known)
    if unknown := [name for name in chosen if name not in known]:
        raise typer.BadParameter(f"found {', '.join(unknown)!r}, expected one of {', '.join(known)}", param_hint="--only")
    try:
        with bar("attack") as report:
            done = run(root(), version, Plan(flips, clean, chosen), report)
    except ReleaseRefused as err:
        refuse(err)
    typer.echo(json.dumps(done.result, indent=1, sort_keys=True) if as_json else to_text(done.result))
    typer.echo(str(done.page.relative_to(root())), err=True)
    raise typer.Exit(HOLDS if done else DOES_NOT_HOLD)
