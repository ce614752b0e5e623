"""Boxes as they may be scored: rows of all films one below the other, refused where one of them could flatter or break a figure.

A box is x0, y0, x1, y1 in film pixels, a detection has a score in [0, 1] behind it. Refused are an edge or an area that is not finite, an inverted box, a box without
area, a box that its film and finding hold twice, and rows of another width. A reference that takes such boxes returns a figure for them (pycocotools gives
AP 1.0 for a detection whose edges are NaN), so nothing is repaired or dropped here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from validation.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Kind = Literal["truth", "detection"]
WIDTHS: dict[Kind, int] = {"truth": 4, "detection": 5}
_EDGES = "x0 < x1 and y0 < y1, all finite, each box once"
_REPAIR = {"truth": "correct the cohort", "detection": "correct what made the detections"}
_KEY = (1.0, 3.7, 11.3, 41.9)


def gathered(
    kind: Kind, finding: str, films: Sequence[str], rows: Sequence[Any]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the checked rows of one finding in all films, and the film each row belongs to.

    Args:
        kind: ``truth`` for (n, 4) boxes, ``detection`` for (n, 5) boxes with scores.
        finding: the finding, for messages.
        films: ids of the F films, for messages.
        rows: F arrays or nested sequences, empty for a film without boxes.

    Returns:
        (N, 4 or 5) float64 and (N,) int64 index into ``films``, film by film in the given order.

    Raises:
        ValidationError: ``VAL-BOX-SHAPE``, ``VAL-BOX-NOT-FINITE``, ``VAL-BOX-INVERTED``, ``VAL-BOX-EMPTY``, ``VAL-BOX-TWICE`` or ``VAL-SCORE``;
            the first row concerned is named by its film.

    >>> gathered("truth", "scoliosis", ["a", "b"], [[], [(0, 0, 4, 4)]])[1].tolist()
    [1]
    >>> gathered("truth", "scoliosis", ["a"], [[(4, 0, 0, 4)]])
    Traceback (most recent call last):
        ...
    validation.errors.ValidationError: VAL-BOX-INVERTED at truth box of scoliosis in film a: found [4.0, 0.0, 0.0, 4.0], expected x0 < x1 and y0 < y1, \
all finite, each box once. Repair: correct the cohort.
    """
    arrays = [_array(kind, finding, film, row) for film, row in zip(films, rows, strict=True)]
    number = np.repeat(np.arange(len(arrays), dtype=np.int64), [len(array) for array in arrays])
    found = np.concatenate(arrays) if arrays else np.zeros((0, WIDTHS[kind]))
    for code, bad in _faults(kind, found, number):
        if bad.size:
            raise _refused(code, kind, f"{finding} in film {films[number[bad[0]]]}", str(found[bad[0]].tolist()))
    return found, number


def _array(kind: Kind, finding: str, film: str, rows: Any) -> NDArray[np.float64]:
    width = WIDTHS[kind]
    try:
        array = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise _refused("VAL-BOX-SHAPE", kind, f"{finding} in film {film}", "rows that are no numbers") from error
    if array.size == 0:
        return np.zeros((0, width))
    if array.ndim != 2 or array.shape[1] != width:
        raise _refused("VAL-BOX-SHAPE", kind, f"{finding} in film {film}", f"shape {array.shape}")
    return array


def _refused(code: str, kind: Kind, place: str, found: str) -> ValidationError:
    expected = {"VAL-BOX-SHAPE": f"(n, {WIDTHS[kind]}) numbers", "VAL-SCORE": "a score in [0, 1]"}.get(code, _EDGES)
    return ValidationError(code, where=f"{kind} box of {place}", found=found, expected=expected, repair=_REPAIR[kind])


def _faults(kind: Kind, rows: NDArray[np.float64], film: NDArray[np.int64]) -> list[tuple[str, NDArray[np.int64]]]:
    """Return code -> indices of the rows concerned, in the order in which they are reported."""
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        width, height = rows[:, 2] - rows[:, 0], rows[:, 3] - rows[:, 1]
        area = width * height
        finite = np.isfinite(rows[:, :4]).all(axis=1) & np.isfinite(4 * area)
    scored = (rows[:, 4] >= 0) & (rows[:, 4] <= 1) if kind == "detection" else np.ones(len(rows), dtype=bool)
    return [
        ("VAL-BOX-NOT-FINITE", np.flatnonzero(~finite)),
        ("VAL-BOX-INVERTED", np.flatnonzero((width < 0) | (height < 0))),
        ("VAL-BOX-EMPTY", np.flatnonzero(area == 0)),
        ("VAL-BOX-TWICE", repeated(rows[:, :4], film)),
        ("VAL-SCORE", np.flatnonzero(~scored)),
    ]


def repeated(boxes: NDArray[np.float64], film: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first row that repeats another of its film, as an array of none or one index.

    Equal rows have equal keys, because a key is summed edge by edge in one order (a matrix product may sum a row by its place); so only rows of equal keys
    are compared. -0.0 equals 0.0.

    >>> repeated(np.array([[0.0, 0, 4, 4], [1.0, 0, 4, 4], [0.0, 0, 4, 4]]), np.array([0, 0, 0])).tolist()
    [2]
    >>> repeated(np.array([[0.0, 0, 4, 4], [0.0, 0, 4, 4]]), np.array([0, 1])).tolist()
    []
    """
    with np.errstate(invalid="ignore", over="ignore"):
        key = film * 131.7
        for edge, factor in zip(boxes.T, _KEY, strict=True):
            key = key + edge * factor
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order[1:]] == key[order[:-1]])
    among = np.unique(np.concatenate([order[same], order[same + 1]]))
    seen: set[tuple[float, ...]] = set()
    for index in among:
        row = (float(film[index]), *boxes[index].tolist())
        if row in seen:
            return np.array([index])
        seen.add(row)
    return np.zeros(0, dtype=np.int64)


def pair_iou(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the IoU of each row of ``first`` with the same row of ``second``: intersection area / union area, both (n, 4).

    >>> pair_iou(np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[1.0, 0.0, 3.0, 2.0]])).round(6).tolist()
    [0.333333]
    """
    width = np.minimum(first[:, 2], second[:, 2]) - np.maximum(first[:, 0], second[:, 0])
    height = np.minimum(first[:, 3], second[:, 3]) - np.maximum(first[:, 1], second[:, 1])
    shared = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    areas = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (first, second)]
    return np.asarray(shared / (areas[0] + areas[1] - shared), dtype=np.float64)
