"""Asks whether a film resembles the films that the model was trained on, since its figures hold for no others.

Two descriptions of the film are held against reference films: its picture (grey values, structure on five scales, layout in 8 x 8 cells, all at the
network's size) and what the network's features make of it (mean and spread of each channel). Each description's Mahalanobis distance from the reference
films is divided by the median distance of held-out films, and the larger of the two is compared with a limit: the largest value among those
held-out films. So a further film of the same kind exceeds it with a chance of 1 in (held-out films + 1), the chance of being the most extreme of all.

A film beyond the limit is analysed all the same and carries a caution. That a film lies within the limit does not make a mark on it right.

Source: Lee et al., "A Simple Unified Framework for Detecting Out-of-Distribution Samples", NeurIPS 2018 (arXiv:1807.03888), with one class; the limit:
Laxhammar and Falkman, "Conformal prediction for distribution-independent anomaly detection", 2010.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, isfinite, sqrt
from typing import TYPE_CHECKING

import numpy as np

from device_sw.errors import InferenceFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from device_sw.types import Letterbox, ModelInput

DESCRIPTIONS = ("picture", "network")
"""The two descriptions of a film."""

_QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
_OCTAVES = 5
_CELLS = 8


@dataclass(frozen=True, slots=True)
class Placement:
    """How far a film lies from the reference films, in medians of held-out films, by each description, and the limit for the larger one.

    >>> Placement(picture=1.1, network=2.5, limit=2.0).outside, Placement(picture=1.1, network=2.0, limit=2.0).outside
    (True, False)
    """

    picture: float
    network: float
    limit: float

    @property
    def distance(self) -> float:
        """The larger of the two distances."""
        return max(self.picture, self.network)

    @property
    def outside(self) -> bool:
        """Whether the film lies beyond the limit."""
        return not self.distance <= self.limit


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceFilms:
    """One description of the reference films: ``sqrt(z' P z) / unit`` with ``z = (x - mean) / scale`` is the distance of a film.

    Attributes:
        mean: (n,) float64.
        scale: (n,) float64, above 0.
        precision: (n, n) float64, the inverse of the standardised values' shrunken covariance.
        unit: median distance of held-out films, above 0.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    precision: NDArray[np.float64]
    unit: float

    def __post_init__(self) -> None:
        """Refuse statistics from which no distance can be computed."""
        n = len(self.mean)
        numbers = (self.mean, self.scale, self.precision, np.asarray(self.unit))
        shaped = self.mean.shape == self.scale.shape == (n,) and self.precision.shape == (n, n)
        if not shaped or not all(np.isfinite(part).all() for part in numbers) or not (self.scale > 0).all() or not self.unit > 0:
            raise ValueError("reference films need n means, n scales above 0, an n x n precision and a unit above 0, all finite")

    def distance(self, values: NDArray[np.float64]) -> float:
        """Return the distance of a film from these films, in units of the median held-out film.

        Raises:
            ValueError: another number of values.

        >>> films = ReferenceFilms(np.zeros(2), np.ones(2), np.eye(2), unit=2.5)
        >>> films.distance(np.array([3.0, 4.0]))
        2.0
        """
        if values.shape != self.mean.shape:
            raise ValueError(f"expected {self.mean.shape[0]} values, got {values.shape}")
        z = (values - self.mean) / self.scale
        return sqrt(max(float(z @ self.precision @ z), 0.0)) / self.unit


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceDistribution:
    """The reference films by both descriptions, and the limit.

    Attributes:
        films: the reference films by each description.
        limit: the largest distance that is no reason for a caution.
        reference_films: how many films the statistics come from.
        held_out_films: how many others gave unit and limit.
    """

    films: Mapping[str, ReferenceFilms]
    limit: float
    reference_films: int
    held_out_films: int

    def __post_init__(self) -> None:
        """Refuse a distribution without both descriptions or without a limit."""
        if tuple(sorted(self.films)) != tuple(sorted(DESCRIPTIONS)) or not (isfinite(self.limit) and self.limit > 0):
            raise ValueError(f"a reference distribution needs {' and '.join(DESCRIPTIONS)} and a finite limit above 0")

    def place(self, model_input: ModelInput, features: NDArray[np.float32]) -> Placement:
        """Return how far a film lies from the reference films.

        Args:
            model_input: the film at the network's size.
            features: (C, h, w) float32, what the network made of it.

        Raises:
            InferenceFailed: INF-NONFINITE, the features hold a number that is not finite.
        """
        described = {
            "picture": picture_values(model_input),
            "network": network_values(features, model_input.letterbox),
        }
        if not all(np.isfinite(values).all() for values in described.values()):
            raise InferenceFailed(
                "INF-NONFINITE",
                where="network features",
                found="a number that is not finite",
                expected="finite numbers",
                repair="run `thoratrace self-test`; if it passes, report the input's content hash to the manufacturer",
            )
        distances = {name: self.films[name].distance(values) for name, values in described.items()}
        return Placement(picture=distances["picture"], network=distances["network"], limit=self.limit)


def network_values(features: NDArray[np.float32], frame: Letterbox) -> NDArray[np.float64]:
    """Return (2C,) values: mean and log spread of each channel over the cells that hold film; the padding tells nothing about the film."""
    side = max(frame.rows, frame.columns)
    rows, columns = (
        ceil(cells * length / side) for cells, length in zip(features.shape[1:], (frame.rows, frame.columns), strict=True)
    )
    cells = features[:, :rows, :columns].astype(np.float64)
    return np.concatenate([cells.mean(axis=(1, 2)), np.log(cells.std(axis=(1, 2)) + 1e-3)])


def picture_values(model_input: ModelInput) -> NDArray[np.float64]:
    """Return (92,) values: 7 grey-value quantiles, 4 measures of structure in each of 5 octaves, columns by rows, and the means of 8 x 8 cells."""
    frame = model_input.letterbox
    rows, columns = (max(1, int(length * frame.scale)) for length in (frame.rows, frame.columns))
    film = model_input.pixels[:rows, :columns].astype(np.float64)
    return np.concatenate([np.quantile(film, _QUANTILES), _structure(film), [frame.columns / frame.rows], _layout(film)])


def _structure(film: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much neighbouring pixels differ, octave by octave: noise lies in the first, anatomy in the last. A side below 3 pixels is not halved further."""
    values: list[float] = []
    for _ in range(_OCTAVES):
        padded = np.pad(film, 1, mode="edge")
        bend = np.abs(4 * film - padded[:-2, 1:-1] - padded[2:, 1:-1] - padded[1:-1, :-2] - padded[1:-1, 2:])
        steps = (np.abs(np.diff(film, axis=axis, append=np.take(film, [-1], axis=axis))).mean() for axis in (0, 1))
        values += [float(bend.mean()), float(np.median(bend)), *map(float, steps)]
        film = _halved(film)
    return np.log(np.asarray(values) + 1e-4)


def _halved(film: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = (length // 2 for length in film.shape)
    if min(rows, columns) < 3:
        return film
    halved: NDArray[np.float64] = film[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean(axis=(1, 3))
    return halved


def _layout(film: NDArray[np.float64]) -> NDArray[np.float64]:
    edges = [np.arange(_CELLS + 1) * length // _CELLS for length in film.shape]
    bands = [[slice(first, max(first + 1, last)) for first, last in pairwise(axis)] for axis in edges]
    return np.asarray([film[down, across].mean() for down in bands[0] for across in bands[1]])
