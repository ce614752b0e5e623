"""A copy of the project with its finished run, for tests and studies that alter what the technical file is made from."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("device_sw", "docs", "evidence", "phantom", "pipeline", "requirements_spec", "risk", "validation", "verification")
FILES = (
    "AUDIT.jsonl",
    "AUDIT.head.json",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "device.lock",
    "dvc.lock",
    "dvc.yaml",
    "params.yaml",
    "people.toml",
    "pyproject.toml",
    "requirements.lock",
)
LINKED = ("bundle", "cohort", "prepared", "training")
COPIED = ("predictions", "validation", "verification", "trace")


def copy_of_project(target: Path) -> Path:
    """Copy what the file is made from below ``target``; tests and large outputs of the run are linked, what is altered is copied."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, target / name)
    (target / "tests").symlink_to(ROOT / "tests")
    (target / "artifacts").mkdir()
    for name in LINKED:
        (target / "artifacts" / name).symlink_to(ROOT / "artifacts" / name)
    for name in COPIED:
        shutil.copytree(ROOT / "artifacts" / name, target / "artifacts" / name)
    return target
