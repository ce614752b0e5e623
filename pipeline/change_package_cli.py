"""`./qms change-package FROM..TO`: parse, call one function, print where the package lies.

Exit codes: 0 made; 1 refused, or made although something of the source could not be read; 2 usage; 3 environment.
"""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003  typer reads the annotation at run time
from typing import Annotated

import typer

HOLDS, DOES_NOT_HOLD, USAGE = 0, 1, 2

change_packages = typer.Typer(pretty_exceptions_enable=False)


@change_packages.command("change-package")
def change_package(
    span: Annotated[
        str,
        typer.Argument(
            metavar="FROM..TO", help="a release and a later release or revision; FROM alone compares with the working tree"
        ),
    ],
    *,
    out: Annotated[Path | None, typer.Option(help="folder to write (default: artifacts/change_packages/FROM..TO)")] = None,
    pin: Annotated[list[str] | None, typer.Option(help="a signer's fingerprint, or a file of them; repeatable")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the whole package as JSON on stdout")] = False,
) -> None:
    """Write what changed since a release, what has to be judged, run and filed again, redlines, and draft worksheets for new 510(k) and MDR."""
    from pipeline.change_package import package as packages  # noqa: PLC0415  keeps `./qms --help` fast
    from pipeline.change_package.ends import open_pair  # noqa: PLC0415
    from pipeline.change_package.errors import ChangePackageRefused  # noqa: PLC0415
    from pipeline.run import REPOSITORY  # noqa: PLC0415

    try:
        pair = open_pair(REPOSITORY, span, tuple(pin or ()))
        made = packages.change_package(REPOSITORY, pair)
        page = packages.write(out or REPOSITORY / packages.PLACE / pair.name, made)
    except ChangePackageRefused as err:
        typer.echo(str(err), err=True)
        raise typer.Exit(USAGE if err.code == "CPK-RANGE" else DOES_NOT_HOLD) from err
    typer.echo(json.dumps(made.to_json(), indent=1, sort_keys=True, ensure_ascii=False) if as_json else packages.summary(made))
    typer.echo(str(page.relative_to(REPOSITORY) if page.is_relative_to(REPOSITORY) else page), err=as_json)
    raise typer.Exit(DOES_NOT_HOLD if made.found.impact.unread else HOLDS)
