"""A run: one profile at one budget, its parameters and where its results lie. The canonical run's root is the repository itself."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
"""Root of the checkout (of the snapshot, inside another run)."""


@dataclass(frozen=True)
class Run:
    """Folders and parameters of a run; every stage starts from one."""

    root: Path

    @classmethod
    def here(cls) -> Run:
        """Return the run whose root is the working directory: how DVC starts every stage."""
        return cls(Path.cwd())

    def artifact(self, name: str) -> Path:
        """Return the folder ``artifacts/<name>`` of this run."""
        return self.root / "artifacts" / name

    def params(self) -> dict[str, Any]:
        """Return params.yaml of this run, parsed."""
        return dict(yaml.safe_load((self.root / "params.yaml").read_text(encoding="utf-8")))


def available_workers() -> int:
    """Return how many processes this machine gives us; results never depend on it.

    ``THORATRACE_WORKERS`` overrides what the operating system reports.
    """
    return int(os.environ.get("THORATRACE_WORKERS", "0")) or len(os.sched_getaffinity(0))


def write_json(path: Path, value: object) -> None:
    """Write sorted, indented JSON with a final newline; NaN is refused, because it is not JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Return a parsed JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
