"""EigenCAM: where the network's features vary most over the film, for all findings together.

It needs the feature map only, no gradient and no finding, so it is the same whatever was marked: it is evidence for no finding, and every place that shows it says so.
The zero padding of the network input is left out before the analysis, or the step from film to padding would be the strongest component of all.

Source: Muhammad and Yeasin, "Eigen-CAM: Class Activation Map using Principal Components", IJCNN 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from device_sw.types import Letterbox

LABEL = "EigenCAM: where the network's features are strong, for all findings together. It is no evidence for any of them."
"""The words beside every heat map."""


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """A heat map on the film's own grid: (rows, columns) float32 in [0, 1], or None where the features say nothing."""

    values: NDArray[np.float32] | None
    label: str = LABEL


def eigencam(features: NDArray[np.float32], frame: Letterbox) -> HeatMap:
    """Return the heat map of a feature map.

    The features (C, h, w) of the cells that hold film are centred and decomposed by SVD; the map is their projection on the first right singular
    vector, turned so that it grows with the features' magnitude, scaled to [0, 1] and resampled bilinearly to the film.

    Args:
        features: (C, h, w) float32, covering the network's square input.
        frame: how the film lies in that input.
    """
    cells = _on_film(features, frame)
    projection = _first_component(cells.reshape(cells.shape[0], -1).T.astype(np.float64))
    if projection is None:
        return HeatMap(None)
    grid = projection.reshape(cells.shape[1:]).astype(np.float32)
    return HeatMap(_to_film(grid, features.shape[1:], frame))


def _covered(length: int, side: int, cells: int) -> float:
    """How many of the cells along one axis the film covers (a fraction at its edge)."""
    return cells * length / side


def _on_film(features: NDArray[np.float32], frame: Letterbox) -> NDArray[np.float32]:
    side = max(frame.rows, frame.columns)
    rows = ceil(_covered(frame.rows, side, features.shape[1]))
    columns = ceil(_covered(frame.columns, side, features.shape[2]))
    return features[:, :rows, :columns]


def _first_component(samples: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Project (n, C) samples on their first principal axis, scaled to [0, 1]; None where they are all equal or not finite."""
    centred = samples - samples.mean(axis=0)
    if not np.all(np.isfinite(centred)) or float(np.abs(centred).max(initial=0.0)) <= 1e-9 * max(
        1.0, float(np.abs(samples).max(initial=0.0))
    ):
        return None
    projection: NDArray[np.float64] = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
    if _points_down(projection, samples):
        projection = -projection
    low, high = float(projection.min()), float(projection.max())
    return (projection - low) / (high - low)


def _points_down(projection: NDArray[np.float64], samples: NDArray[np.float64]) -> bool:
    """A singular vector's sign is arbitrary; the map grows with the magnitude of the features, and on a tie its first value is not negative."""
    magnitude = np.linalg.norm(samples, axis=1)
    slope = float(projection @ (magnitude - magnitude.mean()))
    return slope < 0.0 if abs(slope) > 1e-12 else bool(projection[np.flatnonzero(projection)[0]] < 0.0)


def _to_film(grid: NDArray[np.float32], cells: tuple[int, ...], frame: Letterbox) -> NDArray[np.float32]:
    side = max(frame.rows, frame.columns)
    area = (0.0, 0.0, _covered(frame.columns, side, cells[1]), _covered(frame.rows, side, cells[0]))
    resized = Image.fromarray(grid, mode="F").resize((frame.columns, frame.rows), Image.Resampling.BILINEAR, box=area)
    return np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)
