"""Copies a project to where mutants can be made of it, in memory where the machine has a file system for that."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from verification.trace.lineage import REHASH_LIMIT, LineageError, read_lock
from verification.trace.rereading import RUN

MEMORY = Path("/dev/shm")  # noqa: S108  a file system in memory where there is one; the folder below it has a name nobody can foresee
PREFIX = "thoratrace-mutants-"


class BenchError(Exception):
    """No mutants can be made from this project; the message says why."""


def workplace() -> Path:
    """Return a new empty folder for copies, in memory where the machine has a file system for that.

    Its name holds the process that made it; folders of processes that were killed are removed on the way.
    """
    parent = MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir())
    for folder in parent.glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdecimal() and not _is_alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def copy_project(root: Path, target: Path) -> None:
    """Copy what the gate reads: the files git knows or would take up, and the outputs of the pipeline; large folders only as links.

    Raises:
        BenchError: ``root`` is no git working tree.
    """
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"], capture_output=True, check=False
    )
    if listing.returncode:
        raise BenchError("not a git working tree, so the files that count cannot be listed; use a clone")
    for name in sorted({name for name in os.fsdecode(listing.stdout).split("\0") if name}):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, target / name, follow_symlinks=False)
    for name in (*sorted(_outputs(root)), RUN):
        _copy_output(root / name, target / name)
    subprocess.run(["git", "-C", str(target), "init", "-q"], check=True, capture_output=True)


def _outputs(root: Path) -> set[str]:
    try:
        stages = read_lock(root).values()
    except LineageError:
        return set()
    return {str(item["path"]) for entry in stages for item in entry.get("outs") or ()}


def _copy_output(source: Path, target: Path) -> None:
    """Copy an output; of one that is too large to be hashed, its small files, and links in place of the rest."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        shutil.copy(source, target)
    elif source.is_dir() and sum(path.stat().st_size for path in source.rglob("*")) <= REHASH_LIMIT:
        shutil.copytree(source, target, symlinks=True)
    elif source.is_dir():
        target.mkdir()
        for path in source.iterdir():
            small = path.is_file() and path.stat().st_size <= REHASH_LIMIT // 8
            shutil.copy(path, target / path.name) if small else (target / path.name).symlink_to(path.resolve())
