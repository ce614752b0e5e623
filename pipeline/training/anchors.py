"""Anchors fitted to the training boxes: k-means on log width and log height, without randomness.

Source: the idea of dimension clusters, Redmon and Farhadi 2017 (arXiv:1612.08242); here with Euclidean distance on logarithms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

AnchorSizes = tuple[tuple[tuple[float, float], ...], ...]


def fit(sizes: NDArray[np.float64], levels: int, per_level: int, rounds: int = 50) -> AnchorSizes:
    """Return (width, height) anchors for each level, small ones on the finest.

    Args:
        sizes: (n, 2) width and height of the training boxes, network pixels, > 0.
        levels: pyramid levels.
        per_level: anchors a level has at each location.
        rounds: k-means iterations.

    Raises:
        ValueError: fewer boxes than anchors.

    >>> fit(np.array([[1.0, 1.0], [1.0, 1.0], [4.0, 4.0], [4.0, 4.0]]), levels=2, per_level=1)
    (((1.0, 1.0),), ((4.0, 4.0),))
    """
    wanted = levels * per_level
    if len(sizes) < wanted:
        raise ValueError(f"{len(sizes)} training boxes cannot fit {wanted} anchors; expected at least {wanted}")
    centres = np.exp(_k_means(np.log(sizes), wanted, rounds))
    ordered = centres[np.argsort(centres.prod(axis=1), kind="stable")]
    rounded = [(round(float(w), 1), round(float(h), 1)) for w, h in ordered]
    return tuple(tuple(rounded[level * per_level : (level + 1) * per_level]) for level in range(levels))


def _k_means(points: NDArray[np.float64], clusters: int, rounds: int) -> NDArray[np.float64]:
    """Start from the points at even ranks of area, so that the result depends on the data alone."""
    ranked = points[np.lexsort((points[:, 0], points.sum(axis=1)))]
    centres = ranked[((np.arange(clusters) + 0.5) * len(points) / clusters).astype(int)]
    for _ in range(rounds):
        nearest = ((points[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
        moved = [points[nearest == k].mean(axis=0) if (nearest == k).any() else centres[k] for k in range(clusters)]
        centres = np.stack(moved)
    return centres
