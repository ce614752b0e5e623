"""The append-only run record: one JSON line for each input, chained by hashes, without patient data and without file names.

Each line holds the SHA-256 of the line before it, so that a changed or missing line shows. A line counts only after it reached the disk (fsync).
The chain shows tampering to whoever keeps a later line; it does not prevent the whole file from being replaced.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from device_sw.errors import OutputFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FIRST = "0" * 64
"""What the first line holds in place of a predecessor's hash."""


class AuditTrail:
    """An audit file that is only ever appended to."""

    def __init__(self, path: Path) -> None:
        """Open the trail, verify the lines it already has and continue after the last of them.

        Raises:
            OutputFailed: the file cannot be read (``OUT-AUDIT``) or its chain is broken (``OUT-AUDIT-CHAIN``).
        """
        self._path = path
        lines = _lines(path)
        self._last = verify(lines)
        self.count = len(lines)

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add one line and return when it is on the disk.

        Raises:
            OutputFailed: the line could not be written in full (``OUT-AUDIT``).
        """
        line = json.dumps({**entry, "previous": self._last}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        content = (line + "\n").encode()
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                written = os.write(descriptor, content)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as err:
            raise _failed(type(err).__name__) from err
        if written != len(content):
            raise _failed("a line that was cut")
        self._last = _digest(line)
        self.count += 1


def verify(lines: list[str]) -> str:
    """Return the hash of the last line of an unbroken chain.

    >>> verify([]) == FIRST
    True

    Raises:
        OutputFailed: ``OUT-AUDIT-CHAIN``, with the number of the first line that does not continue the chain.
    """
    expected = FIRST
    for number, line in enumerate(lines, start=1):
        if _previous(line) != expected:
            raise _broken(number, "a line that does not continue the one before it")
        expected = _digest(line)
    return expected


def _previous(line: str) -> str | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    value = entry.get("previous") if isinstance(entry, dict) else None
    return value if isinstance(value, str) else None


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def _lines(path: Path) -> list[str]:
    try:
        content = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, ValueError) as err:
        raise _failed(type(err).__name__) from err
    *lines, rest = content.split("\n")
    if rest:
        raise _broken(len(lines) + 1, "a line that was cut")
    return lines


def _broken(number: int, found: str) -> OutputFailed:
    where, repair = f"audit line {number}", "keep the file for investigation and write to another folder"
    return OutputFailed("OUT-AUDIT-CHAIN", where=where, found=found, expected="an unbroken chain", repair=repair)


def _failed(found: str) -> OutputFailed:
    return OutputFailed(
        "OUT-AUDIT",
        where="audit.jsonl",
        found=found,
        expected="a line written in full",
        repair="check space and rights of the output folder",
    )
