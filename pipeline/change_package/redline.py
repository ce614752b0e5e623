r"""What changed between two texts, word by word: what stayed, what was deleted, what was inserted.

Lines are matched first, then the words of the lines that differ, so that a long page stays fast and a moved comma does not mark a paragraph. Nothing is lost and
nothing is made up: what stayed together with what was inserted is the new text, and with what was deleted the old one, byte for byte.

>>> [(piece.kind.value, piece.text) for piece in redline("Refuse a child.", "Refuse a small child.")]
[('same', 'Refuse a '), ('inserted', 'small '), ('same', 'child.')]
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MOST_WORDS = 6000
"""Words on both sides of a block beyond which it is shown deleted and inserted as a whole: matching words takes their product."""

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


class Mark(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    DELETED = "deleted"
    INSERTED = "inserted"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text with one mark."""

    kind: Mark
    text: str


def redline(before: str, after: str) -> tuple[Piece, ...]:
    """Return the pieces of two texts in reading order; two neighbours never have the same mark, and no piece is empty."""
    return tuple(_joined(_by_lines(before.splitlines(keepends=True), after.splitlines(keepends=True))))


def text_of(pieces: Iterable[Piece], without: Mark) -> str:
    """Return the text without the pieces of one mark: without deletions the new text, without insertions the old one.

    >>> text_of(redline("a b", "a c"), Mark.INSERTED), text_of(redline("a b", "a c"), Mark.DELETED)
    ('a b', 'a c')
    """
    return "".join(piece.text for piece in pieces if piece.kind is not without)


def _by_lines(before: Sequence[str], after: Sequence[str]) -> Iterator[Piece]:
    for how, low, high, new_low, new_high in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        old, new = "".join(before[low:high]), "".join(after[new_low:new_high])
        if how == "replace":
            yield from _by_words(old, new)
        else:
            yield from _marked(how, old, new)


def _by_words(old: str, new: str) -> Iterator[Piece]:
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if len(before) + len(after) > MOST_WORDS:
        yield from _marked("replace", old, new)
        return
    for how, low, high, new_low, new_high in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        yield from _marked(how, "".join(before[low:high]), "".join(after[new_low:new_high]))


def _marked(how: str, old: str, new: str) -> Iterator[Piece]:
    if how == "equal":
        yield Piece(Mark.SAME, old)
        return
    if old:
        yield Piece(Mark.DELETED, old)
    if new:
        yield Piece(Mark.INSERTED, new)


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join neighbours of one mark, and put a deletion before the insertion that takes its place."""
    for _, run in groupby(pieces, key=lambda piece: piece.kind is Mark.SAME):
        held = tuple(run)
        for kind in Mark:
            if text := "".join(piece.text for piece in held if piece.kind is kind):
                yield Piece(kind, text)
