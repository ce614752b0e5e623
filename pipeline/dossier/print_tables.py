"""The widths of a printed table's columns: what the page asked for, widened where a word would not fit, and the page turned where that does not suffice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.dossier.typst_text import BREAK, breakable

if TYPE_CHECKING:
    from collections.abc import Sequence

UPRIGHT_MM, TURNED_MM = 174.0, 257.0
"""Width of the text on an upright and on a turned A4 page."""

MANY_COLUMNS = 5
_MM_PER_LETTER = {8.5: 1.62, 7.5: 1.43, 6.8: 1.3}
"""Mean advance of a letter at a size in points, as measured for the fonts of print.typ."""

_PADDING_MM = 2.6
_KEPT_LETTERS = 16
"""A word up to this length is not broken in a table; of a longer one at least so much stands in a line."""

_MOST_MM = 46.0
"""A column is never widened for one word beyond this; the word breaks."""


@dataclass(frozen=True)
class Layout:
    """How a table is set: the fractions of its columns, the size of its letters, and whether the page is turned."""

    fractions: tuple[float, ...]
    points: float
    turned: bool


def layout(columns: Sequence[Sequence[str]], asked: Sequence[float] | None) -> Layout:
    """Return how a table with these cells by column is set.

    A column gets at least its longest word, and of the rest a share by what the page asked for and by the length of its text.

    >>> layout([["a", "b"], ["long text " * 30, "x"]], None).turned
    False
    >>> layout([["unacceptability"] * 2] * 9, None).turned
    True
    """
    points = 8.5 if len(columns) < MANY_COLUMNS else 7.5
    least = [_least(cells, points) for cells in columns]
    turned = sum(least) > UPRIGHT_MM
    if turned and sum(least) > TURNED_MM:
        points = 6.8
        least = [_least(cells, points) for cells in columns]
    width = TURNED_MM if turned else UPRIGHT_MM
    wanted = _blended(asked, [_weight(cells) for cells in columns])
    return Layout(tuple(round(part, 2) for part in _shares(least, wanted, width)), points, turned)


def _least(cells: Sequence[str], points: float) -> float:
    longest = max((_letters(word) for cell in cells for word in cell.split()), default=1)
    return min(longest * _MM_PER_LETTER[points], _MOST_MM) + _PADDING_MM


def _letters(word: str) -> int:
    """Return how many letters of a word have to stand in one line.

    >>> _letters("acceptable"), _letters("artifacts/validation/validation.json"), _letters("x" * 60)
    (10, 16, 24)
    """
    return len(word) if len(word) <= _KEPT_LETTERS else max(_KEPT_LETTERS, *map(len, breakable(word).split(BREAK)))


def _blended(asked: Sequence[float] | None, weights: Sequence[float]) -> Sequence[float]:
    """Return shares of which a third is what a page asked for, with a screen in mind, and the rest by the text; all by the text where it asked for nothing.

    >>> [round(part, 2) for part in _blended([1, 1], [1, 3])]
    [0.33, 0.67]
    """
    if asked is None:
        return weights
    return [(one / sum(asked) + 2 * other / sum(weights)) / 3 for one, other in zip(asked, weights, strict=True)]


def _weight(cells: Sequence[str]) -> float:
    """Return how much room a column's text asks for: the root of its mean length, so that one long column does not starve the others."""
    return (sum(map(len, cells)) / max(len(cells), 1) + 1) ** 0.5


def _shares(least: Sequence[float], wanted: Sequence[float], width: float) -> list[float]:
    """Return widths by ``wanted`` of which none is below ``least``, as far as the page allows.

    >>> [round(part) for part in _shares([10, 60, 10], [1, 1, 1], 120)]
    [30, 60, 30]
    """
    fixed: set[int] = set()
    while True:
        free = [index for index in range(len(least)) if index not in fixed]
        room = width - sum(least[index] for index in fixed)
        if not free or room <= 0:
            return list(least)
        unit = room / sum(wanted[index] for index in free)
        tight = {index for index in free if wanted[index] * unit < least[index]}
        if not tight:
            return [least[index] if index in fixed else wanted[index] * unit for index in range(len(least))]
        fixed |= tight
