"""`./qms release`: build, approve, verify, fetch, reproduce, attack. Each parses, calls one function, and prints.

Exit codes: 0 done; 1 refused, or what was checked does not hold; 2 usage; 3 environment.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.release.folder import ReleaseFolder
    from pipeline.release.record import Record

HOLDS, DOES_NOT_HOLD, ENVIRONMENT = 0, 1, 3

release = typer.Typer(
    help="Sealed releases: build, sign, verify, reproduce, attack. None of them is cleared for clinical use.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Version = Annotated[str, typer.Argument(metavar="VERSION", help="three numbers, for example 0.1.0")]
AsJson = Annotated[bool, typer.Option("--json", help="the result as JSON on stdout")]


def root() -> Path:
    """Return the root of the checkout."""
    from pipeline.run import REPOSITORY  # noqa: PLC0415  keeps `./qms --help` fast

    return REPOSITORY


def refuse(err: Exception, code: int = DOES_NOT_HOLD) -> NoReturn:
    """Print why nothing was done, and end."""
    typer.echo(str(err), err=True)
    raise typer.Exit(code) from err


@release.command()
def build(
    version: Version,
    *,
    trial: Annotated[bool, typer.Option("--trial", help="every step on phantom/quick as it lies; releases nothing")] = False,
    signer: Annotated[list[str] | None, typer.Option(help="who has to sign, as people.toml writes the name; repeatable")] = None,
    as_json: AsJson = False,
) -> None:
    """Seal what lies here: clean tree, current pipeline, open gate, technical file, parts, record."""
    from pipeline.progress import bar  # noqa: PLC0415
    from pipeline.release.errors import ReleaseRefused  # noqa: PLC0415
    from pipeline.release.trial import build_trial  # noqa: PLC0415

    if not trial:
        raise typer.BadParameter("only trials can be built yet", param_hint="--trial")
    try:
        with bar("release") as report:
            folder, record = build_trial(root(), version, tuple(signer or ()), report)
    except ReleaseRefused as err:
        refuse(err)
    typer.echo(json.dumps(_facts(folder, record), indent=1, sort_keys=True) if as_json else _text(folder, record))


def _facts(folder: ReleaseFolder, record: Record) -> dict[str, object]:
    return {
        "version": record.version,
        "kind": str(record.kind),
        "record_sha256": record.sha256,
        "commit": record.source.commit,
        "parts": len(record.subjects),
        "bytes": sum(each.size for each in record.subjects),
        "folder": folder.path.relative_to(root()).as_posix(),
        "signatures_owed": [each.name for each in record.signers],
    }


def _text(folder: ReleaseFolder, record: Record) -> str:
    from pipeline.release.record import CONCLUSION  # noqa: PLC0415
    from verification.trace.people import shown  # noqa: PLC0415

    facts = _facts(folder, record)
    size = sum(each.size for each in record.subjects) / 1e6
    owed = ", ".join(shown(each.name) for each in record.signers) or "nobody"
    return (
        f"{record.title} ({CONCLUSION})\n"
        f"record {record.sha256}\ncommit {record.source.commit}\n"
        f"{len(record.subjects)} parts, {size:.1f} MB, in {facts['folder']}\nhas to sign: {owed}"
    )
