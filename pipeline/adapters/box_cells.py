"""Reads the corners of a box from cells of a table and fits it to its film, or says why it is none."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.adapters.cohort_film import Box

LEAST_INSIDE = 0.9
"""A box that leaves the film is cut at the edge where at least this share of it lies inside; else it is no box of this film."""


class NoBox(Exception):
    """Cells that are no box of the film; the text says why."""


def corners(cells: Sequence[str]) -> Box:
    """Return x0, y0, x1, y1.

    >>> corners(["1", "2.5", "3", "4"])
    (1.0, 2.5, 3.0, 4.0)

    Raises:
        NoBox: not four finite numbers, or no width or height.
    """
    try:
        x0, y0, x1, y1 = (float(cell) for cell in cells)
    except ValueError as error:
        raise NoBox("corners that are not four numbers") from error
    if not all(isfinite(edge) for edge in (x0, y0, x1, y1)):
        raise NoBox("corners that are not finite")
    if x1 <= x0 or y1 <= y0:
        raise NoBox("a box without width or height")
    return x0, y0, x1, y1


def fitted(box: Box, rows: int, columns: int) -> tuple[Box, bool]:
    """Return the box inside the film, and whether it was cut.

    >>> fitted((-1.0, 0.0, 99.0, 50.0), 100, 100)
    ((0.0, 0.0, 99.0, 50.0), True)

    Raises:
        NoBox: less than ``LEAST_INSIDE`` of it lies inside.
    """
    x0, y0, x1, y1 = box
    inside = (max(x0, 0.0), max(y0, 0.0), min(x1, float(columns)), min(y1, float(rows)))
    width, height = max(inside[2] - inside[0], 0.0), max(inside[3] - inside[1], 0.0)
    if width * height < LEAST_INSIDE * (x1 - x0) * (y1 - y0):
        raise NoBox("a box that leaves the film")
    return inside, inside != box


def overlap(one: Box, other: Box) -> float:
    """Return intersection over union.

    >>> overlap((0, 0, 2, 1), (1, 0, 3, 1))
    0.3333333333333333
    """
    width = max(min(one[2], other[2]) - max(one[0], other[0]), 0.0)
    height = max(min(one[3], other[3]) - max(one[1], other[1]), 0.0)
    both = width * height
    return both / ((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - both)
