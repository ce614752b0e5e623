"""The output folder of a batch: every file appears whole under its final name, or not at all.

Files are written beside their place under a hidden temporary name, synced, and renamed. The names of the inputs stand in ``index.json`` only, which
is for local use: they may hold patient data, so no result, record or audit line repeats them.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from device_sw.errors import OutputFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from PIL import Image


class OutputFolder:
    """A folder that receives results; several files can be staged and then made visible together."""

    def __init__(self, root: Path) -> None:
        """Make the folder and its parts.

        Raises:
            OutputFailed: the folder cannot be made (``OUT-FOLDER``).
        """
        self.root = root
        self._staged: list[tuple[Path, Path]] = []
        try:
            for name in ("results", "overlays", "refusals", "dicom"):
                (root / name).mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise _failed("OUT-FOLDER", "output folder", type(err).__name__) from err

    def stage_json(self, name: str, value: Any) -> None:
        """Write a JSON file under a temporary name."""
        content = (json.dumps(value, indent=1, sort_keys=False, ensure_ascii=False, allow_nan=False) + "\n").encode()
        self._stage(name, lambda path: path.write_bytes(content))

    def stage_bytes(self, name: str, content: bytes) -> None:
        """Write a file under a temporary name; its own folder is made where it does not exist."""
        self._stage(name, lambda path: path.write_bytes(content))

    def stage_image(self, name: str, image: Image.Image) -> None:
        """Write a PNG under a temporary name."""
        self._stage(name, lambda path: image.save(path, format="PNG"))

    def _stage(self, name: str, write: Callable[[Path], object]) -> None:
        target = self.root / name
        temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
        self._staged.append((temporary, target))
        with _reported(name):
            target.parent.mkdir(exist_ok=True)
            write(temporary)
            descriptor = os.open(temporary, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def commit(self) -> None:
        """Give every staged file its final name."""
        for temporary, target in self._staged:
            with _reported(target.name):
                temporary.replace(target)
        self._staged = []

    def discard(self) -> None:
        """Remove what was staged and never committed."""
        for temporary, _ in self._staged:
            temporary.unlink(missing_ok=True)
        self._staged = []

    @contextmanager
    def transaction(self) -> Iterator[OutputFolder]:
        """Commit what was staged inside, or remove all of it where something inside failed."""
        try:
            yield self
            self.commit()
        finally:
            self.discard()


@contextmanager
def _reported(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise _failed("OUT-WRITE", name, type(err).__name__) from err


def _failed(code: str, where: str, found: str) -> OutputFailed:
    return OutputFailed(
        code, where=where, found=found, expected="a file written in full", repair="check space and rights of the output folder"
    )
