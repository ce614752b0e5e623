"""Runs the DVC pipeline: the canonical run in the repository, every other run in a folder of its own.

Another run's folder is a complete DVC project without git: a snapshot of the code that runs, its own params.yaml, dvc.yaml and dvc.lock. So one
table of stages serves all runs, and a run keeps the code it was made with.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import yaml

from device_sw.errors import CodedError
from device_sw.launcher import numeric_environment
from pipeline.run import REPOSITORY, Run

if TYPE_CHECKING:
    from pathlib import Path

SNAPSHOT = ("device_sw", "phantom", "pipeline", "requirements_spec", "risk", "validation")
"""Packages a stage may import; they travel into the folder of another run."""


PRETRAINED = "pretrained"
"""Folder of a run with the weights that its training starts from."""

KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(64 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(512 * 2**20)}
"""Bytes from which the C library asks the system for a block of its own, and bytes it keeps of what was freed. A stage frees and asks for the same large
arrays thousands of times; taken from the system, each page of them costs a fault. No number depends on it. Source: mallopt(3)."""


class RunError(CodedError):
    """A run that cannot be laid out. Codes: RUN-PROFILE, RUN-BUDGET, RUN-PRETRAINED, DATA-MISSING."""


def canonical() -> Run:
    """Return the canonical run, phantom/quick, whose root is the repository."""
    return Run(REPOSITORY)


def reproduce(run: Run) -> int:
    """Bring a run up to date with `dvc repro` and return its exit code; DVC's own words go to stderr."""
    command = [sys.executable, "-m", "dvc", "repro"]
    return subprocess.run(command, cwd=run.root, env=stage_environment(run), stdout=sys.stderr, check=False).returncode


def stage_environment(run: Run) -> dict[str, str]:
    """Return the environment of every stage: numbers fixed, freed memory kept, this interpreter first, DVC quiet and its state inside the run."""
    binaries = os.path.dirname(sys.executable)  # noqa: PTH120  the link in the environment matters, not the file it points to
    return {
        **numeric_environment(),
        **KEPT_MEMORY,
        "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(run.root),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(run.root / ".dvc" / "site"),
        "DVC_NO_UPDATE_CHECK": "1",
    }


def configure(profile: str, budget: str, data: Path | None, pretrained: Path | None = None) -> Run:
    """Lay out the run of another profile or budget and return it; phantom/quick is the canonical run itself.

    Args:
        profile: data profile.
        budget: training budget.
        data: folder with the profile's data, where it needs one.
        pretrained: weights whose backbone the training starts from; they are copied into the run, so that it keeps what it was made with.

    Raises:
        RunError: RUN-PROFILE or RUN-BUDGET, unknown name; DATA-MISSING, the profile needs a data folder that is not there; RUN-PRETRAINED, the
            weights are not there, or are asked for in the canonical run.
    """
    table = tomllib.loads((REPOSITORY / "pipeline" / "profiles.toml").read_text(encoding="utf-8"))
    for kind, name in (("profile", profile), ("budget", budget)):
        if name not in table[kind]:
            expected = " or ".join(table[kind])
            raise RunError(
                f"RUN-{kind.upper()}", where=f"--{kind}", found=name, expected=expected, repair="give one of these names"
            )
    is_canonical = (profile, budget) == ("phantom", "quick")
    if pretrained is not None and (is_canonical or not pretrained.is_file()):
        raise _no_weights(pretrained, is_canonical=is_canonical)
    if is_canonical:
        return canonical()
    run = Run(run_folder(profile, budget))
    params, stages = _params(table, profile, budget, data), _stages(table["profile"][profile])
    _snapshot(run.root)
    shutil.rmtree(run.root / PRETRAINED, ignore_errors=True)
    if pretrained is not None:
        source = f"{PRETRAINED}/{pretrained.name}"
        (run.root / PRETRAINED).mkdir()
        shutil.copy(pretrained, run.root / source)
        params = merge(params, {"train": {"transfer": {"source": source}}})
        stages["stages"]["train"]["deps"].append(source)
    _write_yaml(run.root / "params.yaml", params)
    _write_yaml(run.root / "dvc.yaml", stages)
    return run


def _no_weights(pretrained: Path, *, is_canonical: bool) -> RunError:
    return RunError(
        "RUN-PRETRAINED",
        where="--pretrained",
        found="the canonical run" if is_canonical else f"no file {pretrained.name}",
        expected="weights for another profile or budget",
        repair="give a .safetensors or PyTorch file, for example artifacts/training/weights.safetensors",
    )


def run_folder(profile: str, budget: str) -> Path:
    """Return the folder of a run that is not the canonical one."""
    return REPOSITORY / "artifacts" / "runs" / f"{profile}-{budget}"


def _params(table: dict[str, Any], profile: str, budget: str, data: Path | None) -> dict[str, Any]:
    params = canonical().params()
    for overrides in (table["profile"][profile], table["budget"][budget]):
        params = merge(params, overrides.get("params", {}))
    params.update(profile=profile, budget=budget)
    if profile != "phantom":
        params["data"] = {**params.get("data", {}), "path": str(_data_folder(profile, data))}
    return params


def _data_folder(profile: str, data: Path | None) -> Path:
    if data is None or not data.is_dir():
        found = "no --data" if data is None else f"no folder {data}"
        expected = f"the folder with the {profile} data"
        raise RunError("DATA-MISSING", where="--data", found=found, expected=expected, repair="give it with --data DIR")
    return data.resolve()


def merge(base: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """Return ``base`` with single values replaced, section by section.

    >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}})
    {'a': {'b': 1, 'c': 3}}
    """
    result = dict(base)
    for key, value in overrides.items():
        nested = isinstance(value, dict) and isinstance(base.get(key), dict) and key != "patients"
        result[key] = merge(base[key], value) if nested else value
    return result


def _stages(profile: dict[str, Any]) -> dict[str, Any]:
    """Return the stages of dvc.yaml with the profile's own way of getting its films."""
    stages = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text(encoding="utf-8"))
    cohort = stages["stages"]["cohort"]
    cohort["cmd"] = f"python -m pipeline.stages.{profile['stage']}"
    cohort["deps"] = list(profile["deps"])
    if profile["stage"] != "cohort":
        cohort["params"] = [*cohort["params"], "data", "prepare.preprocessing"]
        cohort["deps"].append("${data.path}")
    return dict(stages)


def _snapshot(root: Path) -> None:
    """Copy the packages into the run's folder, and make the folder a DVC project without git."""
    root.mkdir(parents=True, exist_ok=True)
    for package in SNAPSHOT:
        shutil.rmtree(root / package, ignore_errors=True)
        shutil.copytree(REPOSITORY / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / ".dvcignore", root / ".dvcignore")
    (root / ".dvc").mkdir(exist_ok=True)
    config = (REPOSITORY / ".dvc" / "config").read_text(encoding="utf-8")
    (root / ".dvc" / "config").write_text(config.replace("[core]\n", "[core]\n    no_scm = true\n"), encoding="utf-8")


def _write_yaml(path: Path, value: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), encoding="utf-8")
