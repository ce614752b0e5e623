"""Fractal noise fields: the grain of tissue and the ragged edge of an infiltrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Map = NDArray[np.float32]


def enlarge(field: Map, rows: int, columns: int) -> Map:
    """Return the field resampled to (rows, columns), bicubic, pixel centres aligned."""
    return np.asarray(Image.fromarray(field, mode="F").resize((columns, rows), Image.Resampling.BICUBIC), dtype=np.float32)


def fractal(rng: np.random.Generator, rows: int, columns: int, coarsest: int, octaves: int) -> Map:
    """Return a field of mean about 0 and deviation about 1 whose octave k has ``coarsest 2^k`` cells and amplitude ``0.6^k``."""
    total = np.zeros((rows, columns), np.float32)
    power = 0.0
    for octave in range(octaves):
        cells = coarsest * 2**octave
        seeds = rng.standard_normal((cells + 2, cells + 2), dtype=np.float32)
        total += np.float32(0.6**octave) * enlarge(seeds, rows, columns)
        power += 0.6 ** (2 * octave)
    return total * np.float32(1.3 / np.sqrt(power))
