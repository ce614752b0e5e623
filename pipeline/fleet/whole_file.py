"""Files that exist whole or not at all, whenever the process is killed: part, sync, rename, sync of the folder.

Source: POSIX.1-2017, rename(): the new name refers at every moment to the old or the new file.
"""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PART = ".part"
"""How a file ends that is not yet whole."""


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file so that a kill leaves the old one or the new one; the part has a name of its own, so two writers of the same bytes do not meet.

    >>> from tempfile import TemporaryDirectory; from pathlib import Path
    >>> with TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "a", [b"one", b"two"])
    ...     sorted((path.name, path.read_bytes()) for path in Path(folder).iterdir())
    [('a', b'onetwo')]
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}{PART}")
    with part.open("wb") as stream:
        stream.writelines(chunks)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_parts(folder: Path) -> int:
    """Remove what killed writers left in a folder in which nobody writes, and return how many parts there were."""
    parts = list(folder.glob(f".*{PART}"))
    for part in parts:
        part.unlink(missing_ok=True)
    return len(parts)
