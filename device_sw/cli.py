"""The command line: reads arguments, calls the device, writes what it says. Results on stdout, diagnosis on stderr.

Exit codes: 0 every input analysed; 1 some inputs refused or failed, all recorded; 2 wrong usage; 3 environment, bundle or output folder not usable.
Numeric libraries are imported inside the functions that need them, after the numeric environment is set, so that ``--help`` is fast.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from device_sw._version import __version__
from device_sw.errors import BundleError, DeviceError
from device_sw.launcher import relaunch
from device_sw.types import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from device_sw.audit import AuditTrail
    from device_sw.device import Device
    from device_sw.report.content import AnalysisResult
    from device_sw.report.folder import OutputFolder

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


def main() -> None:
    """Run the command line under the fixed numeric environment."""
    relaunch()
    app()


@app.command()
def analyse(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="DICOM files, or folders of them (read recursively, in sorted order).")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for results, overlays, refusals and the audit trail.")],
    bundle: BundleOption = None,
    policy: Annotated[Policy, typer.Option(help="Admission policy; research output is marked.")] = Policy.INTENDED_USE,
    json_only: JsonOption = False,  # noqa: FBT002 - typer reads the flag from the signature
) -> None:
    """Analyse films one by one; every input ends in a result or a refusal record, and in one audit line."""
    inputs = list(_inputs(paths))
    if not inputs:
        _say_error("no file to analyse in the given paths")
        raise typer.Exit(USAGE)
    with _environment_errors():
        batch = Batch(_device(bundle, policy), out)
        try:
            for path in _with_progress(inputs):
                batch.take(path)
        finally:
            batch.finish()
    _print_batch(batch, json_only=json_only)
    raise typer.Exit(0 if batch.all_analysed else 1)


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
            "findings": list(settings.findings),
            "operating_points": dict(settings.thresholds),
            "statement": STATEMENT,
        },
        json_only=json_only,
    )


@app.command("self-test")
def self_test(bundle: BundleOption = None, *, json_only: JsonOption = False) -> None:
    """Verify the bundle and compare the golden inputs' outputs with the released ones."""
    with _environment_errors():
        outcome = _device(bundle, Policy.INTENDED_USE).self_test
    facts = {"passed": outcome.passed, "films": outcome.films, "max_box_px": outcome.max_box_px, "max_score": outcome.max_score}
    _print_facts(facts, json_only=json_only)


@dataclass
class Batch:
    """A run over many inputs into one output folder. Numbers continue where an earlier run into the same folder ended."""

    device: Device
    root: Path
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    _names: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open output folder and audit trail."""
        from device_sw.audit import AuditTrail  # noqa: PLC0415
        from device_sw.report.folder import OutputFolder  # noqa: PLC0415

        self._folder: OutputFolder = OutputFolder(self.root)
        self._trail: AuditTrail = AuditTrail(self.root / "audit.jsonl")
        self._names = _earlier_names(self.root / "index.json")

    @property
    def all_analysed(self) -> bool:
        """Whether no input was refused and none failed."""
        return all(outcome["status"] == "analysed" for outcome in self.outcomes)

    def take(self, path: Path) -> None:
        """Analyse one input and record what became of it."""
        index = self._trail.count + 1
        try:
            result = self.device.analyse(path)
        except DeviceError as error:
            self._record_refusal(index, path, error)
        else:
            self._record_result(index, path, result)

    def _record_result(self, index: int, path: Path, result: AnalysisResult) -> None:
        from device_sw.report.json_report import json_report  # noqa: PLC0415
        from device_sw.report.overlay import overlay  # noqa: PLC0415

        stem = f"{index:04d}-{result.film.content_sha256[:8]}"
        marked = Counter(str(detection.finding) for detection in result.detections)
        outcome = {
            "status": "analysed",
            "code": None,
            "content_sha256": result.film.content_sha256,
            "sop_instance_uid": result.film.sop_instance_uid,
        }
        with self._folder.transaction() as folder:
            folder.stage_json(f"results/{stem}.json", json_report(result, index))
            folder.stage_image(f"overlays/{stem}.png", overlay(result))
            self._audit(index, {**outcome, "detections": dict(sorted(marked.items()))})
        self._note(index, path, {**outcome, "file": f"results/{stem}.json", "detections": sum(marked.values())})

    def _record_refusal(self, index: int, path: Path, error: DeviceError) -> None:
        from device_sw.report.refusal import refusal_record  # noqa: PLC0415

        settings = {
            "policy": self.device.policy,
            "device_version": self.device.version,
            "bundle_sha256": self.device.bundle_sha256,
        }
        record = refusal_record(error, index=index, **settings)  # type: ignore[arg-type]
        digest = record["input"]["content_sha256"]
        outcome = {
            "status": record["status"],
            "code": error.code,
            **{key: record["input"][key] for key in ("content_sha256", "sop_instance_uid")},
        }
        name = f"refusals/{index:04d}-{digest[:8] if digest else 'unread'}.json"
        with self._folder.transaction() as folder:
            folder.stage_json(name, record)
            self._audit(index, {**outcome, "detections": {}})
        self._note(index, path, {**outcome, "file": name})
        _say_error(f"{index:04d} {record['status']}: {error}")

    def _audit(self, index: int, outcome: dict[str, Any]) -> None:
        from device_sw.report.content import mark  # noqa: PLC0415

        words = mark(self.device.policy)
        self._trail.append(
            {
                "schema": "thoratrace/audit/1",
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
                "index": index,
                "device_version": self.device.version,
                "model_version": self.device.settings.model_version,
                "bundle_sha256": self.device.bundle_sha256,
                "policy": self.device.policy.value,
                **({} if words is None else {"mark": words}),
                **outcome,
            }
        )

    def _note(self, index: int, path: Path, outcome: dict[str, Any]) -> None:
        self.outcomes.append({"index": index, **outcome})
        self._names.append({"index": index, "path": str(path), "content_sha256": outcome["content_sha256"]})

    def finish(self) -> None:
        """Write the index of names and the summary of this run, also where the run ends early."""
        with self._folder.transaction() as folder:
            folder.stage_json("index.json", {"schema": "thoratrace/index/1", "inputs": self._names})
            folder.stage_json("summary.json", self.summary())

    def summary(self) -> dict[str, Any]:
        """Return what became of the inputs, in the order they were given."""
        from device_sw.report.content import STATEMENT, mark  # noqa: PLC0415

        words = mark(self.device.policy)
        statuses = Counter(outcome["status"] for outcome in self.outcomes)
        return {
            "schema": "thoratrace/summary/1",
            **({} if words is None else {"mark": words}),
            "statement": STATEMENT,
            "policy": self.device.policy.value,
            "device_version": self.device.version,
            "model_version": self.device.settings.model_version,
            "bundle_sha256": self.device.bundle_sha256,
            "inputs": len(self.outcomes),
            **{status: statuses[status] for status in ("analysed", "refused", "failed")},
            "codes": dict(sorted(Counter(outcome["code"] for outcome in self.outcomes if outcome["code"]).items())),
            "outcomes": self.outcomes,
        }


def _earlier_names(path: Path) -> list[dict[str, Any]]:
    """Return the entries of an earlier index; one that cannot be read is replaced, since it is for convenience only."""
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["inputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _inputs(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield files as given and the files of folders in sorted order; a path that does not exist is an input, too, and will be refused."""
    for path in paths:
        if path.is_dir():
            yield from sorted(entry for entry in path.rglob("*") if not entry.is_dir())
        else:
            yield path


def _device(bundle: Path | None, policy: Policy) -> Device:
    from device_sw.device import Device  # noqa: PLC0415

    return Device(_bundle_folder(bundle), policy)


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


def _with_progress(inputs: list[Path]) -> Iterator[Path]:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (TextColumn("analysing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(inputs)


def _print_batch(batch: Batch, *, json_only: bool) -> None:
    summary = batch.summary()
    if json_only:
        typer.echo(json.dumps(summary, indent=1, ensure_ascii=False))
        return
    for outcome in batch.outcomes:
        told = f"{outcome['detections']} marks" if outcome["status"] == "analysed" else outcome["code"]
        typer.echo(f"{outcome['index']:04d}  {outcome['status']:9s} {told:26s} {outcome['file']}")
    mark = f"{summary['mark']}. " if "mark" in summary else ""
    typer.echo(
        f"{mark}{summary['inputs']} inputs: {summary['analysed']} analysed, {summary['refused']} refused, {summary['failed']} failed."
    )
    typer.echo(summary["statement"])


def _print_facts(facts: dict[str, Any], *, json_only: bool) -> None:
    if json_only:
        typer.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    for name, value in facts.items():
        typer.echo(f"{name.replace('_', ' ')}: {', '.join(map(str, value)) if isinstance(value, list) else value}")


def _say_error(line: str) -> None:
    typer.echo(line, err=True)
