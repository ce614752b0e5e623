"""Judges a project again whenever a file of it changes, and reads again only what changed: the gate at the desk, while somebody edits.

The verdict is the gate's own, made by the same questions. What changed is told by size, time and number of a file's entry, as build tools tell it, so a file that
somebody restores with all three unseen stays unseen: the verdict that counts is the one of `./qms check`, which reads everything.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from requirements_spec.reading_cache import MemoryCache
from verification.trace import gate
from verification.trace.identity import tracked
from verification.trace.inputs import read, read_heavy
from verification.trace.rereading import RUN, Rereading, lock_paths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from verification.trace.case import Level
    from verification.trace.gate import GateResult

PAUSE = 0.2
"""Seconds between two looks at the files."""

Signature = tuple[int, int, int]
"""Size in bytes, time of the last change in nanoseconds, number of the file's entry."""


class Watch:
    """A project, what was read from it, and how its files looked then."""

    def __init__(self, root: Path, level: Level) -> None:
        """Read and judge the whole project."""
        self._root = root
        self._level = level
        self._cache = MemoryCache()
        self._seen = self._signatures()
        self._rereading = Rereading(root, read_heavy(root))
        self.result = self._judged()

    def again(self) -> GateResult | None:
        """Judge again where a file looks other than at the last judgement, or came, or went; returns the new verdict, or None where nothing did."""
        now = self._signatures()
        touched = frozenset(name for name in now.keys() | self._seen.keys() if now.get(name) != self._seen.get(name))
        if not touched:
            return None
        self._seen = now
        self._rereading = Rereading(self._root, self._rereading.after(touched))
        self.result = self._judged()
        return self.result

    def _judged(self) -> GateResult:
        with gate.collector_paused():
            return gate.judge(read(self._root, self._rereading.heavy, self._cache), self._level)

    def _signatures(self) -> dict[str, Signature]:
        return {path.relative_to(self._root).as_posix(): _signature(path) for path in self._files()}

    def _files(self) -> Iterator[Path]:
        """Yield the files that git knows or would take up, those of the last run, and what the pipeline's lock names."""
        yield from (self._root / name for name in tracked(self._root))
        for name in (RUN, *lock_paths(self._root)):
            path = self._root / name
            yield from (below for below in path.rglob("*") if below.is_file()) if path.is_dir() else (path,)


def _signature(path: Path) -> Signature:
    try:
        about = path.stat()
    except OSError:
        return (-1, 0, 0)
    return (about.st_size, about.st_mtime_ns, about.st_ino)


def verdicts(root: Path, level: Level) -> Iterator[tuple[GateResult, float]]:
    """Yield the verdict and the seconds it took, at once and after every change, until whoever asks stops."""
    begun = time.monotonic()
    watch = Watch(root, level)
    yield watch.result, time.monotonic() - begun
    while True:
        begun = time.monotonic()
        result = watch.again()
        if result is not None:
            yield result, time.monotonic() - begun
        time.sleep(PAUSE)
