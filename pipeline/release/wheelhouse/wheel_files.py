"""What a wheel puts where: the path in an environment and the SHA-256 of every file, from the wheel itself.

RECORD inside the wheel lists paths and hashes; the lock vouches for the wheel and thereby for RECORD. A file that RECORD leaves out is hashed from the
archive. Two wheels may bring a file of the same path (shared folders of the CUDA wheels), so a path has a set of hashes.

Source: PEP 427 (RECORD; the folders purelib, platlib, scripts, data, headers); PEP 376.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline.release.wheelhouse.wheelhouse import name_and_version

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

REWRITTEN = b"#!python"
"""First bytes of a script whose first line the installer replaces (PEP 427): it is not the wheel's file any more."""

NOTES = frozenset({"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"})
"""Files of a .dist-info folder that the installer writes, and that decide nothing."""

SOURCE_NOTES = NOTES | {"METADATA", "WHEEL", "top_level.txt"}
"""Files of the .dist-info folder of a distribution built from source that decide nothing; a list of entry points is not among them."""


def files_of_wheels(wheels: Iterable[Path], packages: str) -> dict[str, frozenset[str]]:
    """Return path -> SHA-256s of every file that wheels install, relative to the environment.

    Args:
        wheels: the archives.
        packages: folder of packages in the environment, such as ``lib/python3.11/site-packages``.
    """
    found: dict[str, set[str]] = {}
    for wheel in wheels:
        for name, digest in _files_of(wheel, packages).items():
            found.setdefault(name, set()).add(digest)
    return {name: frozenset(digests) for name, digests in found.items()}


def _files_of(wheel: Path, packages: str) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        record = next(name for name in names if name.count("/") == 1 and name.endswith(".dist-info/RECORD"))
        listed = _record(archive.read(record))
        placed = {name: place(name, packages) for name in names if name != record}
        return {
            where: listed.get(name) or hashlib.sha256(archive.read(name)).hexdigest()
            for name, where in placed.items()
            if not (where.startswith("bin/") and archive.open(name).read(len(REWRITTEN)) == REWRITTEN)
        }


def _record(content: bytes) -> dict[str, str]:
    """Return path -> SHA-256 in hex of the rows of a RECORD that have one.

    >>> _record(b"a.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0")["a.py"][:12]
    'e3b0c44298fc'
    """
    rows = csv.reader(io.StringIO(content.decode("utf-8")))
    found = {}
    for path, hashed, *_ in rows:
        kind, _, text = hashed.partition("=")
        if kind == "sha256":
            found[path] = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()
    return found


def place(name: str, packages: str) -> str:
    """Return where a file of a wheel lies in an environment.

    >>> place("torch/__init__.py", "lib/site")
    'lib/site/torch/__init__.py'
    >>> place("ruff-0.1.data/scripts/ruff", "lib/site")
    'bin/ruff'
    >>> place("a-1.data/data/share/a.txt", "lib/site"), place("a-1.data/platlib/a.so", "lib/site")
    ('share/a.txt', 'lib/site/a.so')
    """
    first, *rest = PurePosixPath(name).parts
    if not first.endswith(".data") or len(rest) < 2:
        return f"{packages}/{name}"
    inner = "/".join(rest[1:])
    version = packages.split("/")[1] if packages.count("/") > 1 else ""
    folders = {
        "purelib": f"{packages}/{inner}",
        "platlib": f"{packages}/{inner}",
        "scripts": f"bin/{inner}",
        "data": inner,
        "headers": f"include/site/{version}/{first.split('-')[0]}/{inner}",
    }
    return folders[rest[0]]


@dataclass(frozen=True)
class SourceFiles:
    """The files of distributions that exist only as source: an installed file is one of them when name and content are.

    Attributes:
        contents: (file name, SHA-256) of every file of the archives.
        notes: names of the .dist-info folders that building them makes.
    """

    contents: frozenset[tuple[str, str]]
    notes: frozenset[str]

    def know(self, name: str, sha256: str) -> bool:
        """Say whether an installed file is one of these: from an archive, or a note about it that decides nothing."""
        path = PurePosixPath(name)
        folder = next((part for part in path.parts if part.endswith(".dist-info")), None)
        is_note = folder in self.notes and path.parent.name == folder and path.name in SOURCE_NOTES
        return is_note or (path.name, sha256) in self.contents


def files_of_sources(archives: Iterable[Path]) -> SourceFiles:
    """Return what source archives hold."""
    contents, notes = set(), set()
    for path in archives:
        named = name_and_version(path.name)
        if named:
            notes.add(f"{named[0].replace('-', '_')}-{named[1]}.dist-info")
        with tarfile.open(path) as archive:
            for member in archive:
                stream = archive.extractfile(member)
                if stream is not None:
                    contents.add((PurePosixPath(member.name).name, hashlib.file_digest(stream, "sha256").hexdigest()))
    return SourceFiles(frozenset(contents), frozenset(notes))
