"""Runs a pipeline so that a release can rest on it: each stage between two readings of everything it is made from, libraries and variables included."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.honest_stages import environment_of, run_honestly
from pipeline.release.provenance.installed import installed
from pipeline.run import REPOSITORY, file_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.release.provenance.installed import Installed
    from pipeline.run import Run

LOCK = REPOSITORY / "requirements.lock"


def reproduce_watched(run: Run) -> int:
    """Bring a run up to date as `pipeline.dvc_runs.reproduce` does, but watched, and return an exit code; why it is not 0 goes to stderr."""
    try:
        run_honestly(run, read_deciding)
    except ReleaseRefused as err:
        sys.stderr.write(f"{err}\n")
        return 1
    return 0


def read_deciding() -> dict[str, str]:
    """Return what decides numbers and lies in no file of a run, every installed library read now."""
    return decides(installed(LOCK.read_text(encoding="utf-8")), file_sha256(LOCK))


def decides(libraries: Mapping[str, Installed], lock: str) -> dict[str, str]:
    """Return what decides numbers and lies in no file of a run, from what was read: libraries by name, and the SHA-256 of their lock."""
    return environment_of({name: each.sha256 for name, each in libraries.items()}, lock)
