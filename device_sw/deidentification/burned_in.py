"""Finds text that is drawn into the picture: crisp strokes, light or dark, that begin and end again and again along rows and along columns.

Anatomy is blurred by focus, scatter and detector; letters are not. A pair of neighbouring pixels that differ by more than a fifth of the film's range is a jump. In a
tile of text, rows hold jumps up and jumps down, and so do columns; an edge (collimator, film border, cassette) has jumps of one direction only in each row, and a wire
has them along one axis only. Tiles that look like this are found at three scales, so that strokes of 1 to about 20 pixels are met, and joined to regions.

It finds letters of lead markers as well: they are drawn into the picture, too. What it misses and what it finds where nothing is: `evidence/deidentification`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE = 16
"""Side of a tile, pixels of its scale."""

SCALES = (1, 2, 4)
"""Means over squares of this side are looked at."""

JUMP = 0.12
"""Smallest difference of neighbouring pixels that counts, as a share of the range."""

_NEAR = (-2, -1, 0, 1, 2)

LINES = 3
"""Rows, and columns, of a tile that have to hold jumps of both directions."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the stored pixel grid, first row and column inside, last ones outside."""

    top: int
    left: int
    bottom: int
    right: int


def text_regions(picture: NDArray[np.float32]) -> tuple[Region, ...]:
    """Return where text seems to be drawn, top to bottom, each with a margin of one tile.

    Args:
        picture: (rows, columns) float32 in [0, 1]: the stored values over their range, whichever way round.
    """
    tiles = np.zeros(_grid(picture.shape, 1), dtype=bool)
    for scale in SCALES:
        for row, column in np.argwhere(_text_tiles(_reduced(picture, scale))):
            tiles[row * scale : (row + 1) * scale, column * scale : (column + 1) * scale] = True
    return tuple(_region(group, picture.shape) for group in _groups(tiles))


def blank(stored: NDArray[np.int32], regions: tuple[Region, ...], value: int) -> NDArray[np.int32]:
    """Return a copy of the stored values with every region set to one value."""
    cleaned = stored.copy()
    for region in regions:
        cleaned[region.top : region.bottom, region.left : region.right] = value
    return cleaned


def _grid(shape: tuple[int, ...], scale: int) -> tuple[int, int]:
    side = TILE * scale
    return -(-shape[0] // side), -(-shape[1] // side)


def _reduced(picture: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Return the means over squares; what does not fill a square at the lower and right edge is repeated until it does."""
    if scale == 1:
        return picture
    rows, columns = (-length % scale for length in picture.shape)
    padded = np.pad(picture, ((0, rows), (0, columns)), mode="edge")
    means: NDArray[np.float32] = padded.reshape(padded.shape[0] // scale, scale, -1, scale).mean(axis=(1, 3), dtype=np.float32)
    return means


def _text_tiles(picture: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which tiles hold jumps of both directions in enough rows and in enough columns."""
    across = _both(np.diff(picture, axis=1, append=picture[:, -1:]), axis=1)
    down = _both(np.diff(picture, axis=0, append=picture[-1:]), axis=0)
    found: NDArray[np.bool_] = (across >= LINES) & (down >= LINES)
    return found


def _both(change: NDArray[np.float32], axis: int) -> NDArray[np.intp]:
    """Count in each tile the lines along ``axis`` that hold a jump up and a jump down."""
    rows, columns = _grid(change.shape, 1)
    padded = np.pad(change, ((0, rows * TILE - change.shape[0]), (0, columns * TILE - change.shape[1])))
    tiles = padded.reshape(rows, TILE, columns, TILE)
    along = 3 if axis == 1 else 1
    lines = (tiles > JUMP).any(axis=along) & (tiles < -JUMP).any(axis=along)
    counts: NDArray[np.intp] = lines.sum(axis=1 if axis == 1 else 2)
    return counts


def _groups(tiles: NDArray[np.bool_]) -> list[list[tuple[int, int]]]:
    """Return the tiles in groups, in the order of their first tile: letters of one line stand at most a tile apart."""
    left = {(int(row), int(column)) for row, column in np.argwhere(tiles)}
    groups = []
    while left:
        first = min(left)
        left.remove(first)
        group, open_tiles = [first], [first]
        while open_tiles:
            row, column = open_tiles.pop()
            near = {(row + down, column + across) for down in _NEAR for across in _NEAR} & left
            left -= near
            group += near
            open_tiles += near
        groups.append(group)
    return groups


def _region(group: list[tuple[int, int]], shape: tuple[int, ...]) -> Region:
    rows, columns = [tile[0] for tile in group], [tile[1] for tile in group]
    return Region(
        max((min(rows) - 1) * TILE, 0),
        max((min(columns) - 1) * TILE, 0),
        min((max(rows) + 2) * TILE, shape[0]),
        min((max(columns) + 2) * TILE, shape[1]),
    )
