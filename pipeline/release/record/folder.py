"""The folder of a release: where its record and each of its parts lies.

releases/VERSION/            record.dsse.json, keys.json, bundle/**, files/**, after/**   (committed)
artifacts/releases/VERSION/  archive/**: parts too large to be committed; of a trial, everything

"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.dsse import Envelope
from pipeline.release.record.record import VERSION, Kind, Record, numbers
from verification.trace.strict_json import loads

if TYPE_CHECKING:
    from pathlib import Path

RECORD = "record.dsse.json"
KEYS = "keys.json"
AFTER = "after"
RELEASES = "releases"
TRIALS = "artifacts/releases"


def newest(root: Path) -> str | None:
    """Return the version of the newest release that lies below a repository; None where there is none."""
    names = [path.name for path in (root / RELEASES).glob("*/") if VERSION.fullmatch(path.name)]
    return max(names, key=numbers, default=None)


def released(root: Path) -> tuple[ReleaseFolder, ...]:
    """Return the folders below a repository's `releases/` that hold a record, by version; what a record says is not looked at."""
    known = (path.parent for path in (root / RELEASES).glob(f"*/{RECORD}") if VERSION.fullmatch(path.parent.name))
    return tuple(folder_of(root, path.name, Kind.RELEASE) for path in sorted(known, key=lambda each: numbers(each.name)))


@dataclass(frozen=True, slots=True)
class ReleaseFolder:
    """A folder with a record, and the folder below which its archive lies."""

    path: Path
    archive: Path

    @property
    def record_file(self) -> Path:
        """The file of the record."""
        return self.path / RECORD

    @property
    def after(self) -> Path:
        """Where what is made after the record lies; each names the record it is about."""
        return self.path / AFTER

    def place(self, subject: str) -> Path:
        """Return where a subject lies."""
        return (self.archive if subject.startswith("archive/") else self.path) / subject

    def envelope(self) -> Envelope:
        """Return the record's envelope, not yet believed.

        Raises:
            ReleaseRefused: ``REL-RECORD``.
        """
        try:
            return Envelope.from_bytes(self.record_file.read_bytes())
        except (OSError, ValueError) as err:
            raise self._unreadable(err) from err

    def record(self) -> Record:
        """Return the record, not yet believed.

        Raises:
            ReleaseRefused: ``REL-RECORD``.
        """
        try:
            return Record.from_payload(self.envelope().payload)
        except ValueError as err:
            raise self._unreadable(err) from err

    def content(self, subject: str) -> Any:
        """Return the parsed JSON of a part, not yet believed.

        Raises:
            ReleaseRefused: ``REL-RECORD``.
        """
        try:
            return loads(self.place(subject).read_bytes())
        except (OSError, ValueError) as err:
            raise self._unreadable(err) from err

    def _unreadable(self, err: Exception) -> ReleaseRefused:
        repair = "restore the folder from version control, or build the release"
        return ReleaseRefused("REL-RECORD", where=RECORD, found=str(err)[:200], expected="the record of a release", repair=repair)


def replace_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a reader never meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def folder_of(root: Path, version: str, kind: Kind) -> ReleaseFolder:
    """Return the folder of a version.

    Raises:
        ReleaseRefused: ``REL-VERSION``.
    """
    if not VERSION.fullmatch(version):
        raise ReleaseRefused(
            "REL-VERSION", where="VERSION", found=version[:40], expected="three numbers such as 0.1.0", repair="give one"
        )
    archive = root / TRIALS / version
    return ReleaseFolder(archive if kind is Kind.TRIAL else root / RELEASES / version, archive)


def find(root: Path, version: str) -> ReleaseFolder:
    """Return the folder of a release, else that of a trial.

    Raises:
        ReleaseRefused: ``REL-VERSION``; ``REL-RECORD``, there is neither.
    """
    release, trial = (folder_of(root, version, kind) for kind in (Kind.RELEASE, Kind.TRIAL))
    if release.record_file.exists():
        return release
    if trial.record_file.exists():
        return trial
    expected = f"{RELEASES}/{version} or a trial under {TRIALS}/{version}"
    repair = f"./qms release build {version} --trial makes a trial"
    raise ReleaseRefused("REL-RECORD", where=version, found="no record", expected=expected, repair=repair)
