"""What git says of the checkout: the commit that is recorded beside results, and whether a run left anything behind."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN = "unknown (not a git checkout)"


def commit(root: Path) -> str:
    """Return the commit's id, with ``+changes`` where the working tree differs from it; recorded, never compared."""
    head = _git(root, "rev-parse", "HEAD")
    if head is None:
        return UNKNOWN
    return head + ("+changes" if changes(root) else "")


def changes(root: Path) -> tuple[str, ...]:
    """Return the lines of `git status --porcelain`: what is changed or neither tracked nor ignored."""
    status = _git(root, "status", "--porcelain")
    return tuple(status.splitlines()) if status else ()


def _git(root: Path, *arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip("\n") if done.returncode == 0 else None
