"""Names the content of a file or a folder by SHA-256, read byte by byte each time: no date, size or database of an earlier look is believed.

Source: IEC 62304 8.1.2 and 8.2.4 (configuration items are identified). DVC's own MD5 is kept beside it elsewhere, and an altered file that keeps its date is
"up to date" for DVC.
"""

from __future__ import annotations

import hashlib
import stat
from typing import TYPE_CHECKING

from pipeline.release.errors import ReleaseRefused
from pipeline.run import file_sha256
from verification.trace.lineage import IGNORED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ABSENT = "absent"
"""Stands for the hash of a path where nothing lies, so that it equals no hash."""


def content_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes; of a folder, of the lines ``sha256  relative/path`` of its files, sorted by path; ``absent`` where nothing lies.

    The lines are those of `sha256sum`, so a folder's hash can be computed by hand. Caches of the interpreter count no more than for DVC.

    Raises:
        ReleaseRefused: ``REL-CONTENT-LINK``, a link or a special file, whose content is not its own.
    """
    if path.is_symlink():
        raise _not_plain(path.name)
    if path.is_dir():
        lines = (f"{digest}  {name}\n" for name, digest in sorted(files_sha256(path).items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    return file_sha256(path) if path.is_file() else ABSENT


def files_sha256(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, by its relative POSIX path.

    Raises:
        ReleaseRefused: ``REL-CONTENT-LINK``.
    """
    return {name: file_sha256(folder / name) for name in sorted(_names(folder))}


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if IGNORED.intersection(name.parts) or path.suffix == ".pyc":
            continue
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            yield name.as_posix()
        elif not stat.S_ISDIR(mode):
            raise _not_plain(f"{folder.name}/{name.as_posix()}")


def _not_plain(where: str) -> ReleaseRefused:
    return ReleaseRefused(
        "REL-CONTENT-LINK",
        where=where,
        found="a link or a special file",
        expected="files and folders that hold their own content",
        repair="replace the link by the file it points to",
    )
