"""The one error of the adapters: data somebody brought that cannot become a cohort, said so that the person can act on it."""

from __future__ import annotations


class DataError(Exception):
    """Foreign data that cannot be read or contradicts itself.

    Attributes:
        code: stable identifier that starts with ``DATA-``.
        where: the file or entry concerned, relative to the data folder and without patient data.
        found: what was there.
        expected: what is needed.
        repair: what the reader can do about it.

    >>> print(DataError("DATA-MISSING", where="train.json", found="no file", expected="COCO annotations", repair="check --data"))
    DATA-MISSING at train.json: found no file, expected COCO annotations. Repair: check --data.
    """

    def __init__(self, code: str, *, where: str, found: str, expected: str, repair: str) -> None:
        """Keep the five parts and build the one-line message from them."""
        self.code = code
        self.where = where
        self.found = found
        self.expected = expected
        self.repair = repair
        super().__init__(f"{code} at {where}: found {found}, expected {expected}. Repair: {repair}.")
