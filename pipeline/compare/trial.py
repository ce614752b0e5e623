"""One family's trial: the stages train, package and predict of the pipeline on the comparison's films, each done once.

A trial is a run of its own whose cohort and prepared films are links to the comparison's. A stage is done when its stamp holds the key of everything
that decides its result: films, parameters, the code that dvc.yaml names for it, and the stage before. So a comparison that was cut off goes on where it stood
(training, too: it keeps its checkpoint), and one whose code or parameters changed starts again.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from pipeline.compare.errors import ComparisonError
from pipeline.dvc_runs import stage_environment
from pipeline.run import REPOSITORY, Run, file_sha256, read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.compare.material import Material

STAGES = ("train", "package", "predict")
_KEPT_LINES = 3


@dataclass(frozen=True)
class Trial:
    """One family with its parameters, as a run."""

    family: str
    run: Run
    material: Material
    params: dict[str, Any]

    def execute(self, stages: Sequence[str] = STAGES) -> None:
        """Bring the trial, or its first stages, up to date.

        Raises:
            ComparisonError: CMP-TRIAL, a stage failed; its last words are part of the message, its whole output lies in the trial's folder.
        """
        self._lay_out()
        key = self.material.sha256
        for stage in stages:
            key = self._key(stage, key)
            if self._stamps().get(stage) != key:
                self._perform(stage)
                write_json(self._place("stamps"), {**self._stamps(), stage: key})

    def seconds(self) -> dict[str, float]:
        """Return the wall-clock seconds that each stage has taken so far, over all attempts."""
        return dict(read_json(self._place("seconds"))) if self._place("seconds").exists() else {}

    def _lay_out(self) -> None:
        artifacts = self.run.root / "artifacts"
        artifacts.mkdir(parents=True, exist_ok=True)
        (self.run.root / "params.yaml").write_text(
            yaml.safe_dump(self.params, sort_keys=False, allow_unicode=True), encoding="utf-8"
        )
        for name in ("cohort", "prepared"):
            if not (artifacts / name).is_symlink():
                (artifacts / name).symlink_to(os.path.relpath(self.material.folder / name, artifacts), target_is_directory=True)

    def _key(self, stage: str, before: str) -> str:
        entry = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text(encoding="utf-8"))["stages"][stage]
        sections = {name: _section(self.params, name) for name in entry["params"]}
        code = [dep for dep in entry["deps"] if not dep.startswith("artifacts/")]
        parts = [before, stage, json.dumps(sections, sort_keys=True), *(_code_sha256(REPOSITORY / dep) for dep in sorted(code))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _perform(self, stage: str) -> None:
        environment = {**stage_environment(self.run), "PYTHONPATH": str(REPOSITORY)}
        start, log = time.monotonic(), self._place(stage).with_suffix(".log")
        try:
            with log.open("w", encoding="utf-8") as output:
                command = [sys.executable, "-m", f"pipeline.stages.{stage}"]
                code = subprocess.run(
                    command, cwd=self.run.root, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False
                ).returncode
        finally:
            spent = self.seconds()
            write_json(self._place("seconds"), {**spent, stage: spent.get(stage, 0.0) + time.monotonic() - start})
        if code:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_KEPT_LINES:]
            raise ComparisonError(
                "CMP-TRIAL",
                where=f"{self.family}, stage {stage}",
                found=f"exit code {code}: {' | '.join(last)}",
                expected="a finished stage",
                repair=f"see {log.name} in the trial's folder; the same command goes on from here",
            )

    def _stamps(self) -> dict[str, str]:
        return dict(read_json(self._place("stamps"))) if self._place("stamps").exists() else {}

    def _place(self, name: str) -> Path:
        return self.run.root / f"{name}.json"


def _section(params: dict[str, Any], dotted: str) -> Any:
    """Return a section of the parameters.

    >>> _section({"train": {"seed": 7}}, "train.seed")
    7
    """
    value: Any = params
    for name in dotted.split("."):
        value = value[name]
    return value


def _code_sha256(path: Path) -> str:
    files = (
        sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        if path.is_dir()
        else [path]
    )
    return " ".join(f"{file.relative_to(REPOSITORY)} {file_sha256(file)}" for file in files)
