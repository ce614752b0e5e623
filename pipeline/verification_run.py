"""Runs the verification scenarios and writes what came of them, bound to the identity of what was judged.

It runs after the pipeline and is no DVC stage, so that nothing hashes itself. A run that is clean and whose identity still holds is not repeated.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_sw.launcher import numeric_environment
from pipeline.run import available_workers
from requirements_spec import loader as specification_loader
from risk import loader as risk_loader
from verification.faults.activation import VARIABLE as SEEDED_DEFECT
from verification.trace.bridges import texts
from verification.trace.evidence import JUNIT, VERDICTS, Record, read_record, write_json
from verification.trace.features import load
from verification.trace.identity import Identity, difference, read_identity
from verification.trace.junit import read_junit
from verification.trace.outcomes import RecordError, judge
from verification.trace.records import RECORDS, write_records

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.progress import Report
    from requirements_spec.model import Specification
    from risk.model import RiskFile

SILENCERS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
"""Variables of the caller that could leave scenarios out."""

_DONE = re.compile(r"\b(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b")


@dataclass(frozen=True)
class VerificationRun:
    """What the run left: its record, whether it was executed now or was up to date, and why there is no record, if there is none."""

    record: Record | None
    executed: bool
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Say whether every scenario owed passed cleanly."""
        return self.record is not None and self.record.passed


def run(root: Path, progress: Report, *, force: bool = False) -> VerificationRun:
    """Run every scenario under ``root`` and write junit.xml, verdicts.json and records.json, unless clean verdicts of exactly this state lie there.

    The identity is read before and after; when it changed in between, the verdicts belong to neither state and say so.
    """
    if SEEDED_DEFECT in os.environ:
        reason = f"{SEEDED_DEFECT} is set, so what would run is not the device; unset it"
        return VerificationRun(None, executed=False, reason=reason)
    before = read_identity(root, "verification")
    if not force and (kept := _up_to_date(root, before)):
        sys.stderr.write("verification: up to date\n")
        return VerificationRun(kept, executed=False)
    scenarios, _ = load(root)
    owed = sum(len(scenario.expected()) for scenario in scenarios)
    exit_code = _execute(root, owed, progress)
    try:
        verdicts = judge(scenarios, read_junit(root / JUNIT))
    except RecordError as err:
        return VerificationRun(None, executed=True, reason=f"the runner ended with {exit_code} and left no record: {err}")
    read = texts(scenarios, *_data(root))
    record = Record(_unchanged(before, read_identity(root, "verification")), exit_code, verdicts, read)
    write_json(root / VERDICTS, record.to_json())
    write_records(root, record, scenarios)
    return VerificationRun(record, executed=True)


def _data(root: Path) -> tuple[Specification, RiskFile]:
    specification, _ = specification_loader.load(root)
    return specification, risk_loader.load(root, specification)[0]


def _up_to_date(root: Path, current: Identity) -> Record | None:
    """Return the record that lies there, if it is clean and of this state; the raw record and the test records have to be there too."""
    try:
        record = read_record(root)
    except (FileNotFoundError, RecordError):
        return None
    same = current.sha256 is not None and record.identity.sha256 == current.sha256
    whole = all((root / name).is_file() for name in (JUNIT, RECORDS))
    return record if same and record.passed and whole else None


def _unchanged(before: Identity, after: Identity) -> Identity:
    if before.sha256 == after.sha256:
        return after
    changed = "; ".join(difference(before, after)[:3])
    return Identity("verification", None, f"changed during the run: {changed}", after.files, after.lineage, after.commit)


def _execute(root: Path, owed: int, progress: Report) -> int:
    """Run pytest in a process of its own, without what lay there before, and return its exit code."""
    for name in (JUNIT, VERDICTS, RECORDS):
        (root / name).unlink(missing_ok=True)
    (root / JUNIT).parent.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        command(), cwd=root, env=environment(root), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with process:
        _follow(process.stdout or (), owed, progress)
    return process.returncode


def command() -> list[str]:
    """Return the one command line of the verification run; two processes where two cores are there."""
    workers = min(2, available_workers())
    spread = ["-n", str(workers)] if workers > 1 else []
    plugins = ["-p", "no:cacheprovider", "-p", "verification.trace.recording"]
    return [
        sys.executable,
        "-m",
        "pytest",
        "verification",
        "-v",
        "--color=no",
        "--tb=short",
        f"--junitxml={JUNIT}",
        *plugins,
        *spread,
    ]


def environment(root: Path) -> dict[str, str]:
    """Return the environment of a run of tests: the numeric one, without what could leave tests out."""
    kept = {name: value for name, value in numeric_environment().items() if name not in SILENCERS}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(root)}


def _follow(lines: Iterable[str], owed: int, progress: Report) -> None:
    """Count finished scenarios for the progress bar, and pass everything else that the runner says after them to stderr."""
    done, finished = 0, False
    for line in lines:
        finished = finished or (line.startswith("=====") and done > 0)
        outcome = None if finished or "::" not in line else _DONE.search(line)
        if outcome:
            done += 1
            progress(done, max(owed, done), "" if outcome[1] == "PASSED" else outcome[1].lower())
        elif finished:
            sys.stderr.write(line)
