"""Measures how much of a film is field: the rectangle that is left when even borders (a blackened collimator, shutters, padding) are taken off.

A film of which most is border shows a small part of a chest, or a chest so small that the network has never seen its like. The field is not cut out;
it is measured, and admission decides. A collimator shadow that was not blackened keeps its scatter and noise and counts as field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = 256
"""Rows and columns that are looked at, evenly spread."""

EVEN = 0.02
"""Largest difference between the 5th and the 95th percentile of a row or column that is border, in [0, 1] after preprocessing."""


def field_share(pixels: NDArray[np.float32]) -> float:
    """Return the share of the film that the rectangle of uneven rows and columns covers, in [0, 1]; 0 where all is even.

    >>> film = np.zeros((100, 100), dtype=np.float32)
    >>> film[20:70, 10:50] = np.linspace(0, 1, 50 * 40, dtype=np.float32).reshape(50, 40)
    >>> round(field_share(film), 2)
    0.2
    """
    step = tuple(max(1, length // SAMPLES) for length in pixels.shape)
    sampled = pixels[:: step[0], :: step[1]]
    return _extent(sampled) * _extent(sampled.T)


def _extent(lines: NDArray[np.float32]) -> float:
    """Return the share of lines from the first to the last that is uneven."""
    low, high = np.percentile(lines, (5, 95), axis=1)
    uneven = np.flatnonzero(high - low > EVEN)
    return float(uneven[-1] - uneven[0] + 1) / len(lines) if uneven.size else 0.0
