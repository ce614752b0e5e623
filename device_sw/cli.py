"""The command line: reads arguments, calls the device, writes what it says. Results on stdout, diagnosis on stderr.

Exit codes: 0 every input analysed; 1 some inputs refused or failed, all recorded; 2 wrong usage; 3 environment, bundle or output folder not usable.
Numeric libraries are imported inside the functions that need them, after the numeric environment is set, so that ``--help`` is fast.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from device_sw._version import __version__
from device_sw.deidentification.command import deidentify, pseudonyms
from device_sw.errors import BundleError, DeviceError
from device_sw.launcher import relaunch
from device_sw.types import Explain, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from device_sw.batch.examination import Examiner
    from device_sw.batch.run import Batch
    from device_sw.device import Device
    from device_sw.report.outputs import Wanted

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="ThoraTrace marks seven findings on frontal chest radiographs of adults. Engineering baseline: not cleared, not for clinical use.",
)

BundleOption = Annotated[
    Path | None,
    typer.Option("--bundle", help="Folder of a model bundle; else the newest releases/*/bundle, else artifacts/bundle."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON only.")]

USAGE, ENVIRONMENT = 2, 3


class EngineName(StrEnum):
    """Where the inputs are examined."""

    SERIAL = "serial"
    RAY = "ray"


def main() -> None:
    """Run the command line under the fixed numeric environment."""
    relaunch()
    app()


@app.command()
def analyse(  # noqa: PLR0913 - the options of the command, as typer reads them
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH...", help="DICOM files, or folders of them (read recursively, in sorted order)."),
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for results, overlays, refusals and the audit trail.")],
    listed: Annotated[
        Path | None, typer.Option("--list", help="Text file with one path a line; - reads them from stdin.")
    ] = None,
    bundle: BundleOption = None,
    policy: Annotated[Policy, typer.Option(help="Admission policy; research output is marked.")] = Policy.INTENDED_USE,
    again: Annotated[bool, typer.Option("--again", help="Analyse inputs that are recorded in the folder already, too.")] = False,
    engine: Annotated[
        EngineName, typer.Option(help="ray shares an archive out over processes of this machine (thoratrace[archive]).")
    ] = EngineName.SERIAL,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes of --engine ray.")] = 2,
    dicom: Annotated[bool, typer.Option(help="Write DICOM objects for the archive; they hold the film's patient data.")] = True,
    secondary_capture: Annotated[bool, typer.Option(help="Write the overlay as a DICOM Secondary Capture, too.")] = False,
    page: Annotated[
        bool, typer.Option(help="Write a page for people of each input, one sheet of HTML without patient data.")
    ] = True,
    explain: Annotated[
        Explain, typer.Option(help="EigenCAM only, or a map of each mark as well by this method, or by all; slower.")
    ] = Explain.EIGENCAM,
    json_only: JsonOption = False,
) -> None:
    """Analyse films one by one; every input ends in a result or a refusal record, and in one audit line.

    The same command given again continues a run that ended early: what is recorded in the folder is not analysed twice.
    """
    from device_sw.batch.run import Batch  # noqa: PLC0415 - see the module's docstring
    from device_sw.report.outputs import Wanted  # noqa: PLC0415

    inputs = list(_inputs([*(paths or ()), *_listed(listed)]))
    if not inputs:
        _say_error("no file to analyse in the given paths")
        raise typer.Exit(USAGE)
    with _environment_errors():
        wanted = Wanted(datetime.now(UTC), dicom=dicom, secondary_capture=secondary_capture, page=page)
        examiner = _examiner(engine, workers, (bundle, policy, explain), wanted)
        with closing(examiner):
            batch = Batch(examiner, out, _say_error, again=again)
            try:
                _show_progress(batch.run(inputs), len(inputs))
            finally:
                batch.finish()
    _print_batch(batch, json_only=json_only)
    raise typer.Exit(0 if batch.all_analysed else 1)


app.command("deidentify")(deidentify)
app.command("pseudonyms")(pseudonyms)

audit_app = typer.Typer(no_args_is_help=True, help="The audit trail of an output folder.")
app.add_typer(audit_app, name="audit")


@audit_app.command("verify")
def verify_audit(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Output folder of analyse.")], *, json_only: JsonOption = False
) -> None:
    """Check the chain of audit lines, the files they name and the Merkle root; changes nothing. Ends with 1 at the first difference."""
    from device_sw.batch.inspection import inspect  # noqa: PLC0415 - see the module's docstring

    with _environment_errors():
        found = inspect(out)
    _print_facts(found.facts(), json_only=json_only)
    raise typer.Exit(0 if found.difference is None else 1)


@app.command()
def info(bundle: BundleOption = None, *, json_only: JsonOption = False) -> None:
    """Print versions, the bundle and the status of this device."""
    from device_sw.detector.bundle import load_bundle  # noqa: PLC0415 - see the module's docstring
    from device_sw.report.content import STATEMENT  # noqa: PLC0415

    with _environment_errors():
        loaded = load_bundle(_bundle_folder(bundle))
    settings = loaded.settings
    _print_facts(
        {
            "device_version": __version__,
            "model_version": settings.model_version,
            "bundle_sha256": loaded.sha256,
            "profile": settings.profile,
            "budget": settings.budget,
            "preprocessing": settings.preprocessing_id,
            "engine": str(settings.engine),
            "findings": list(settings.findings),
            "operating_points": dict(settings.thresholds),
            "statement": STATEMENT,
        },
        json_only=json_only,
    )


@app.command()
def replay(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="A file of results/ or refusals/.")],
    film: Annotated[Path | None, typer.Option("--input", help="The film's file; else the one that index.json names.")] = None,
    bundle: BundleOption = None,
    *,
    json_only: JsonOption = False,
) -> None:
    """Build a recorded result again and compare it, and the files beside it, byte by byte."""
    from device_sw.replay_command import replayed  # noqa: PLC0415 - see the module's docstring

    with _environment_errors():
        folder = _bundle_folder(bundle)
        outcome = replayed(record, film, folder)
    if outcome.error:
        _say_error(outcome.error)
    _print_facts(outcome.facts, json_only=json_only)
    raise typer.Exit(outcome.exit_code)


@app.command("self-test")
def self_test(bundle: BundleOption = None, *, json_only: JsonOption = False) -> None:
    """Verify the bundle and compare the golden inputs' outputs with the released ones."""
    with _environment_errors():
        outcome = _device(bundle, Policy.INTENDED_USE).self_test
    facts = {"passed": outcome.passed, "films": outcome.films, "max_box_px": outcome.max_box_px, "max_score": outcome.max_score}
    _print_facts(facts, json_only=json_only)


def _inputs(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield files as given and the files of folders in sorted order; a path that does not exist is an input, too, and will be refused."""
    for path in paths:
        if path.is_dir():
            yield from sorted(entry for entry in path.rglob("*") if not entry.is_dir())
        else:
            yield path


def _listed(path: Path | None) -> list[Path]:
    """Return the paths that a list names, one a line; empty lines are left out."""
    if path is None:
        return []
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as err:
        _say_error(f"the list of inputs cannot be read: {type(err).__name__}")
        raise typer.Exit(USAGE) from err
    return [Path(line) for line in text.splitlines() if line.strip()]


def _examiner(engine: EngineName, workers: int, device: tuple[Path | None, Policy, Explain], wanted: Wanted) -> Examiner:
    if engine is EngineName.RAY:
        from device_sw.batch.archive import DeviceOptions, Workers  # noqa: PLC0415 - see the module's docstring

        bundle, policy, explain = device
        return Workers(DeviceOptions(_bundle_folder(bundle), policy, explain.methods), wanted, workers)
    from device_sw.batch.examination import InProcess  # noqa: PLC0415 - see the module's docstring

    return InProcess(_device(*device), wanted)


def _device(bundle: Path | None, policy: Policy, explain: Explain = Explain.EIGENCAM) -> Device:
    from device_sw.device import Device  # noqa: PLC0415

    return Device(_bundle_folder(bundle), policy, methods=explain.methods)


def _bundle_folder(given: Path | None) -> Path:
    """Return the bundle's folder by the fixed order, and say which one it is.

    Raises:
        BundleError: there is none (``BND-NONE``).
    """
    folder = given or _newest_release() or Path("artifacts/bundle")
    if given is None and not folder.is_dir():
        raise BundleError(
            "BND-NONE",
            where="bundle",
            found="no --bundle, no releases/*/bundle, no artifacts/bundle",
            expected="a model bundle",
            repair="give the folder of a bundle with --bundle, or make one with `./qms demo`",
        )
    _say_error(f"bundle: {folder}")
    return folder


def _newest_release() -> Path | None:
    found = [folder for folder in Path("releases").glob("*/bundle") if folder.is_dir()]
    return max(found, key=lambda folder: _version_key(folder.parent.name), default=None)


def _version_key(name: str) -> tuple[tuple[int, ...], str]:
    """Order releases by their numbers, so that 0.10.0 is newer than 0.9.0.

    >>> _version_key("0.10.0") > _version_key("v0.9.0")
    True
    """
    return tuple(int(number) for number in re.findall(r"\d+", name)), name


@contextmanager
def _environment_errors() -> Iterator[None]:
    """Say in one line why the device cannot work, and end with 3; anything that is no DeviceError keeps its traceback."""
    try:
        yield
    except DeviceError as error:
        _say_error(str(error))
        raise typer.Exit(ENVIRONMENT) from error


def _show_progress(done: Iterable[int], total: int) -> None:
    """Run the batch; on a terminal, show how many of the inputs are done."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (TextColumn("analysing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("analysing", total=total)
        for count in done:
            progress.update(bar, completed=count)


def _print_batch(batch: Batch, *, json_only: bool) -> None:
    summary = batch.summary()
    if json_only:
        typer.echo(json.dumps(summary, indent=1, ensure_ascii=False))
        return
    for outcome in batch.outcomes:
        told = f"{outcome['detections']} marks" if outcome["status"] == "analysed" else outcome["code"]
        earlier = "  (recorded earlier)" if "earlier" in outcome else ""
        typer.echo(f"{outcome['index']:04d}  {outcome['status']:9s} {told:26s} {outcome['file']}{earlier}")
    mark = f"{summary['mark']}. " if "mark" in summary else ""
    typer.echo(
        f"{mark}{summary['inputs']} inputs: {summary['analysed']} analysed, {summary['refused']} refused, {summary['failed']} failed."
    )
    typer.echo(f"Merkle root of the folder: {summary['merkle_root']}")
    typer.echo(summary["statement"])


def _print_facts(facts: dict[str, Any], *, json_only: bool) -> None:
    if json_only:
        typer.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    for name, value in facts.items():
        typer.echo(f"{name.replace('_', ' ')}: {_in_words(value)}")


def _in_words(value: Any) -> str:
    """Return a fact as a person reads it; nothing is said in a word, so that no line ends in the air.

    >>> _in_words(["a", "b"]), _in_words([]), _in_words(None), _in_words(0)
    ('a, b', 'none', 'none', '0')
    """
    if value is None or value == []:
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _say_error(line: str) -> None:
    typer.echo(line, err=True)
