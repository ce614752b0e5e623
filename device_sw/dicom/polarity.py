"""Asks the picture itself whether it is shown the right way round: air dark, bone bright, the way a frontal chest lies.

The header's photometric interpretation can be wrong; the picture then is a negative, on which a detector still finds something. So the picture is reduced to
16 x 16 blocks, each replaced by its rank among the blocks (which no window, gamma or exposure changes), and correlated with the mean rank picture of
frontal chest films. A negative has exactly the opposite correlation. A film that lies upside down correlates weakly or negatively, too.

It never turns a film; it says how well the film agrees, and admission decides.

Source: `_EXPECTED` is the mean over 572 training films of the NIH ChestX-ray14 set (Wang et al., CVPR 2017, provided by the NIH Clinical Center), made
symmetrical and rounded to tenths. Measured on the other 380 films: `evidence/dicom_corpus/polarity.json`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID = 16
"""Blocks a side."""

AGREEMENT = 0.1
"""Smallest correlation that counts as agreement; its negative is where contradiction begins."""

_LEFT_HALF = (
    (1, 1, 1, 1, 1, 2, 4, 5),
    (1, 2, 2, 2, 2, 3, 4, 6),
    (3, 4, 4, 4, 4, 4, 4, 5),
    (4, 5, 5, 5, 4, 3, 4, 5),
    (5, 6, 6, 5, 3, 2, 3, 5),
    (5, 6, 6, 4, 3, 2, 3, 6),
    (5, 5, 6, 4, 3, 2, 4, 6),
    (4, 5, 5, 4, 3, 3, 5, 7),
    (4, 5, 5, 4, 3, 4, 6, 7),
    (3, 5, 5, 4, 4, 5, 7, 8),
    (3, 4, 5, 5, 5, 6, 7, 8),
    (3, 4, 5, 6, 6, 7, 8, 9),
    (3, 4, 6, 7, 7, 8, 9, 9),
    (2, 4, 6, 7, 8, 9, 9, 9),
    (2, 4, 6, 8, 9, 9, 9, 10),
    (3, 4, 6, 8, 9, 9, 9, 10),
)
"""Mean rank of each block in tenths, left half of the film from top to bottom; the right half is its mirror image."""

_EXPECTED = np.concatenate([np.asarray(_LEFT_HALF), np.asarray(_LEFT_HALF)[:, ::-1]], axis=1).astype(np.float64)


def agreement(pixels: NDArray[np.float32]) -> float:
    """Return the rank correlation of a normalised film with the expected chest, in [-1, 1]; 0 where the picture has no structure or fewer than 16 rows or columns.

    Args:
        pixels: (rows, columns) after preprocessing: bone bright if the header is right.

    The negative of a film has the opposite value:

    >>> film = np.linspace(0, 1, 32 * 32, dtype=np.float32).reshape(32, 32)
    >>> round(agreement(film) + agreement(1 - film), 9)
    0.0
    """
    if min(pixels.shape) < GRID:
        return 0.0
    ranks = _ranks(_blocks(pixels))
    spread = float(ranks.std())
    if spread == 0.0:
        return 0.0
    return float(np.mean((ranks - ranks.mean()) * (_EXPECTED - _EXPECTED.mean())) / (spread * _EXPECTED.std()))


def _blocks(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean of each of the 16 x 16 blocks."""
    rows, columns = (np.arange(GRID + 1) * length // GRID for length in pixels.shape)
    bands = np.stack([pixels[first:last].sum(axis=0, dtype=np.float64) for first, last in pairwise(rows)])
    sums = np.add.reduceat(bands, columns[:-1], axis=1)
    means: NDArray[np.float64] = sums / (np.diff(rows)[:, None] * np.diff(columns)[None, :])
    return np.round(means, 6)


def _ranks(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank of each block among all, equal blocks sharing their mean rank."""
    _, inverse, counts = np.unique(blocks.ravel(), return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts + 1) / 2)[inverse].reshape(blocks.shape)
    return ranks
