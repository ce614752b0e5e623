"""The append-only run record: one JSON line for each input, chained by hashes, without patient data and without file names.

Each line holds the SHA-256 of the line before it, so that a changed or missing line shows. A line counts only after it reached the disk (fsync).
The chain shows tampering to whoever keeps a later line; it does not prevent the whole file from being replaced.

A line that a crash or a full disk cut short never counted: the next run sets it aside under ``quarantine/``, and a line with ``"event": "recovered"`` says so and
holds its hash. Every other break of the chain refuses the folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from typing import TYPE_CHECKING, Any

from device_sw.errors import OutputFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from io import FileIO
    from pathlib import Path

FIRST = "0" * 64
"""What the first line holds in place of a predecessor's hash."""

SCHEMA = "thoratrace/audit/2"
"""What each line says it is."""

NAME = "audit.jsonl"
QUARANTINE = "quarantine"

LOCK_WAIT_S = 2.0
"""How long a run waits for another one on the same folder that is just ending."""


class AuditTrail:
    """An audit file that is only ever appended to, by one process at a time.

    Attributes:
        count: how many inputs are recorded.
        undecided: whether the last append failed so that nobody knows whether its line is in the file; the next run will see.
    """

    def __init__(self, path: Path) -> None:
        """Open and lock the trail, set aside a line that was cut, verify the others and continue after the last of them.

        The lock is the kernel's and ends with the process, however it ends: there is no stale lock.

        Raises:
            OutputFailed: the file cannot be read or written (``OUT-AUDIT``), another run holds it (``OUT-LOCKED``), or its chain is broken
                (``OUT-AUDIT-CHAIN``).
        """
        self._path = path
        self.undecided = False
        try:
            self._file: FileIO = path.open("ab+", buffering=0)
        except OSError as err:
            raise _failed(type(err).__name__) from err
        try:
            self._open_locked()
        except OSError as err:
            self.close()
            raise _failed(type(err).__name__) from err
        except BaseException:
            self.close()
            raise

    def _open_locked(self) -> None:
        _lock(self._file)
        sync_folder(self._path.parent)
        cut = self._cut_line()
        self._last = verify(_lines(self._path))
        self.count = sum("event" not in entry for entry in self.entries())
        self._set_aside(cut)

    def close(self) -> None:
        """Give the lock back; nothing can be appended any more."""
        self._file.close()

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield what the lines say, events included."""
        return (json.loads(line) for line in _lines(self._path))

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add one line and return when it is on the disk. A line that cannot be written in full is taken back.

        Raises:
            OutputFailed: the line could not be written in full, or the file is no longer in its place (``OUT-AUDIT``).
        """
        line = json.dumps({**entry, "previous": self._last}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self._require_in_place()
        self._write((line + "\n").encode())
        self._last = _digest(line)
        self.count += "event" not in entry

    def _require_in_place(self) -> None:
        try:
            here = os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except (OSError, ValueError) as err:
            raise _failed(type(err).__name__) from err
        if not here:
            raise _failed("another file in its place")

    def _write(self, content: bytes) -> None:
        size = os.fstat(self._file.fileno()).st_size
        self.undecided = True
        try:
            written = os.write(self._file.fileno(), content)
            os.fsync(self._file.fileno())
        except OSError as err:
            self._take_back(size)
            raise _failed(f"{type(err).__name__} ({err.strerror})") from err
        if written != len(content):
            self._take_back(size)
            raise _failed("a line that was cut")
        self.undecided = False

    def _take_back(self, size: int) -> None:
        """Cut off what was not written in full; where that fails, too, the next run decides."""
        try:
            os.ftruncate(self._file.fileno(), size)
            os.fsync(self._file.fileno())
        except OSError:
            return
        self.undecided = False

    def _cut_line(self) -> bytes:
        """Return what stands after the last complete line."""
        content = self._path.read_bytes()
        return content[content.rfind(b"\n") + 1 :]

    def _set_aside(self, cut: bytes) -> None:
        """Move a cut line into quarantine, then record every quarantined one that no line tells of; each step can be repeated after a crash."""
        folder = self._path.parent / QUARANTINE
        if cut:
            size = os.fstat(self._file.fileno()).st_size - len(cut)
            _keep(folder, size, cut)
            os.ftruncate(self._file.fileno(), size)
            os.fsync(self._file.fileno())
        told = {entry["file"] for entry in self.entries() if entry.get("event") == "recovered"}
        for path in sorted(folder.glob("audit-*.cut")):
            if (name := f"{QUARANTINE}/{path.name}") not in told:
                content = path.read_bytes()
                facts = {"file": name, "cut_bytes": len(content), "cut_sha256": hashlib.sha256(content).hexdigest()}
                self.append({"schema": SCHEMA, "event": "recovered", **facts})


def _keep(folder: Path, place: int, cut: bytes) -> None:
    """Write a cut line under a name made of its place and content, whole or not at all."""
    target = folder / f"audit-{place}-{hashlib.sha256(cut).hexdigest()[:16]}.cut"
    part = target.with_name(f".{target.name}.part")
    try:
        folder.mkdir(exist_ok=True)
        with part.open("wb") as stream:
            stream.write(cut)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
        sync_folder(folder)
    except OSError as err:
        raise _failed(f"a line that was cut and {type(err).__name__} on setting it aside") from err


def sync_folder(folder: Path) -> None:
    """Bring new and changed names of a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(file: FileIO) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            return fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise _locked() from None
            time.sleep(0.05)
        except OSError as err:
            raise _failed(f"{type(err).__name__} on locking") from err


def verify(lines: Iterable[str]) -> str:
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


def complete_lines(path: Path) -> tuple[list[str], bool]:
    """Return the complete lines of an audit file, and whether a cut one follows them.

    Raises:
        OutputFailed: the file cannot be read (``OUT-AUDIT``).
    """
    try:
        return list(_lines(path)), not path.read_bytes().endswith(b"\n")
    except OSError as err:
        raise _failed(type(err).__name__) from err


def _previous(line: str) -> str | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    value = entry.get("previous") if isinstance(entry, dict) else None
    return value if isinstance(value, str) else None


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def _lines(path: Path) -> Iterator[str]:
    """Yield the complete lines."""
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if line.endswith(b"\n"):
                    yield _text(line[:-1], number)
    except OSError as err:
        raise _failed(type(err).__name__) from err


def _text(line: bytes, number: int) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise _broken(number, "bytes that are no text") from None


def _broken(number: int, found: str) -> OutputFailed:
    where, repair = f"audit line {number}", "keep the file for investigation and write to another folder"
    return OutputFailed("OUT-AUDIT-CHAIN", where=where, found=found, expected="an unbroken chain", repair=repair)


def _failed(found: str) -> OutputFailed:
    return OutputFailed(
        "OUT-AUDIT",
        where=NAME,
        found=found,
        expected="a line written in full",
        repair="check space and rights of the output folder, then give the same command again",
    )


def _locked() -> OutputFailed:
    return OutputFailed(
        "OUT-LOCKED",
        where=NAME,
        found="another run that writes to this folder",
        expected="one run at a time",
        repair="wait until the other run has ended, or write to another folder",
    )
