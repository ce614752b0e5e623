"""The one error of the technical file: it cannot be made as it should be, and the message says what to do about it."""

from __future__ import annotations

from device_sw.errors import CodedError


class FileError(CodedError):
    """The technical file is not built.

    Codes: ``FILE-EVIDENCE`` evidence or a figure in it is missing or unreadable; ``FILE-DATA`` hand-written data do not hold;
    ``FILE-CONTENT`` a section, view or gap is not as the file needs it; ``FILE-BUILD`` the document builder reported something; ``FILE-PRINT`` a page
    cannot be printed as it is; ``FILE-FONT`` a character has no glyph.
    """

    def __init__(self, code: str, where: str, found: str, expected: str, repair: str) -> None:
        """Take the five parts in their order."""
        super().__init__(code, where=where, found=found, expected=expected, repair=repair)
