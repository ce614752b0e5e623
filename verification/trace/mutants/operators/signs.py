"""The messages that most operators expect, put together in one place."""

from __future__ import annotations

from verification.trace.mutants.mutant import Sign
from verification.trace.mutants.project import place


def unrecorded(file: str, text: str, item: str) -> Sign:
    """Return what is said of an item that changed and that no ledger accounts for, at its line in the changed text."""
    return Sign("CHG-UNRECORDED", place(file, text, item), item)


def obligation(code: str, where: str, item: str, aspect: str, member: str = "") -> Sign:
    """Return what is said of an obligation that became smaller: what it was stands in front of its values.

    >>> obligation("OBL-ROWS", "a.feature:3", "TC:a", "row", "view=PA").said
    'TC:a: row: view=PA: from '
    """
    named = f"{item}: {aspect}: {member}" if member else f"{item}: {aspect}"
    return Sign(code, where, item, f"{named}: from ")
