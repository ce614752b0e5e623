"""A copy of a release to do harm to: its folder, the releases beside it, the archive, and the pin that an auditor noted before. The original is only ever read."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import json
import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORD = "record.dsse.json"
KEYS = "keys.json"
ARCHIVE = "archive"
AFTER = "after"
"""What is made after the record; no subject of it."""


@dataclass(frozen=True)
class Original:
    """What is copied: the repository, the release's folder in it, the archive where there is one, and the fingerprints that are pinned."""

    root: Path
    folder: Path
    archive: Path | None
    pins: tuple[str, ...]

    @property
    def version(self) -> str:
        """The release's version, which is the name of its folder."""
        return self.folder.name


@dataclass(frozen=True)
class Bench:
    """A copy in a folder of its own.

    Attributes:
        folder: of the bench; everything an attack touches lies below it.
        original: what it is a copy of.
    """

    folder: Path
    original: Original

    @property
    def release(self) -> Path:
        """The copy of the release's folder."""
        return self.folder / "releases" / self.original.version

    @property
    def archive(self) -> Path | None:
        """The copy of the archive; None where there is none."""
        return self.folder / "kept" / ARCHIVE if self.original.archive else None

    @property
    def pin(self) -> Path:
        """The file with the pinned fingerprints, one on a line; an auditor's, so no attacker reaches it."""
        return self.folder / "auditor" / "pins.txt"

    @property
    def repository(self) -> Path:
        """A clone of the repository, made the first time it is asked for."""
        clone = self.folder / "repository"
        if not clone.exists():
            command = ["git", "clone", "-q", "--no-hardlinks", "--no-local", f"file://{self.original.root}", str(clone)]
            subprocess.run(command, check=True, capture_output=True)
        return clone

    def place(self, subject: str) -> Path:
        """Return where a subject of the record lies in the copy."""
        if self.archive is not None and subject.startswith(f"{ARCHIVE}/"):
            return self.archive.parent / subject
        return self.release / subject

    def original_place(self, subject: str) -> Path:
        """Return where the subject lies in the original."""
        if self.original.archive is not None and subject.startswith(f"{ARCHIVE}/"):
            return self.original.archive.parent / subject
        return self.original.folder / subject

    def subject(self, pattern: str, without: str = "") -> str:
        """Return the first subject whose name fits a pattern and holds not ``without``.

        Raises:
            LookupError: the release has none.
        """
        names = (
            subject["name"]
            for subject in json.loads(base64.b64decode(json.loads((self.release / RECORD).read_bytes())["payload"]))["subject"]
        )
        for name in sorted(names):
            if fnmatch.fnmatchcase(name, pattern) and (not without or without not in name):
                return str(name)
        raise LookupError(f"the release has no subject {pattern}")

    def beside(self, name: str) -> Path:
        """Return an empty folder of the bench for what an attack needs besides the release."""
        path = self.folder / "beside" / name
        path.mkdir(parents=True, exist_ok=True)
        return path


def lay_out(original: Original, folder: Path) -> Bench:
    """Copy a release into an empty folder, whole and unlinked, and write the pins down.

    Releases beside it are copied as well, because a record names the one before it.
    """
    bench = Bench(folder, original)
    for neighbour in sorted(original.folder.parent.iterdir()):
        if (neighbour / RECORD).is_file():
            shutil.copytree(neighbour, folder / "releases" / neighbour.name, symlinks=True, ignore=_without_archive(neighbour))
        elif neighbour.is_file():
            shutil.copy2(neighbour, folder / "releases" / neighbour.name)
    if original.archive is not None and bench.archive is not None:
        shutil.copytree(original.archive, bench.archive, symlinks=True)
    bench.pin.parent.mkdir(parents=True)
    bench.pin.write_text("".join(f"{pin}\n" for pin in original.pins), encoding="utf-8")
    return bench


def _without_archive(release: Path) -> object:
    """Leave out the archive and what was made after: neither is needed twice."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        return {ARCHIVE, AFTER}.intersection(names) if release.samefile(folder) else set()

    return ignored


def state(folder: Path) -> str:
    """Return the SHA-256 over everything below a folder: names, kinds, modes, targets of links, contents. Times are no part of it."""
    digest = hashlib.sha256()
    for path in _everything(folder):
        status = path.lstat()
        kind = stat.S_IFMT(status.st_mode)
        digest.update(f"{path.relative_to(folder).as_posix()}\0{status.st_mode:o}\0".encode("utf-8", "surrogateescape"))
        if stat.S_ISLNK(kind):
            digest.update(os.fsencode(path.readlink()))
        elif stat.S_ISREG(kind):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _everything(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _everything(path)
