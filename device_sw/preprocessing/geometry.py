"""Lays a film into the network's square input and brings boxes and maps back; the two directions are exact inverses.

The film is padded with zeros to a square at its right or lower side and the square is resampled, so that one scale holds for both axes and no rounding
of a side enters the boxes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from device_sw.types import Box, Letterbox, ModelInput, NormalisedFilm

if TYPE_CHECKING:
    from numpy.typing import NDArray


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


def to_film(box: tuple[float, float, float, float], frame: Letterbox) -> Box | None:
    """Bring a box (x0, y0, x1, y1) from network to film coordinates and clip it to the film; None where nothing of it lies there, but in the padding.

    >>> to_film((0.0, 64.0, 250.0, 256.0), Letterbox(rows=2048, columns=1024, size=256))
    Box(x0=0.0, y0=512.0, x1=1024.0, y1=2048.0)
    """
    x0, x1 = (min(max(edge / frame.scale, 0.0), float(frame.columns)) for edge in (box[0], box[2]))
    y0, y1 = (min(max(edge / frame.scale, 0.0), float(frame.rows)) for edge in (box[1], box[3]))
    return Box(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def laid_on_film(
    grid: NDArray[np.float32],
    place: tuple[float, float, float, float],
    rows: int,
    columns: int,
    size: tuple[int, int] | None = None,
) -> NDArray[np.float32]:
    """Return a grid that covers a rectangle of the film as an array over the whole film.

    Inside the rectangle values are interpolated bilinearly between the centres of the grid's cells and stay level from the outer centres to the edge;
    outside it they are 0. A pixel belongs to the rectangle when its centre does.

    Args:
        grid: (h, w) values.
        place: (x0, y0, x1, y1), the rectangle in film pixels; it may reach beyond the film.
        rows: of the film.
        columns: of the film.
        size: (rows, columns) of the array that is returned, where it is not the film's own: the film is sampled at the centres of that many pixels.

    >>> laid_on_film(np.ones((1, 1), np.float32), (1.0, 0.0, 3.0, 1.0), 2, 4).tolist()
    [[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    height, width = size or (rows, columns)
    x0, y0, x1, y1 = place
    across = _weights(grid.shape[1], (x0 * width / columns, x1 * width / columns), width)
    down = _weights(grid.shape[0], (y0 * height / rows, y1 * height / rows), height)
    return (down @ grid.astype(np.float64) @ across.T).astype(np.float32)


def _weights(cells: int, span: tuple[float, float], pixels: int) -> NDArray[np.float64]:
    """Return (pixels, cells): how much of each cell a pixel takes, by linear interpolation between cell centres; rows of 0 outside the span."""
    centres = np.arange(pixels) + 0.5
    position = np.clip((centres - span[0]) / (span[1] - span[0]) * cells - 0.5, 0.0, cells - 1.0)
    inside = (centres >= span[0]) & (centres < span[1])
    weights: NDArray[np.float64] = np.clip(1.0 - np.abs(position[:, None] - np.arange(cells)), 0.0, None)
    return weights * inside[:, None]
