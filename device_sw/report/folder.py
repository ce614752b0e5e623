"""The output folder of a batch: every file appears whole under its final name, or not at all.

The files of an input are first written beside their places under hidden temporary names and synced; then the audit line names them with their hashes; then
they get their final names. So the audit line decides: what it names is completed by the next run if this one dies, what no line names is removed.
The names of the inputs stand in ``index.json`` only, which is for local use: they may hold patient data, so no result, record or audit line repeats them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from device_sw.audit import sync_folder
from device_sw.errors import OutputFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from PIL import Image

PART = ".part"
"""Ending of a temporary name."""


class StagedFiles:
    """The files of one input in memory, before any of them is written: name below the output folder -> content."""

    def __init__(self) -> None:
        """Begin with none."""
        self.contents: dict[str, bytes] = {}

    def stage_json(self, name: str, value: Any) -> None:
        """Add a JSON file."""
        text = json.dumps(value, indent=1, sort_keys=False, ensure_ascii=False, allow_nan=False)
        self.stage_bytes(name, (text + "\n").encode())

    def stage_image(self, name: str, image: Image.Image) -> None:
        """Add a PNG."""
        stream = io.BytesIO()
        image.save(stream, format="PNG", compress_level=2)
        self.stage_bytes(name, stream.getvalue())

    def stage_bytes(self, name: str, content: bytes) -> None:
        """Add a file of any kind."""
        self.contents[name] = content


class OutputFolder:
    """A folder that receives the files of one input at a time."""

    def __init__(self, root: Path) -> None:
        """Make the folder and the parts of it that every run has.

        Raises:
            OutputFailed: the folder cannot be made (``OUT-FOLDER``).
        """
        self.root = root
        self._parts: list[tuple[Path, Path]] = []
        with _reported("output folder", "OUT-FOLDER"):
            for name in ("results", "overlays", "refusals", "pages", "dicom"):
                (root / name).mkdir(parents=True, exist_ok=True)

    def write_parts(self, contents: Mapping[str, bytes]) -> dict[str, str]:
        """Write every file under its temporary name, sync it, and return the SHA-256 of each; where one cannot be written, none stays.

        Raises:
            OutputFailed: a file could not be written in full (``OUT-WRITE``).
        """
        try:
            for name, content in contents.items():
                self._write_part(name, content)
        except BaseException:
            self.discard()
            raise
        return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}

    def _write_part(self, name: str, content: bytes) -> None:
        target = self.root / name
        part = _part_of(target)
        self._parts.append((part, target))
        with _reported(name):
            _make_folders(self.root, target.parent)
            _write_synced(part, content)

    def commit(self) -> None:
        """Give every part its final name. A part that cannot be renamed stays: the audit line names it, and the next run completes it.

        Raises:
            OutputFailed: a file could not be renamed (``OUT-WRITE``).
        """
        parts, self._parts = self._parts, []
        for part, target in parts:
            with _reported(target.name):
                part.replace(target)
        for folder in sorted({target.parent for _, target in parts}):
            with _reported(folder.name):
                sync_folder(folder)

    def discard(self) -> None:
        """Remove the parts that no audit line names."""
        for part, _ in self._parts:
            with _reported(part.name):
                self._remove(part)
        self._parts = []

    def _remove(self, part: Path) -> None:
        """Remove a part, and its folder where that was made for this input alone."""
        part.unlink(missing_ok=True)
        if part.parent.parent not in {self.root, self.root.parent} and not any(part.parent.iterdir()):
            part.parent.rmdir()

    def replace(self, contents: Mapping[str, bytes]) -> None:
        """Write files that no audit line names, each whole or as it was before.

        Raises:
            OutputFailed: a file could not be written in full (``OUT-WRITE``).
        """
        self.write_parts(contents)
        self.commit()

    def recover(self, named: Mapping[str, str]) -> tuple[int, int]:
        """Complete or remove what a run that died left under temporary names.

        Args:
            named: the SHA-256 of every file that an audit line names.

        Returns:
            how many parts got their final names, and how many were removed.

        Raises:
            OutputFailed: a part is not what its audit line says (``OUT-RECOVERY``), or cannot be renamed or removed (``OUT-WRITE``).
        """
        completed = removed = 0
        for part in sorted(self.root.rglob(f".*{PART}")):
            target = part.with_name(part.name[1 : -len(PART)])
            name = target.relative_to(self.root).as_posix()
            with _reported(name):
                if name not in named or target.exists():
                    self._remove(part)
                    removed += 1
                else:
                    _require_content(part, name, named[name])
                    part.replace(target)
                    sync_folder(target.parent)
                    completed += 1
        return completed, removed


def write_whole(target: Path, content: bytes) -> None:
    """Write one file that belongs to no batch: whole under its name, or as it was before.

    Raises:
        OutputFailed: the file could not be written in full (``OUT-WRITE``).
    """
    with _reported(target.name):
        part = _part_of(target)
        try:
            _write_synced(part, content)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(target.parent)


def _part_of(target: Path) -> Path:
    return target.with_name(f".{target.name}{PART}")


def _make_folders(root: Path, folder: Path) -> None:
    """Make the folders between the output folder and a file; an output folder that has vanished is not made again."""
    if folder in {root, root.parent}:
        return
    _make_folders(root, folder.parent)
    if not folder.exists():
        folder.mkdir()
        sync_folder(folder.parent)


def _write_synced(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_content(part: Path, name: str, expected: str) -> None:
    if (found := hashlib.sha256(part.read_bytes()).hexdigest()) != expected:
        raise OutputFailed(
            "OUT-RECOVERY",
            where=name,
            found=f"a part with SHA-256 {found[:16]}",
            expected=f"{expected[:16]}, as its audit line says",
            repair="keep the folder for investigation and write to another one",
        )


@contextmanager
def _reported(where: str, code: str = "OUT-WRITE") -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise OutputFailed(
            code,
            where=where,
            found=type(err).__name__ if err.strerror is None else f"{type(err).__name__} ({err.strerror})",
            expected="a file written in full",
            repair="check space and rights of the output folder, then give the same command again",
        ) from err
