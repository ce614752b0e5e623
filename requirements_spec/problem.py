"""A problem found while reading or judging the project's data: the one form in which every loader and every check reports.

All problems of a run are collected and shown together; none is raised on its own, and none is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that does not hold, with everything a person needs to repair it.

    Attributes:
        where: ``file:line`` (or ``file`` where no line exists).
        code: stable code, for example ``TRC-ORPHAN-REQ``; documented in docs/codes.
        item: the id concerned (``SRS-012``) or the path inside the file (``$.hazard[3].harm``).
        found: what is there.
        expected: what should be there.
        repair: what to do.
        clause: the standard's clause or the rule of the house that asks for it.
    """

    where: str
    code: str
    item: str
    found: str
    expected: str
    repair: str
    clause: str

    def __str__(self) -> str:
        """Return the problem as one line of text."""
        return (
            f"{self.code} {self.where} {self.item}: found {self.found}; expected {self.expected}; "
            f"repair: {self.repair} [{self.clause}]"
        )
