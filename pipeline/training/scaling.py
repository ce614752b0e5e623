"""Multi-scale training: a showing is brought to one of several sizes, so that a finding is learned at several sizes in pixels.

The network takes sides that are multiples of 32, so a scale names the nearest such side. The draw is keyed by (seed, step, film) in a stream of its own:
turning it on or off changes no other draw. Validation and device see every film at the network's own size.

Source: He et al. 2015, Spatial Pyramid Pooling (arXiv:1406.4729), section 3.1.2, for training at several sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import affine_transform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MULTIPLE = 32
"""Sides of the network's input are multiples of this."""

_STREAM = 3


def drawn_side(side: int, scales: Sequence[float], seed: int, step: int, film: int) -> int:
    """Return the side of this showing, pixels.

    >>> drawn_side(384, [1.0], 7, 0, 0)
    384
    >>> sorted({drawn_side(384, [0.75, 1.0, 1.25], 7, step, 0) for step in range(50)})
    [288, 384, 480]
    """
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, step, film, _STREAM))))
    scale = scales[int(generator.integers(len(scales)))]
    return max(MULTIPLE, round(side * scale / MULTIPLE) * MULTIPLE)


def resized(
    pixels: NDArray[np.float32], boxes: NDArray[np.float32], side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the film at another side with its boxes, by linear interpolation between pixel centres; the same film where the side is its own.

    Args:
        pixels: (size, size) float32.
        boxes: (n, 4) x0, y0, x1, y1 in pixels.
        side: of the result, pixels.

    >>> film, boxes = resized(np.eye(2, dtype=np.float32), np.array([[0, 0, 1, 2]], np.float32), 4)
    >>> film.shape, boxes.tolist()
    ((4, 4), [[0.0, 0.0, 2.0, 4.0]])
    """
    size = pixels.shape[0]
    if side == size:
        return pixels, boxes
    step = size / side
    centre = (step - 1) / 2  # output pixel i has its centre at (i + 0.5) * step of the input
    film = affine_transform(pixels, np.full(2, step), centre, output_shape=(side, side), order=1, mode="nearest")
    return film, (boxes * np.float32(1 / step)).astype(np.float32)
