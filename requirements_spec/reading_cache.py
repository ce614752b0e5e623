"""What was read from files before, kept on disk so that the files that did not change need not be taken apart again.

A kept reading is recalled only for the same path with the same bytes (SHA-256), read by the same code (SHA-256 over the source of the reading packages
and over the lock that pins their libraries). A cache that is damaged, of another form or of other code is empty. The file is always read and hashed;
only parsing and judging its form is saved, and only readings without any problem are kept.

Whoever can write into the cache can make up a reading for bytes that lie there. So nothing that is signed or released rests on it: the gate uses it at
level development only (docs/adr/0011).
"""

from __future__ import annotations

import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA = "thoratrace/reading-cache/1"
CODE = ("requirements_spec/*.py", "risk/*.py", "verification/trace/*.py", "requirements.lock")
"""What decides how a file is read, relative to the folder that holds the packages."""


MOST_VALUES = 2_000
"""Values kept in memory: every file of a large project, and many states of those that somebody edits."""


class ReadingCache:
    """Readings by path and content; remembers which were asked for, so that the rest is forgotten when it is saved."""

    def __init__(self, kept: dict[str, bytes] | None = None) -> None:
        """Start with what was kept: JSON texts by key."""
        self._kept = kept or {}
        self._used: dict[str, bytes] = {}
        self._values: dict[str, Any] = {}

    def value(self, path: str, content: bytes) -> Any:
        """Return the value that this process made of these bytes at this path, the very same object, or None."""
        return self._values.get(_key(path, content))

    def keep_value(self, path: str, content: bytes, value: object) -> None:
        """Keep a frozen value for as long as the process lives; it is never written."""
        if len(self._values) >= MOST_VALUES:
            self._values.clear()
        self._values[_key(path, content)] = value

    def recall(self, path: str, content: bytes) -> Any:
        """Return what was read from these bytes at this path, or None."""
        key = _key(path, content)
        text = self._kept.get(key)
        if text is None:
            return None
        self._used[key] = text
        return json.loads(text)

    def keep(self, path: str, content: bytes, reading: object) -> None:
        """Keep plain data that was read without any problem."""
        self._used[_key(path, content)] = json.dumps(reading, ensure_ascii=True, separators=(",", ":")).encode()

    def save(self, file: Path) -> None:
        """Write what this run used, whole or not at all, and nothing where nothing changed."""
        if self._used.keys() == self._kept.keys():
            return
        body = b"".join(b"%s %s\n" % (key.encode(), text) for key, text in sorted(self._used.items()))
        draft = file.with_name(f"{file.name}.part")
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(_head(body) + body)
        os.replace(draft, file)  # noqa: PTH105 - atomic within one folder


class MemoryCache(ReadingCache):
    """What a process that judges again and again made of the files before: values only, nothing for the disk."""

    def recall(self, path: str, content: bytes) -> Any:  # noqa: ARG002 - nothing is kept as text
        """Return None."""
        return None

    def keep(self, path: str, content: bytes, reading: object) -> None:
        """Keep nothing as text."""

    def save(self, file: Path) -> None:
        """Write nothing."""


def open_cache(file: Path) -> ReadingCache:
    """Return the cache of a file; an empty one where there is none, or one that is damaged or foreign."""
    try:
        head, _, body = file.read_bytes().partition(b"\n")
        if head + b"\n" != _head(body):
            return ReadingCache()
        lines = (line.partition(b" ") for line in body.splitlines())
        return ReadingCache({key.decode("ascii"): text for key, _, text in lines})
    except (OSError, UnicodeDecodeError):
        return ReadingCache()


def _key(path: str, content: bytes) -> str:
    """Return SHA-256 of the path and SHA-256 of the content: a name of any form makes one word."""
    return f"{hashlib.sha256(path.encode('utf-8', 'surrogateescape')).hexdigest()}:{hashlib.sha256(content).hexdigest()}"


def _head(body: bytes) -> bytes:
    """Return the first line of the file: form, code, and the hash of everything below it."""
    return f"{SCHEMA} {code_hash()} {hashlib.sha256(body).hexdigest()}\n".encode()


@lru_cache
def code_hash() -> str:
    """Return the SHA-256 over the source of everything that decides how a file is read."""
    root = Path(__file__).resolve().parents[1]
    return _hash_of(path for pattern in CODE for path in sorted(root.glob(pattern)))


def _hash_of(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
