"""The register of standards, laws and guidance, docs/standards.toml: edition, status, date, source and next check of everything that is cited.

Each entry says by which patterns it is cited. What is cited and not entered, and what is cited although it was superseded or withdrawn, is found by
``citations``; a place that keeps an old citation on purpose is entered with its reason.

Source: ISO 13485 4.2.4 (documents of external origin); MDR Annex II 4 (c).
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.dossier.tables import plain, table, toned
from pipeline.file_error import refuse
from pipeline.handwritten import sound
from requirements_spec.datafile import Table, Tables, Text, Texts
from requirements_spec.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.datafile import Document

REGISTER = "docs/standards.toml"
RULE = "ISO 13485 4.2.4"
_DAY = r"\d{4}(-\d{2}(-\d{2})?)?"


class Status(StrEnum):
    """Whether a text is in force."""

    IN_FORCE = "in force"
    DRAFT = "draft"
    PROPOSAL = "proposal"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


ENDED = frozenset({Status.SUPERSEDED, Status.WITHDRAWN})
"""What is not cited any more."""

_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/standards/1"})),
        "checked": Text(pattern=r"\d{4}-\d{2}-\d{2}"),
        "standard": Tables(
            Table(
                {
                    "id": Text(pattern=r"[a-z0-9-]+"),
                    "short": Text(),
                    "title": Text(),
                    "edition": Text(),
                    "status": Text(choices=frozenset(Status)),
                    "date": Text(pattern=_DAY),
                    "source": Text(),
                    "read": Text(choices=frozenset({"original", "public excerpts", "digest"})),
                    "next_check": Text(pattern=r"\d{4}-\d{2}-\d{2}"),
                    "superseded_by": Text(required=False),
                    "cited": Texts(),
                }
            )
        ),
        "kept": Tables(
            Table({"file": Text(), "standard": Text(pattern=r"[a-z0-9-]+"), "reason": Text()}),
            least=0,
            required=False,
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Standard:
    """One entry.

    Attributes:
        id: short name in data.
        short: how tables name it.
        edition: which one is meant.
        status: whether it is in force.
        date: of this edition, as exactly as it is known.
        source: where its text or its status is found.
        read: what was read of it for this version.
        next_check: day by which somebody looks again whether it still holds.
        superseded_by: what takes its place.
        cited: patterns of citations, each of which has to fit the whole.
    """

    id: str
    short: str
    title: str
    edition: str
    status: Status
    date: str
    source: str
    read: str
    next_check: str
    superseded_by: str
    cited: tuple[re.Pattern[str], ...]

    def fits(self, citation: str) -> bool:
        """Say whether a citation is one of this entry."""
        return any(pattern.fullmatch(citation) for pattern in self.cited)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that goes on citing something that has ended, and why."""

    file: str
    standard: str
    reason: str
    where: str


@dataclass(frozen=True)
class Register:
    """All entries, in the order of the file."""

    checked: str
    standards: tuple[Standard, ...]
    kept: tuple[Kept, ...] = ()

    def entry(self, citation: str) -> Standard | None:
        """Return the first entry that a citation fits."""
        return next((each for each in self.standards if each.fits(citation)), None)

    def overdue(self, today: str) -> tuple[Standard, ...]:
        """Return the entries whose next check lies before a day (``2026-11-22``); asked by people, never by a build, which knows no date."""
        return tuple(each for each in self.standards if each.next_check < today)

    def listed(self) -> str:
        """Return the register as a table."""
        rows = [
            [
                f"**{plain(each.short)}**\n\n{plain(each.title)}\n\n`{each.id}`",
                plain(each.edition),
                _status(each),
                f"{plain(each.source)}\n\n*Read:* {each.read}",
                each.next_check,
            ]
            for each in self.standards
        ]
        return table(["Text", "Edition", "Status and date", "Source", "Next check"], rows, widths=[34, 20, 17, 17, 12])

    def kept_list(self) -> str:
        """Return the citations that are kept on purpose."""
        rows = [[f"`{each.file}`", plain(each.standard), plain(each.reason)] for each in self.kept]
        return table(["File", "Cites", "Why it stays"], rows, widths=[35, 20, 45]) if rows else "None."


def _status(each: Standard) -> str:
    tone = "reduce" if each.status in ENDED else ""
    shown = toned(tone, each.status) if tone else str(each.status)
    return f"{shown}\n\n{each.date}" + (f"\n\nnow: {plain(each.superseded_by)}" if each.superseded_by else "")


def load_register(root: Path) -> Register:
    """Return the register.

    Raises:
        FileError: FILE-DATA, it does not hold what it must.
    """
    document = sound(root, REGISTER, _TABLE, ("standard",))
    refuse(_contradictions(document))
    standards = tuple(
        Standard(
            **{key: value for key, value in row.data.items() if key not in {"cited", "status", "superseded_by"}},
            status=Status(row.data["status"]),
            superseded_by=row.data.get("superseded_by", ""),
            cited=tuple(map(re.compile, row.data["cited"])),
        )
        for row in document.rows("standard")
    )
    kept = tuple(Kept(**row.data, where=row.where) for row in document.rows("kept"))
    return Register(document.data["checked"], standards, kept)


def _contradictions(document: Document) -> Iterator[Problem]:
    names = {row.id for row in document.rows("standard")}
    for row in document.rows("standard"):
        ended = Status(row.data["status"]) in ENDED
        if ended != ("superseded_by" in row.data):
            found = "ended without a successor" if ended else "a successor of what has not ended"
            yield _data(
                row.where,
                row.id,
                found,
                "`superseded_by` exactly where the status is superseded or withdrawn",
                "say what takes its place, or correct the status",
            )
        for pattern in row.data["cited"]:
            if fault := _broken(pattern):
                yield _data(row.where, row.id, f"the pattern {pattern!r}: {fault}", "a regular expression", "correct the pattern")
    for row in document.rows("kept"):
        if row.data["standard"] not in names:
            yield _data(
                row.where, row.data["file"], f"no standard {row.data['standard']}", "an id of this register", "correct the id"
            )


def _broken(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as err:
        return str(err)
    return ""


def _data(where: str, item: str, found: str, expected: str, repair: str) -> Problem:
    return Problem(where=where, code="FILE-DATA", item=item, found=found, expected=expected, repair=repair, clause=RULE)


def main() -> int:
    """Print the entries whose next check is overdue today; exit code 1 where there is one."""
    found = load_register(Path()).overdue(f"{datetime.now(UTC):%Y-%m-%d}")
    for each in found:
        sys.stdout.write(f"{each.id}: to be looked up again by {each.next_check} ({each.source})\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
