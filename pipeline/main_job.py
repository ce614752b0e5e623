"""The main job of `./qms demo` and `./qms test`: the pipeline, then everything that rests on its result, each part with its outcome.

The order is fixed: pipeline -> candidate -> verification -> validated -> trace gate and matrix -> technical file -> sample radiographs. A part whose
ground failed is not run and counts as failed; nothing is passed over.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from device_sw.errors import DeviceError
from pipeline import cut_offs, registry, technical_file, tracking, verification_run
from pipeline.dvc_runs import canonical, reproduce, stage_environment
from pipeline.progress import bar
from pipeline.report import endpoint_line
from pipeline.repository import commit
from pipeline.run import Run, read_json
from validation.errors import ValidationError
from verification.trace import gate, matrix

if TYPE_CHECKING:
    from collections.abc import Callable

EXPECTED_FAILURES = (
    DeviceError,
    ValidationError,
    registry.RegistrationRefused,
    cut_offs.CutOffsUnchecked,
    technical_file.FileError,
)
"""What a part may raise to say that it is not what it should be; anything else is a defect of ours and keeps its traceback."""

SAMPLES = 4
"""Test films shown as sample radiographs: enough for a normal one and several findings."""


@dataclass(frozen=True)
class Part:
    """One part of the main job: whether it is what it should be, what was made, where it lies, how long it took (seconds)."""

    name: str
    good: bool
    made: str
    where: str
    seconds: float


@dataclass
class MainJob:
    """Runs the parts in order and keeps their outcomes."""

    run: Run
    say: Callable[[str], None]
    parts: list[Part] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)

    def part(self, name: str, work: Callable[[], tuple[bool, str, str]], needs: tuple[str, ...] = ()) -> None:
        """Run one part unless a part it needs failed."""
        self.say(name)
        start = time.monotonic()
        blocked = [need for need in needs if need in self.failed]
        good, made, where = (False, f"not run: {', '.join(blocked)} failed", "") if blocked else self._outcome(work)
        if not good:
            self.failed.add(name)
        self.parts.append(Part(name, good, made, where, time.monotonic() - start))

    @staticmethod
    def _outcome(work: Callable[[], tuple[bool, str, str]]) -> tuple[bool, str, str]:
        try:
            return work()
        except EXPECTED_FAILURES as err:
            return False, str(err), ""


def run_main_job(say: Callable[[str], None]) -> list[Part]:
    """Run the whole main job on the canonical run and return its parts."""
    job = MainJob(canonical(), say)
    job.part("pipeline", lambda: _pipeline(job.run))
    job.part("detection", lambda: _detection(job.run), ("pipeline",))
    job.part("registry: candidate", lambda: _candidate(job.run), ("pipeline",))
    job.part("verification", lambda: _verification(job.run), ("pipeline",))
    job.part("cut-offs", lambda: _cut_offs(job.run), ("registry: candidate",))
    job.part("registry: validated", lambda: _validated(job.run), ("registry: candidate", "verification", "detection", "cut-offs"))
    job.part("trace gate", lambda: _gate(job.run), ("verification",))
    job.part("technical file", lambda: _technical_file(job.run), ("pipeline", "verification"))
    job.part("sample radiographs", lambda: _samples(job.run), ("pipeline",))
    return job.parts


def _pipeline(run: Run) -> tuple[bool, str, str]:
    code = reproduce(run)
    if code:
        tracking.hold(registry.open_registry(run.artifact("mlflow")), run, commit(run.root), finished=False)
    films = len(read_json(run.artifact("cohort") / "cohort.json")["films"]) if code == 0 else 0
    return code == 0, f"{films} phantom films, trained detector, bundle, predictions, validation", "artifacts/"


def _detection(run: Run) -> tuple[bool, str, str]:
    """Say the endpoints of the protocol as the validation stage judged them."""
    endpoints = read_json(run.artifact("validation") / "validation.json")["endpoints"]
    text = "; ".join(endpoint_line(endpoint) for endpoint in endpoints)
    return bool(endpoints) and all(e["passed"] for e in endpoints), f"phantom results: {text}", "artifacts/validation/"


def _candidate(run: Run) -> tuple[bool, str, str]:
    made = registry.register(run, commit(run.root))
    return True, f"{made.model} version {made.version}, weights {made.tags['weights_sha256'][:12]}", "artifacts/mlflow/"


def _verification(run: Run) -> tuple[bool, str, str]:
    with bar("scenarios") as report:
        done = verification_run.run(run.root, report)
    return done.passed, done.reason or _counts(done), "artifacts/verification/"


def _counts(done: verification_run.VerificationRun) -> str:
    counts = done.record.counts() if done.record else {}
    reused = "" if done.executed else " (up to date)"
    return "scenario rows: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) + reused


def _cut_offs(run: Run) -> tuple[bool, str, str]:
    """Compare the candidate with the version in use of its budget, at the old cut-offs and at its own."""
    bundle = read_json(run.artifact("predictions") / "predictions.json")["bundle_sha256"]
    with TemporaryDirectory() as folder, bar("version in use on test films") as report:
        other = registry.in_use(registry.model_of(run), bundle, Path(folder))
        record = cut_offs.measure(run, other, report)
    where = "artifacts/cut_offs/"
    if other is None:
        return True, "no version in use to be compared with", where
    return bool(record["passed"]), f"version {other.version}: {cut_offs.summary(record)}", where


def _validated(run: Run) -> tuple[bool, str, str]:
    made = registry.validate(run, verification_passed=True)
    return True, f"version {made.version} is {', '.join(made.aliases)}", "artifacts/mlflow/"


def _gate(run: Run) -> tuple[bool, str, str]:
    result = gate.check(run.root, gate.Level.DEVELOPMENT)
    page = matrix.write(run.root, result)
    if not result:
        print(gate.to_text(result), file=sys.stderr)
    return bool(result), f"{len(result.problems)} problems at development level", str(page.relative_to(run.root))


def _technical_file(run: Run) -> tuple[bool, str, str]:
    with bar("technical file") as report:
        page = technical_file.build(run.root, report)
    return True, "HTML, PDF and JSON", str(page.relative_to(run.root))


def _samples(run: Run) -> tuple[bool, str, str]:
    """Analyse a few test films with the device's own command line, as a hospital would."""
    films = [film for film in read_json(run.artifact("cohort") / "cohort.json")["films"] if film["split"] == "test"][:SAMPLES]
    paths = [str(run.artifact("cohort") / film["path"]) for film in films]
    out = run.artifact("samples")
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "device_sw", "analyse", *paths, "-o", str(out), "--bundle", str(run.artifact("bundle"))]
    code = subprocess.run(command, cwd=run.root, env=stage_environment(run), stdout=sys.stderr, check=False).returncode
    return code == 0, f"{len(films)} films: result, overlay with boxes and heat map, audit trail", "artifacts/samples/"
