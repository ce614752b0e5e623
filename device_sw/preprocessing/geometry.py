"""Lays a film into the network's square input and brings boxes back; the two directions are exact inverses.

The film is padded with zeros to a square at its right or lower side and the square is resampled, so that one scale holds for both axes and no rounding
of a side enters the boxes.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from device_sw.types import Box, Letterbox, ModelInput, NormalisedFilm


def letterbox(film: NormalisedFilm, size: int) -> ModelInput:
    """Return the film as (size, size) float32 in [0, 1]: top-left aligned, area-weighted bilinear resampling, padding 0.

    Source: Pillow's ``Image.resize`` with ``BILINEAR`` widens its filter when it shrinks (antialiasing).
    """
    rows, columns = film.pixels.shape
    side = max(rows, columns)
    square = np.zeros((side, side), dtype=np.float32)
    square[:rows, :columns] = film.pixels
    resized = Image.fromarray(square, mode="F").resize((size, size), Image.Resampling.BILINEAR)
    pixels = np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)
    return ModelInput(pixels=pixels, letterbox=Letterbox(rows=rows, columns=columns, size=size))


def to_network(box: Box, frame: Letterbox) -> Box:
    """Bring a box from film to network coordinates.

    >>> to_network(Box(0.0, 512.0, 1024.0, 2048.0), Letterbox(rows=2048, columns=1024, size=256))
    Box(x0=0.0, y0=64.0, x1=128.0, y1=256.0)
    """
    return Box(*(edge * frame.scale for edge in box.as_tuple()))


def to_film(box: Box, frame: Letterbox) -> Box:
    """Bring a box from network to film coordinates and clip it to the film.

    >>> to_film(Box(0.0, 64.0, 250.0, 256.0), Letterbox(rows=2048, columns=1024, size=256))
    Box(x0=0.0, y0=512.0, x1=1024.0, y1=2048.0)

    Raises:
        ValueError: nothing of the box lies on the film (it lies in the padding).
    """
    x0, y0, x1, y1 = (edge / frame.scale for edge in box.as_tuple())
    x0, x1 = max(x0, 0.0), min(x1, float(frame.columns))
    y0, y1 = max(y0, 0.0), min(y1, float(frame.rows))
    if x1 <= x0 or y1 <= y0:
        raise ValueError(f"box {box.as_tuple()} lies outside the film of {frame.rows} x {frame.columns}")
    return Box(x0, y0, x1, y1)
