"""How alike two chest films are, place by place, so that the same exposure is found again under another name, window, compression or crop.

All chests look alike, so a hash of the coarse picture takes one patient for another (its bits differ as little between patients as between a film and its tilted
copy). What tells films apart is fine structure: each film is reduced to 64 x 64, freed of its brightness and contrast within a few cells, and compared
by correlation. A first look compares every pair as it lies; pairs above ``LOOKS_ALIKE`` are laid over each other (scale, turn, shift) and compared again.

Source: normalised cross-correlation after local mean and variance normalisation (Lewis, "Fast normalized cross-correlation", 1995; Pinto, Cox, DiCarlo 2008).
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy.ndimage import affine_transform, gaussian_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Thumbnail = NDArray[np.float64]

SIDE = 64
LOOKS_ALIKE = 0.6
"""Correlation from which a pair is looked at closely."""

THE_SAME = 0.85
"""Correlation after laying over from which two films count as one exposure; set between changed copies and different patients of the phantom, a third of the test films among them."""

_SCALES = (0.95, 0.975, 1.0, 1.025, 1.05)
_TURNS = (-3.0, -1.5, 0.0, 1.5, 3.0)
_SHIFTS = (-2, -1, 0, 1, 2)
_MARGIN = 4


def thumbnail(pixels: NDArray[np.float32]) -> Thumbnail:
    """Return a film of (rows, columns) values in [0, 1] as (64, 64) means."""
    small = Image.fromarray(pixels.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def structure(small: Thumbnail) -> Thumbnail:
    """Return the thumbnail without brightness and contrast: its difference from the local mean, over the local deviation."""
    fine = small - gaussian_filter(small, 2.0)
    return fine / (np.sqrt(gaussian_filter(fine * fine, 2.0)) + 0.01)


def signature(small: Thumbnail) -> NDArray[np.float64]:
    """Return the structure as a vector of length 1, so that the correlation of two films is the product of theirs.

    >>> film = np.random.default_rng(0).random((64, 64))
    >>> round(float(signature(film) @ signature(0.5 * film + 0.2)), 2)
    1.0
    """
    inner = structure(small)[2:-2, 2:-2].ravel()
    inner = inner - inner.mean()
    return inner / max(float(np.linalg.norm(inner)), 1e-12)


def laid_over(one: Thumbnail, other: Thumbnail) -> float:
    """Return the largest correlation of two films over scales of 0.95 to 1.05, turns of -3 to 3 degrees and shifts of two cells."""
    fixed = _centred(structure(one)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN])
    best = -1.0
    for scale, turn in product(_SCALES, _TURNS):
        moved = structure(_moved(other, scale, turn))
        for down, right in product(_SHIFTS, _SHIFTS):
            part = moved[_MARGIN + down : SIDE - _MARGIN + down, _MARGIN + right : SIDE - _MARGIN + right]
            best = max(best, float((fixed * _centred(part)).sum()))
    return best


def _centred(part: Thumbnail) -> Thumbnail:
    part = part - part.mean()
    return part / max(float(np.linalg.norm(part)), 1e-12)


def _moved(small: Thumbnail, scale: float, degrees: float) -> Thumbnail:
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / scale
    middle = np.full(2, SIDE / 2 - 0.5)
    return np.asarray(affine_transform(small, matrix, middle - matrix @ middle, order=1, mode="nearest"))


def the_same(queries: list[Thumbnail], known: list[Thumbnail]) -> list[tuple[int, int, float]]:
    """Return (query, known, correlation) of all pairs that count as one exposure, the most alike first."""
    if not queries or not known:
        return []
    alike = np.stack([signature(small) for small in queries]) @ np.stack([signature(small) for small in known]).T
    pairs = [(int(q), int(k), laid_over(queries[q], known[k])) for q, k in np.argwhere(alike >= LOOKS_ALIKE)]
    return sorted((pair for pair in pairs if pair[2] >= THE_SAME), key=lambda pair: (-pair[2], pair[0], pair[1]))
