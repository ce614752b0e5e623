"""The one error of the technical file: it cannot be made as it should be, and the message says what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_sw.errors import CodedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from requirements_spec.problem import Problem


class FileError(CodedError):
    """The technical file is not built.

    Codes: ``FILE-EVIDENCE`` evidence or a figure in it is missing or unreadable; ``FILE-DATA`` hand-written data do not hold;
    ``FILE-CONTENT`` a section, view or gap is not as the file needs it; ``FILE-BUILD`` the document builder reported something; ``FILE-LINK`` a link leads
    out of the folder or nowhere; ``FILE-PRINT`` a page cannot be printed as it is; ``FILE-FONT`` a character has no glyph.
    """

    def __init__(self, code: str, where: str, found: str, expected: str, repair: str) -> None:
        """Take the five parts in their order."""
        super().__init__(code, where=where, found=found, expected=expected, repair=repair)


def require_sound(problems: Iterable[Problem]) -> None:
    """Refuse hand-written data in which anything is wrong; the first problem is named with its own code, and how many there are.

    Raises:
        FileError: FILE-DATA.
    """
    if found := list(problems):
        first = found[0]
        said = f"{first.code} {first.item}: {first.found} ({len(found)} problems in all)"
        raise FileError("FILE-DATA", first.where, said, first.expected, first.repair)


def refuse(problems: Iterable[Problem]) -> None:
    """Raise the first of some problems of the file itself as the error that it is; how many there are is said where there are several.

    Raises:
        FileError: with the code, place and words of the first.
    """
    if found := list(problems):
        first = found[0]
        more = f" ({len(found)} problems in all)" if len(found) > 1 else ""
        raise FileError(first.code, f"{first.where} {first.item}".strip(), f"{first.found}{more}", first.expected, first.repair)
