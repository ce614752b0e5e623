"""The source of a release: a commit, and the proof that the tree in which everything is made is exactly that commit.

Git's own answer to "is it clean?" rests on times and sizes of files and on flags that can hide a change, so every file is hashed again against the
commit. Replacement objects, grafts and settings of this machine are left out.

Source: IEC 62304 8.1.2, 8.2.3 (what was built from what); 21 CFR 11.10 a).
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.canonical import digest
from pipeline.release.record.record import Source
from verification.trace.identity import content_hash
from verification.trace.people import time_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_LINK = "120000"
_COMMIT_OF_ANOTHER = "160000"
_SHOWN = 5


def read_source(root: Path, revision: str = "HEAD") -> tuple[Source, dict[str, list[str]]]:
    """Return a commit's ids with the hash over its files, and mode and SHA-256 of each file by path.

    Raises:
        ReleaseRefused: ``REL-SOURCE``, no such commit, or one with another repository in it.
    """
    commit = _text(root, "rev-parse", "--verify", f"{revision}^{{commit}}").strip()
    tree = _text(root, "rev-parse", "--verify", f"{commit}^{{tree}}").strip()
    entries = [_entry(each) for each in _git(root, "ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0") if each]
    if any(mode == _COMMIT_OF_ANOTHER for _, mode, _ in entries):
        raise _no_source("a commit with another repository in it", "a repository of files only")
    hashes = _contents(root, [blob for _, _, blob in entries])
    files = {path: [mode, hashes[blob]] for path, mode, blob in entries}
    return Source(commit, tree, digest(files)), files


def commit_time(root: Path, commit: str) -> str:
    """Return when a commit was made, UTC, ``2026-11-21T10:00:00Z``: the one time that a release may name, because every clone has it.

    Raises:
        ReleaseRefused: ``REL-SOURCE``.
    """
    return time_text(datetime.fromtimestamp(int(_text(root, "show", "-s", "--format=%ct", commit)), UTC))


def require_clean(root: Path, files: Mapping[str, list[str]], allowed: Iterable[str] = ()) -> None:
    """Refuse a tree that is not the commit: a file changed, gone, of another mode, or neither known nor ignored.

    Args:
        root: of the tree.
        files: of the commit, by ``read_source``.
        allowed: paths that may differ: parameters and lock of the run that is released.

    Raises:
        ReleaseRefused: ``REL-DIRTY``.
    """
    spared = frozenset(allowed)
    found = [
        f"{path} {what}" for path, entry in files.items() if path not in spared and (what := _difference(root / path, entry))
    ]
    unknown = _text(root, "ls-files", "-z", "--others", "--exclude-per-directory=.gitignore").split("\0")
    found += [f"{path} is neither committed nor ignored" for path in unknown if path and path not in spared]
    staged = _text(root, "diff-index", "--cached", "--name-only", "-z", "HEAD", "--").split("\0")
    found += [f"{path} is staged" for path in staged if path and path not in spared]
    if found:
        rest = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ReleaseRefused(
            "REL-DIRTY",
            where="the working tree",
            found=f"{'; '.join(found[:_SHOWN])}{rest}",
            expected="exactly the commit that is released",
            repair="commit or take back what is named, then build again",
        )


def _difference(path: Path, entry: list[str]) -> str:
    """Return in words how a file differs from the commit; empty where it does not."""
    mode, sha256 = entry
    if not os.path.lexists(path):
        return "is missing"
    is_link, is_program = path.is_symlink(), os.access(path, os.X_OK)
    if is_link != (mode == _LINK) or (not is_link and is_program != (mode == "100755")):
        return "has another mode"
    return "" if path.is_dir() is False and content_hash(path) == sha256 else "changed"


def _entry(line: bytes) -> tuple[str, str, str]:
    """Return path, mode and object of a line of ``git ls-tree``."""
    meta, _, path = line.partition(b"\t")
    mode, _, blob = meta.decode().split(" ")
    return path.decode(), mode, blob


def _contents(root: Path, blobs: list[str]) -> dict[str, str]:
    """Return the SHA-256 of each object's content."""
    asked = "".join(f"{blob}\n" for blob in sorted(set(blobs))).encode()
    answer = _git(root, "cat-file", "--batch", given=asked)
    hashes, at = {}, 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        name, _, size = answer[at:end].decode().split(" ")
        start, at = end + 1, end + 1 + int(size)
        hashes[name] = hashlib.sha256(answer[start:at]).hexdigest()
        at += 1
    return hashes


def _text(root: Path, *arguments: str) -> str:
    return _git(root, *arguments).decode()


def _git(root: Path, *arguments: str, given: bytes | None = None) -> bytes:
    """Return what git prints, without replacement objects, grafts or this machine's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = kept | {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": os.devnull, "GIT_OPTIONAL_LOCKS": "0"}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    own = ["-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false", "-c", f"safe.directory={root.resolve()}"]
    try:
        done = subprocess.run(
            ["git", *own, "-C", str(root), *arguments], input=given, capture_output=True, check=True, env=environment
        )
    except (OSError, subprocess.CalledProcessError) as err:
        said = getattr(err, "stderr", b"").decode("utf-8", "replace").strip().splitlines()
        raise _no_source(said[0] if said else "git does not answer", "a clone of the project with a commit") from err
    return done.stdout


def _no_source(found: str, expected: str) -> ReleaseRefused:
    return ReleaseRefused("REL-SOURCE", where="the repository", found=found, expected=expected, repair="build in a clone")
