"""The versions of device and model, from the records of releases and from the build that this file describes.

A release is its record: version, kind, commit, model and bundle by hash. The records are read as they lie; whether one is authentic is said by
`./qms release verify`, which needs nothing but Python and the key that an auditor was given. When a release was recorded and approved stands in the signed audit log.

Source: FDA software guidance VI.I (version history, model version with it by the AI-enabled draft X); IEC 62304 8.1.2, 8.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.model_pages import MANIFEST
from pipeline.dossier.tables import plain, table
from pipeline.file_error import FileError
from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.folder import RELEASES, released
from pipeline.release.record.record import numbers
from verification.trace.audit_log import Event

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.dossier.evidence import EvidenceBook
    from pipeline.release.record.folder import ReleaseFolder
    from pipeline.release.record.record import Record
    from verification.trace.audit_log import AuditTrail

NO_RELEASE = "There is no sealed release before this build: `releases/` holds no record."
SHORT = 12
"""Digits of a commit or hash in the table."""

SERIES = "evidence/reproduction"
"""One file for each release and level that was made again: a run a row, with its verdict."""

NO_SERIES = "No release was made again so far: `evidence/reproduction` holds no series."


def records(root: Path) -> tuple[tuple[str, Record], ...]:
    """Return path and record of every release below releases/, by version.

    Raises:
        FileError: FILE-EVIDENCE, a record cannot be read.
    """
    return tuple((folder.record_file.relative_to(root).as_posix(), _record(folder)) for folder in released(root))


def _record(folder: ReleaseFolder) -> Record:
    try:
        return folder.record()
    except ReleaseRefused as err:
        where = f"{RELEASES}/{folder.path.name}"
        raise FileError(
            "FILE-EVIDENCE", where, str(err), "the record as it was sealed", "restore it from the repository"
        ) from err


def _version_and_level(file: Path) -> tuple[tuple[int, ...], str]:
    version, _, level = file.stem.partition("-")
    return numbers(version), level


class HistoryPages:
    """The table of versions, and what came of making them again."""

    def __init__(self, root: Path, book: EvidenceBook, trail: AuditTrail, device_version: str) -> None:
        """Keep where releases lie, the book, a log that holds, and the version of the device that lies here."""
        self._root = root
        self._book = book
        self._trail = trail
        self._device = device_version

    def versions(self) -> str:
        """Return every release, then the build that this file describes, with device, model, weights and commit of each."""
        rows = [self._release(path, record) for path, record in records(self._root)]
        header = ["Release", "Device and model", "Model by SHA-256", "Commit", "Recorded and approved (UTC)"]
        listing = table(header, [*rows, self._here()], widths=[16, 18, 30, 14, 22])
        return listing if rows else f"{NO_RELEASE}\n\n{listing}"

    def made_again(self) -> str:
        """Return for each release and level how many runs gave the recorded bytes, and what differed first in the others."""
        files = sorted((self._root / SERIES).glob("*.json"), key=_version_and_level)
        rows = [self._series(file.relative_to(self._root).as_posix()) for file in files]
        header = ["Made again", "Level", "Runs that gave every byte", "Parts alike", "Longest run", "First reason against"]
        return table(header, rows, widths=[16, 8, 16, 14, 14, 32]) if rows else NO_SERIES

    def _series(self, path: str) -> list[str]:
        """Return the row of a series; times are of the machine that it names no further than by its cores."""
        runs = self._book.value(path, "/runs")
        alike = sorted({run["equal"] for run in runs})
        reasons = [reason for run in runs for reason in run["reasons"]]
        longest = max(runs, key=lambda run: run["seconds_in_all"])
        return [
            f"{self._book.figure(path, '/release')}\n\nrecord `{self._book.value(path, '/record_sha256')[:SHORT]}`",
            self._book.figure(path, "/level"),
            f"{self._book.figure(path, '/passed')} of {self._book.cited(str(len(runs)), path, '/runs')}",
            self._book.cited(" to ".join(map(str, alike)), path, "/runs"),
            self._book.cited(f"{longest['seconds_in_all'] / 60:.0f} min, {longest['cores']} cores", path, "/runs"),
            plain(reasons[0].partition(": recorded ")[0]) if reasons else "none",
        ]

    def _release(self, path: str, record: Record) -> list[str]:
        model = record.model
        wheel = next((each.name for each in record.subjects if each.name.startswith("archive/wheel/")), "no wheel")
        return [
            self._book.cited(record.title, path),
            f"`{wheel.removeprefix('archive/wheel/')}`\n\nmodel {plain(model.version)}",
            f"weights `{model.weights_sha256[:SHORT]}`\n\nbundle `{model.bundle_sha256[:SHORT]}`",
            f"`{record.source.commit[:SHORT]}`",
            self._times(record),
        ]

    def _times(self, record: Record) -> str:
        """Return when the log says that this record was entered and approved."""
        said = {Event.RECORDED: "recorded", Event.APPROVED: "approved"}
        events = [each for each in self._trail.entries if each.event in said]
        times = [f"{said[each.event]} {each.time}" for each in events if dict(each.facts).get("record_sha256") == record.sha256]
        return "\n\n".join(times) or "not in the log that lies here"

    def _here(self) -> list[str]:
        value = self._book.value
        profile = f"{value(MANIFEST, '/profile')}/{value(MANIFEST, '/budget')}"
        return [
            "**this build**, not sealed when these pages were written",
            f"device {plain(self._device)}\n\nmodel {self._book.figure(MANIFEST, '/model_version')} ({plain(profile)})",
            f"weights {self._book.cited(value(MANIFEST, '/lineage/weights_sha256')[:SHORT], MANIFEST, '/lineage/weights_sha256')}",
            "see the record of its release",
            "",
        ]
