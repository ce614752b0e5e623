"""The one error of the validation package: an input it cannot judge, said so that a person can act on it."""

from __future__ import annotations


class ValidationError(Exception):
    """A cohort, a set of predictions or a protocol that cannot be used.

    Attributes:
        code: stable identifier that starts with ``VAL-``.
        where: the file or the place in it.
        found: what was there.
        expected: what is needed.
        repair: what the reader can do about it.

    >>> print(ValidationError("VAL-MISSING", where="cohort.json", found="no file", expected="a cohort", repair="run the cohort stage"))
    VAL-MISSING at cohort.json: found no file, expected a cohort. Repair: run the cohort stage.
    """

    def __init__(self, code: str, *, where: str, found: str, expected: str, repair: str) -> None:
        """Keep the five parts and build the one-line message from them."""
        self.code = code
        self.where = where
        self.found = found
        self.expected = expected
        self.repair = repair
        super().__init__(f"{code} at {where}: found {found}, expected {expected}. Repair: {repair}.")
