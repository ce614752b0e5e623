"""The one error of the technical file: it cannot be made as it should be, and the message says what to do about it."""

from __future__ import annotations


class FileError(Exception):
    """The technical file is not built.

    Codes: ``FILE-EVIDENCE`` evidence or a figure in it is missing or unreadable; ``FILE-DATA`` hand-written data do not hold;
    ``FILE-CONTENT`` a section or gap is not as the file needs it; ``FILE-BUILD`` the document builder reported something.

    >>> print(FileError("FILE-EVIDENCE", "artifacts/validation/validation.json", "no such file", "the record of the last run", "run ./qms demo"))
    FILE-EVIDENCE at artifacts/validation/validation.json: found no such file, expected the record of the last run. Repair: run ./qms demo.
    """

    def __init__(self, code: str, where: str, found: str, expected: str, repair: str) -> None:
        """Keep the code and place, and build the one-line message."""
        self.code = code
        self.where = where
        super().__init__(f"{code} at {where}: found {found}, expected {expected}. Repair: {repair}.")
