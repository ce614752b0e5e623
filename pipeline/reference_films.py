"""Describes the films a model was trained on, so that the device can say when a film is unlike them.

Mean, scale and covariance come from the training films; the unit and the limit come from the validation films, which the network was not fitted to. The
covariance of standardised values is drawn towards the identity, because there are hardly more films than values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from device_sw.detector.distribution import DESCRIPTIONS, ReferenceDistribution, ReferenceFilms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SHRINKAGE = 0.2
"""Share of the identity in the covariance of the standardised values."""

_LEAST_SCALE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class DescribedFilms:
    """The values of several films by each description, (films, n) float64."""

    values: Mapping[str, NDArray[np.float64]]

    @property
    def count(self) -> int:
        """Number of films."""
        return len(self.values[DESCRIPTIONS[0]])


def fit(reference: DescribedFilms, held_out: DescribedFilms) -> ReferenceDistribution:
    """Return the reference distribution: statistics of the reference films, unit and limit of the held-out ones.

    The limit is the largest distance among n held-out films, so that one more film of their kind exceeds it with a chance of 1 / (n + 1).

    Raises:
        ValueError: fewer than two reference films or no held-out film.
    """
    if reference.count < 2 or held_out.count < 1:
        raise ValueError(f"needs two reference films and one held-out film, got {reference.count} and {held_out.count}")
    films, distances = {}, []
    for name in DESCRIPTIONS:
        raw = _statistics(reference.values[name])
        found = np.asarray([raw.distance(values) for values in held_out.values[name]])
        unit = float(np.median(found)) or 1.0
        films[name] = replace(raw, unit=unit)
        distances.append(found / unit)
    return ReferenceDistribution(
        films=films,
        limit=float(np.max(distances)) or 1.0,
        reference_films=reference.count,
        held_out_films=held_out.count,
    )


def _statistics(values: NDArray[np.float64]) -> ReferenceFilms:
    mean, scale = values.mean(axis=0), np.maximum(values.std(axis=0), _LEAST_SCALE)
    z = (values - mean) / scale
    covariance = (1 - SHRINKAGE) * (z.T @ z) / len(z) + SHRINKAGE * np.eye(z.shape[1])
    return ReferenceFilms(mean=mean, scale=scale, precision=np.linalg.inv(covariance), unit=1.0)
