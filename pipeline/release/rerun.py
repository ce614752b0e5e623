"""Makes a release again inside the sandbox, with the code of its own commit: the pipeline's stages, the verification, and the sealing of what came out.

    python -m pipeline.release.rerun LEVEL --release FOLDER --archive FOLDER --out FOLDER

Level ``train`` runs every stage; level ``eval`` takes the model from the release and makes the films, the predictions, the figures and the technical file
again. No stage finds an earlier result: there is no cache and no run-cache, and DVC writes what really came out into the lock. Nothing is
judged here: what was made is compared outside, by the code of today.

Source: dvc-repro(1), ``--force --single-item --no-run-cache --no-commit``; design 4 (verification and technical file run after the pipeline).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device_sw.launcher import relaunch
from pipeline.progress import bar
from pipeline.release.errors import ReleaseRefused
from pipeline.release.parts.collection import FOLDERS, OWED
from pipeline.release.provenance.numeric_class import measured
from pipeline.release.record.folder import ReleaseFolder
from pipeline.release.record.record import Kind
from pipeline.release.reproduction import restoration
from pipeline.run import Run, read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MADE_AGAIN: Mapping[str, tuple[str, ...]] = {
    "eval": ("cohort", "prepare", "predict", "validate"),
    "train": ("cohort", "prepare", "train", "package", "predict", "validate"),
}
"""Stages that run at each level; of the others the release's own outputs are laid out."""

CLASS = "numeric_class"
"""Name of the numeric class in a record's environment."""

MATRIX = "archive/trace/matrix.json"
REPORT = "rerun.json"
SEALED = "release"
SCHEMA = "thoratrace/rerun/1"
STARVED = 128 + 9
"""Exit code of a rerun that ran out of memory: that of a process ended by SIGKILL, so it proves nothing either way."""

WARMED = ("openvino, torch, torchvision", "dvc.cli, matplotlib.pyplot, mlflow, pydicom, pytest, scipy.stats, sphinx.application")
"""Imported once before the first step, by two processes side by side, so that libraries are compiled once and not by every process."""


@dataclass
class Rerun:
    """Runs the steps of a level in order and keeps what came of each.

    Attributes:
        root: the checkout.
        level: eval or train.
        folder: of the release that is made again.
        out: where the report and the parts go.
        steps: name, seconds and outcome of every step so far.
        failed: why the last step failed; empty while none did.
        starved: whether this machine killed a process for want of memory while that step ran.
        environment: what is known of this machine so far: first its numeric class, in the end everything that a record states.
    """

    root: Path
    level: str
    folder: ReleaseFolder
    out: Path
    steps: list[dict[str, Any]] = field(default_factory=list)
    failed: str = ""
    starved: bool = False
    environment: dict[str, Any] = field(default_factory=dict)

    def step(self, name: str, work: Callable[[Rerun], str]) -> None:
        """Run one step unless an earlier one failed; ``work`` returns why it failed, or an empty text."""
        if self.failed:
            return
        sys.stderr.write(f"rerun: {name}\n")
        start, kills = time.monotonic(), memory_kills()
        try:
            self.failed = work(self)
        except ReleaseRefused as err:
            self.failed = str(err)
        self.starved = bool(self.failed) and memory_kills() > kills
        self.steps.append({"name": name, "seconds": round(time.monotonic() - start, 1), "failed": self.failed})

    @property
    def made(self) -> Path:
        """Folder of the parts that were made."""
        return self.out / SEALED


def memory_kills(statistics: Path = Path("/proc/vmstat")) -> int:
    """Return how many processes the kernel has killed for want of memory since it started; 0 where it does not say.

    A stage runs below DVC, and what DVC says of one that was killed is what it says of one that failed. Source: proc_vmstat(5), ``oom_kill``.
    """
    try:
        lines = statistics.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def main() -> int:
    """Run every step and write the report; 0 where every step ran to its end, 137 where one failed while memory ran out."""
    relaunch()
    chosen = _parsed()
    rerun = Rerun(Path.cwd(), chosen.level, ReleaseFolder(chosen.release, chosen.archive), chosen.out)
    rerun.step("interpreter", _warm)
    rerun.step("numeric class", _probe)
    rerun.step("parameters and lock", _restore)
    for stage in MADE_AGAIN[rerun.level]:
        rerun.step(stage, lambda each, stage=stage: _run_stage(each, stage))  # type: ignore[misc]
    rerun.step("registry and verification", _judge)
    rerun.step("technical file and parts", _seal)
    if rerun.failed:
        gather(rerun.root, rerun.made)
    report = {"schema": SCHEMA, "level": rerun.level, "steps": rerun.steps, "failed": rerun.failed}
    write_json(rerun.out / REPORT, {**report, "environment": rerun.environment})
    return STARVED if rerun.starved else int(bool(rerun.failed))


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pipeline.release.rerun")
    parser.add_argument("level", choices=tuple(MADE_AGAIN))
    for name in ("release", "archive", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    return parser.parse_args()


def _warm(rerun: Rerun) -> str:
    started = [subprocess.Popen([sys.executable, "-c", f"import {names}"], cwd=rerun.root) for names in WARMED]
    codes = [each.wait() for each in started]
    return f"importing the libraries ended with {codes}" if any(codes) else ""


def _probe(rerun: Rerun) -> str:
    """Compute the numeric class of this machine and say at once whether it is that of the record; the other steps run in any case."""
    found = measured(rerun.root, caches=Path(os.environ.get("PYTHONPYCACHEPREFIX", rerun.out / "compiled")))
    rerun.environment = {**found.facts, CLASS: found.sha256}
    recorded = rerun.folder.record().environment.get(CLASS)
    if recorded != found.sha256:
        sys.stderr.write(f"rerun: numeric class {found.sha256[:16]}, recorded {str(recorded)[:16]}: bytes will prove nothing\n")
    return ""


def _restore(rerun: Rerun) -> str:
    restoration.restore_run(rerun.folder, rerun.root)
    if rerun.level == "eval":
        restoration.restore_model(rerun.folder, rerun.root)
    return ""


def _run_stage(rerun: Rerun, name: str) -> str:
    """Run one stage of dvc.yaml by force; DVC writes what came out into the lock, and keeps no copy of it."""
    from pipeline.dvc_runs import stage_environment  # noqa: PLC0415  keeps the first import light, before the numeric environment is set

    command = [sys.executable, "-m", "dvc", "repro", "--force", "--single-item", "--no-run-cache", "--no-commit", name]
    code = subprocess.run(command, cwd=rerun.root, env=stage_environment(Run(rerun.root)), stdout=2, check=False).returncode
    return f"stage {name} ended with {code}" if code else ""


def _judge(rerun: Rerun) -> str:
    """Register, verify and validate the model as before a release: in a registry of this checkout alone, which begins empty."""
    from pipeline.release.sealing.preparation import prepare  # noqa: PLC0415

    with bar("scenarios") as report:
        prepare(rerun.root, rerun.folder.record().source.commit, report, show_tools=showed_tools(rerun.folder))
    return ""


def showed_tools(folder: ReleaseFolder) -> bool:
    """Say whether seeded defects had been tried when this was sealed: a release owes them, a trial says so in its trace matrix."""
    from verification.trace.matrix_rows import NOT_TRIED  # noqa: PLC0415  keeps the first import light

    matrix = folder.place(MATRIX)
    if folder.record().kind is Kind.RELEASE or not matrix.is_file():
        return True
    return any(row["shown"] != NOT_TRIED for row in read_json(matrix)["tables"]["seeded_defects"])


def _seal(rerun: Rerun) -> str:
    """Seal what came out as the build does, under the terms that the record states."""
    from pipeline.release.sealing.sealing import Order, seal  # noqa: PLC0415

    recorded = rerun.folder.record()
    order = Order(recorded.version, recorded.kind, recorded.signers, recorded.previous, restoration.RUN, unwatched=True)
    with bar("sealing") as report:
        made = seal(rerun.root, order, ReleaseFolder(rerun.made, rerun.made), report)
    rerun.environment |= made.environment
    return ""


def gather(root: Path, made: Path) -> None:
    """Copy every part that lies in a root where it could not be sealed, so that the first difference can still be named."""
    found = {name: root / path for name, path in OWED.items() if (root / path).is_file()}
    for name, (folder, pattern) in FOLDERS.items():
        paths = (path for path in (root / folder).glob(pattern) if path.is_file())
        found |= {f"{name}/{path.relative_to(root / folder).as_posix()}": path for path in paths}
    for name, path in found.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, made / name)


if __name__ == "__main__":
    sys.exit(main())
