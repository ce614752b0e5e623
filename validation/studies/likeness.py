"""How alike two chest films are, place by place, so that the same exposure is found again under another name, window, compression or crop.

All chests look alike, so a hash of the coarse picture takes one patient for another (its bits differ as little between patients as between a film and its tilted
copy). What tells films apart is fine structure: each film is reduced to 64 x 64, freed of its brightness and contrast within a few cells, and compared
by correlation. Three looks, each at the pairs that the one before left: as they lie; laid over each other (scale, turn, shift); and so laid over, at four times the
resolution, where vessels and trabeculae of two patients differ however alike their ribs lie. The study records how alike other patients and changed copies are at the third
look, so that the limit between them can be judged.

Source: normalised cross-correlation after local mean and variance normalisation (Lewis, "Fast normalized cross-correlation", 1995; Pinto, Cox, DiCarlo 2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy.ndimage import affine_transform, gaussian_filter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Thumbnail = NDArray[np.float64]

SIDE = 64
FINE_SIDE = 256
LOOKS_ALIKE = 0.6
"""Correlation as they lie from which two films are laid over each other."""

LAID_ALIKE = 0.8
"""Correlation after laying over from which two films are compared at the fine resolution."""

THE_SAME = 0.85
"""Correlation at the fine resolution from which two films count as one exposure."""

_SCALES = (0.95, 0.975, 1.0, 1.025, 1.05)
_TURNS = (-3.0, -1.5, 0.0, 1.5, 3.0)
_SHIFTS = (-2, -1, 0, 1, 2)
_MARGIN = 4
_FINER = FINE_SIDE // SIDE
_FINE_MARGIN = 6 * _FINER
_FINE_STEPS = (-2, -1, 0, 1, 2)
_SMOOTHED = 1.0
"""Noise of single fine cells is taken out: no two exports share it."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How one film lies best over another, and how alike they are then.

    Attributes:
        likeness: correlation of their structure, -1 to 1.
        scale: of the second film.
        turn: of the second film, degrees.
        down: shift of the second film, cells.
        right: shift of the second film, cells.
    """

    likeness: float
    scale: float
    turn: float
    down: int
    right: int


def thumbnail(pixels: NDArray[np.float32], side: int = SIDE) -> Thumbnail:
    """Return a film of (rows, columns) values in [0, 1] as (side, side) means."""
    small = Image.fromarray(pixels.astype(np.float32)).resize((side, side), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def structure(small: Thumbnail, reach: float = 2.0) -> Thumbnail:
    """Return the thumbnail without brightness and contrast: its difference from the mean within ``reach`` cells, over the deviation there."""
    fine = small - gaussian_filter(small, reach)
    return fine / (np.sqrt(gaussian_filter(fine * fine, reach)) + 0.01)


def signature(small: Thumbnail) -> NDArray[np.float64]:
    """Return the structure as a vector of length 1, so that the correlation of two films is the product of theirs.

    >>> film = np.random.default_rng(0).random((64, 64))
    >>> round(float(signature(film) @ signature(0.5 * film + 0.2)), 2)
    1.0
    """
    inner = structure(small)[2:-2, 2:-2].ravel()
    inner = inner - inner.mean()
    return inner / max(float(np.linalg.norm(inner)), 1e-12)


def laid_over(one: Thumbnail, other: Thumbnail) -> Placement:
    """Return how the other film lies best over the one, over scales of 0.95 to 1.05, turns of -3 to 3 degrees and shifts of two cells."""
    fixed = _centred(structure(one)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN])
    best = Placement(-1.0, 1.0, 0.0, 0, 0)
    for scale, turn in product(_SCALES, _TURNS):
        moved = structure(_moved(other, scale, turn))
        for down, right in product(_SHIFTS, _SHIFTS):
            likeness = _likeness(fixed, moved, _MARGIN, down, right)
            best = Placement(likeness, scale, turn, down, right) if likeness > best.likeness else best
    return best


def finely(one: Thumbnail, other: Thumbnail, placed: Placement) -> float:
    """Return the largest correlation of two films at the fine resolution, half a step of the coarse placement around it.

    Args:
        one: (256, 256).
        other: (256, 256).
        placed: how the other lies over the one at the coarse resolution.
    """
    one, other = (gaussian_filter(each, _SMOOTHED) for each in (one, other))
    fixed = _centred(structure(one, _FINER)[_FINE_MARGIN:-_FINE_MARGIN, _FINE_MARGIN:-_FINE_MARGIN])
    down, right = (range(_FINER * (shift - 1), _FINER * (shift + 1) + 1) for shift in (placed.down, placed.right))
    best = -1.0
    for larger, further in product(_FINE_STEPS, _FINE_STEPS):
        moved = structure(_moved(other, placed.scale + larger * 0.00625, placed.turn + further * 0.375), _FINER)
        best = max(best, *(_likeness(fixed, moved, _FINE_MARGIN, *shift) for shift in product(down, right)))
    return best


def _likeness(fixed: Thumbnail, moved: Thumbnail, margin: int, down: int, right: int) -> float:
    """Return the correlation of a centred part with the same part of a moved film, shifted."""
    side = len(moved)
    part = moved[margin + down : side - margin + down, margin + right : side - margin + right]
    return float((fixed * _centred(part)).sum())


def _centred(part: Thumbnail) -> Thumbnail:
    part = part - part.mean()
    return part / max(float(np.linalg.norm(part)), 1e-12)


def _moved(small: Thumbnail, scale: float, degrees: float) -> Thumbnail:
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / scale
    middle = np.full(2, len(small) / 2 - 0.5)
    return np.asarray(affine_transform(small, matrix, middle - matrix @ middle, order=1, mode="nearest"))


def laid_alike(queries: list[Thumbnail], known: list[Thumbnail]) -> list[tuple[int, int, Placement]]:
    """Return (query, known, placement) of all pairs of (64, 64) films that have to be compared at the fine resolution."""
    if not queries or not known:
        return []
    alike = np.stack([signature(small) for small in queries]) @ np.stack([signature(small) for small in known]).T
    pairs = [(int(q), int(k), laid_over(queries[q], known[k])) for q, k in np.argwhere(alike >= LOOKS_ALIKE)]
    return [pair for pair in pairs if pair[2].likeness >= LAID_ALIKE]


def compared(
    queries: list[Thumbnail],
    known: list[Thumbnail],
    fine_query: Callable[[int], Thumbnail],
    fine_known: Callable[[int], Thumbnail],
) -> list[tuple[int, int, float]]:
    """Return (query, known, correlation at the fine resolution) of all pairs that are laid alike, the most alike first.

    Args:
        queries: (64, 64) each.
        known: (64, 64) each.
        fine_query: the (256, 256) film of a query by its place; called for the few pairs that are laid alike.
        fine_known: the same of a known film.
    """
    pairs = [(q, k, finely(fine_query(q), fine_known(k), placed)) for q, k, placed in laid_alike(queries, known)]
    return sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))


def the_same(pairs: Iterable[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Return the pairs that count as one exposure.

    >>> the_same([(0, 3, 0.97), (1, 3, 0.74)])
    [(0, 3, 0.97)]
    """
    return [pair for pair in pairs if pair[2] >= THE_SAME]
