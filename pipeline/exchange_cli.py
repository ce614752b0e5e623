"""The commands of `./qms exchange`: export the project's items for another tool, and read back what a partner changed.

Exit codes: 0 exported, equal, or applied; 1 the file differs or is refused, and nothing was written; 2 usage.
"""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003  typer reads the annotation at run time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from verification.trace.exchange.document import Document
    from verification.trace.exchange.errors import ExchangeError

exchange = typer.Typer(
    help="Exchange needs, requirements, risks and scenarios with other tools: needs.json, ReqIF, Excel.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
FORMAT_NAMES = ("needs", "reqif", "xlsx")

FormatOption = Annotated[str, typer.Option("--format", help="needs, reqif or xlsx")]
AsJson = Annotated[bool, typer.Option("--json", help="the result as JSON on stdout")]


@exchange.command("export")
def export_file(path: Annotated[Path, typer.Argument(help="the file to write")], form: FormatOption) -> None:
    """Write all items and links into a file; with needs.json comes the configuration that sphinx-needs needs."""
    from verification.trace.exchange import formats  # noqa: PLC0415  keeps `./qms --help` fast
    from verification.trace.exchange.errors import ExchangeError  # noqa: PLC0415

    _known(form)
    try:
        document = _ours()
        written = formats.write(document, form, path)
    except ExchangeError as err:
        raise _refused(err) from err
    for each in written:
        typer.echo(each)
    typer.echo(f"{len(document.items)} items, {len(document.links)} links", err=True)


@exchange.command("import")
def import_file(
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="the file that came back")],
    form: FormatOption,
    apply: Annotated[bool, typer.Option("--apply", help="write the changes into the data files, all or none")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Say what a file that came back changes; with --apply, write it into the data files."""
    from verification.trace.exchange import edits, formats  # noqa: PLC0415
    from verification.trace.exchange.differences import differences  # noqa: PLC0415
    from verification.trace.exchange.errors import ExchangeError  # noqa: PLC0415

    _known(form)
    try:
        theirs = formats.read(form, path)
        found = differences(_ours(), theirs)
        edited = edits.apply(_root(), theirs) if apply and found else None
    except ExchangeError as err:
        raise _refused(err) from err
    if as_json:
        plain = {
            "schema": "thoratrace/exchange-differences/1",
            "applied": bool(edited),
            "differences": [each.to_json() for each in found],
        }
        typer.echo(json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False))
    else:
        for each in found:
            typer.echo(each)
    typer.echo(f"{len(found)} differences{f', written into {len(edited.files)} files' if edited else ''}", err=True)
    if edited:
        typer.echo(_LEDGERS, err=True)
    raise typer.Exit(1 if found and not edited else 0)


_LEDGERS = (
    'Now record why: python -m requirements_spec.changes record --author ROLE --reason "WHY"\n'
    '                python -m risk.changes record --author ROLE --reason "WHY"'
)


def _known(form: str) -> None:
    if form not in FORMAT_NAMES:
        raise typer.BadParameter(f"found {form!r}, expected one of {', '.join(FORMAT_NAMES)}", param_hint="--format")


def _root() -> Path:
    from pipeline.dvc_runs import canonical  # noqa: PLC0415

    return canonical().root


def _ours() -> Document:
    from verification.trace.exchange.sources import read_document  # noqa: PLC0415

    return read_document(_root())


def _refused(err: ExchangeError) -> typer.Exit:
    typer.echo(err, err=True)
    typer.echo(f"{len(err.problems)} problems; nothing was written", err=True)
    return typer.Exit(1)
