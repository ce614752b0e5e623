"""Says whether a built file is still the one its inputs give: a hash over everything it is made from, and the hash of every file it consists of.

A page that was edited by hand after the build is found here, and the file is built again.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

INPUTS = (
    "AUDIT.head.json",
    "AUDIT.jsonl",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "device.lock",
    "device_sw",
    "docs",
    "dvc.lock",
    "dvc.yaml",
    "evidence",
    "params.yaml",
    "people.toml",
    "pipeline",
    "phantom",
    "pyproject.toml",
    "releases",
    "requirements.lock",
    "requirements_spec",
    "risk",
    "tests",
    "validation/protocol.toml",
    "verification",
    "artifacts/bundle",
    "artifacts/cohort/cohort.json",
    "artifacts/cut_offs",
    "artifacts/predictions",
    "artifacts/trace/check.json",
    "artifacts/trace/matrix.csv",
    "artifacts/trace/matrix.html",
    "artifacts/trace/matrix.xlsx",
    "artifacts/trace/trace.json",
    "artifacts/training",
    "artifacts/validation",
    "artifacts/verification/verdicts.json",
)
"""What the file is made from. The raw JUnit record holds times and is no input."""

IGNORED = ("__pycache__", "_build")


def inputs_hash(root: Path) -> str:
    """Return the SHA-256 over path and content hash of every input that exists."""
    return _digest({str(path.relative_to(root)): _sha256(path) for name in INPUTS for path in _files(root / name)})


def outputs_hash(outputs: Iterable[Path]) -> str:
    """Return the SHA-256 over path and content hash of every built file, at or below each of ``outputs``."""
    return _digest({str(path.relative_to(place.parent)): _sha256(path) for place in outputs for path in _files(place)})


def is_current(stamp: Path, root: Path, outputs: Iterable[Path]) -> bool:
    """Say whether the stamp names these inputs and exactly these outputs."""
    try:
        recorded = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return recorded == {"inputs": inputs_hash(root), "outputs": outputs_hash(outputs)}


def write_stamp(stamp: Path, root: Path, outputs: Iterable[Path]) -> None:
    """Record inputs and outputs of the build that just ended."""
    recorded = {"inputs": inputs_hash(root), "outputs": outputs_hash(outputs)}
    stamp.write_text(json.dumps(recorded, sort_keys=True) + "\n", encoding="utf-8")


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    for path in sorted(place.rglob("*")) if place.is_dir() else ():
        if path.is_file() and not any(part in IGNORED for part in path.parts):
            yield path


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest(entries: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()
