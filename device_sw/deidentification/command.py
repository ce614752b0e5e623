"""The commands ``thoratrace deidentify`` and ``thoratrace pseudonyms``: read arguments, call, print. Results on stdout, diagnosis on stderr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from device_sw.errors import DeviceError
from device_sw.types import BurnedIn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

USAGE, ENVIRONMENT = 2, 3

KeyOption = Annotated[Path, typer.Option("--key", help="File of 32 random bytes; keep it apart from the films.")]


def deidentify(  # noqa: PLR0913 - the options of the command, as typer reads them
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="DICOM films, or folders of them.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the clean films, which can be given away.")],
    key: KeyOption,
    table: Annotated[
        Path | None, typer.Option("--table", help="Sealed table of who is who; else the key file's name with .table.")
    ] = None,
    make_key: Annotated[bool, typer.Option("--new-key", help="Make the key file first.")] = False,
    burned_in: Annotated[BurnedIn, typer.Option(help="What becomes of text drawn into the picture.")] = BurnedIn.BLANK,
    keep_characteristics: Annotated[
        bool, typer.Option("--keep-characteristics", help="Keep sex, age (90 and over as 90), size and weight.")
    ] = False,
    json_only: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Remove the patients' identities from films: header by PS3.15, dates shifted, keyed pseudonyms, text in the picture blanked."""
    from device_sw.deidentification.film import Choice  # noqa: PLC0415 - numeric libraries, after the environment is set
    from device_sw.deidentification.pseudonyms import new_key, read_key  # noqa: PLC0415
    from device_sw.deidentification.run import Run, require_apart  # noqa: PLC0415

    films = list(_films(paths))
    if not films:
        typer.echo("no file in the given paths", err=True)
        raise typer.Exit(USAGE)
    try:
        require_apart(key, out)
        if make_key:
            new_key(key)
        run = Run(out, table or key.with_name(f"{key.name}.table"), read_key(key), Choice(burned_in, keep_characteristics))
        _show_progress(run.take(films), len(films))
        report = run.finish()
    except DeviceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(ENVIRONMENT) from error
    for outcome in report["outcomes"]:
        if outcome["status"] == "refused":
            typer.echo(f"{outcome['index']:04d} refused: {outcome['reason']}", err=True)
    typer.echo(json.dumps(report, indent=1, ensure_ascii=False) if json_only else _said(report))
    raise typer.Exit(0 if run.all_clean else 1)


def pseudonyms(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="Sealed table that deidentify wrote.")], *, key: KeyOption
) -> None:
    """Print who is who, as JSON, for whoever holds the key."""
    from device_sw.deidentification.pseudonyms import read_key  # noqa: PLC0415

    try:
        entries = read_key(key).open(table.read_bytes() if table.is_file() else b"")
    except DeviceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(ENVIRONMENT) from error
    typer.echo(json.dumps(entries, indent=1, sort_keys=True, ensure_ascii=False))


def _films(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(entry for entry in path.rglob("*") if not entry.is_dir())
        else:
            yield path


def _said(report: dict[str, object]) -> str:
    return f"{report['inputs']} inputs: {report['clean']} clean, {report['refused']} refused.\n{report['note']}"


def _show_progress(done: Iterable[int], total: int) -> None:
    from rich.console import Console  # noqa: PLC0415 - only where films are cleaned
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (TextColumn("removing identities"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("removing identities", total=total)
        for count in done:
            progress.update(bar, completed=count)
