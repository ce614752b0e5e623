"""The environment of a process whose numbers count: exactly the variables that decide numbers, a few that decide none, and no others.

A variable that nobody thought of (a preloaded library, another scheduler of threads, a seed that code reads) never arrives, so it need not be detected.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from device_sw.launcher import MARKER, NUMERIC_ENVIRONMENT

if TYPE_CHECKING:
    from pathlib import Path

PASSED_ON = frozenset({"HOME", "TMPDIR", "THORATRACE_WORKERS"})
"""Taken over as they are: where the home and temporary files lie, and how many processes share the work."""


def closed_environment(root: Path, caches: Path | None = None, python: str | None = None) -> dict[str, str]:
    """Return the variables of a process that imports the code below ``root``.

    Args:
        root: first folder of the import path.
        caches: an empty folder for compiled code, so that none that lies beside a source is believed; without one nothing is written.
        python: the interpreter whose programs come first on the path; this one if none is given.
    """
    binaries = os.path.dirname(python or sys.executable)  # noqa: PTH120  the link in the environment matters, not the file it points to
    given = {name: os.environ[name] for name in sorted(PASSED_ON) if name in os.environ}
    compiled = {"PYTHONPYCACHEPREFIX": str(caches)} if caches else {"PYTHONDONTWRITEBYTECODE": "1"}
    path = f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**given, **NUMERIC_ENVIRONMENT, MARKER: "1", "PATH": path, "PYTHONPATH": str(root), **compiled}
