"""The one error of the technical file: it cannot be made as it should be, and the message says what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_sw.errors import CodedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from requirements_spec.problem import Problem


class FileError(CodedError):
    """The technical file is not built.

    Codes: ``FILE-EVIDENCE`` evidence or a figure in it is missing or unreadable; ``FILE-DATA`` hand-written data do not hold;
    ``FILE-CONTENT`` a section, view or gap is not as the file needs it; ``FILE-BUILD`` the document builder reported something; ``FILE-PRINT`` a page
    cannot be printed as it is; ``FILE-FONT`` a character has no glyph.
    """

    def __init__(self, code: str, where: str, found: str, expected: str, repair: str) -> None:
        """Take the five parts in their order."""
        super().__init__(code, where=where, found=found, expected=expected, repair=repair)


def require_sound(problems: Sequence[Problem]) -> None:
    """Refuse hand-written data in which anything is wrong; the first problem is named, and how many there are.

    Raises:
        FileError: FILE-DATA.
    """
    if problems:
        first = problems[0]
        found = f"{first.item}: {first.found} ({len(problems)} problems in all)"
        raise FileError("FILE-DATA", first.where, found, first.expected, first.repair)
