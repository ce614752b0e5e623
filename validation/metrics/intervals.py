"""Patient-level bootstrap intervals.

Films of one patient are not independent, so patients are drawn, not films: each replicate draws as many patients as there are, with replacement, and
every film of a patient counts as often as its patient was drawn. All metrics of one evaluation use the same replicates, so a mean over findings is formed
within a replicate and carries the correlation between findings. The interval is the percentile interval.

Matching is never repeated: a replicate is a weight per film, and the metrics accept weights.

Source: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13 (percentile interval); Salmon et al., "Parallel random numbers: as
easy as 1, 2, 3", SC 2011 (Philox). A percentile interval is too short for few patients and for figures near 0 or 1; n is printed beside each for that reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from validation.metrics.result import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

MOST_UNDEFINED = 0.05
"""Share of undefined replicates above which no interval is given: leaving more out would condition the interval on luck."""


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """The resamples of one evaluation.

    Attributes:
        films: film ids, in the order of the columns.
        patients: number of distinct patients.
        weights: (R, F) int64, how often each film counts in each replicate.
    """

    films: tuple[str, ...]
    patients: int
    weights: NDArray[np.int64]

    def of(self, films: Sequence[str]) -> NDArray[np.int64]:
        """Return the (R, n) columns of some of the films, in their given order.

        Raises:
            KeyError: a film that was not part of the resampling.
        """
        place = {film: index for index, film in enumerate(self.films)}
        return self.weights[:, [place[film] for film in films]]


def draw(patient_of: Mapping[str, str], replicates: int, seed: int) -> Replicates:
    """Draw the resamples.

    Args:
        patient_of: film id -> patient id; the order of the films is kept.
        replicates: R, at least 1.
        seed: key of the Philox generator.

    Raises:
        ValueError: fewer than one replicate, or no films.

    >>> draw({"a": "p", "b": "p", "c": "q"}, 3, seed=1).weights[:, 0].tolist() == draw({"a": "p", "b": "p", "c": "q"}, 3, seed=1).weights[:, 1].tolist()
    True
    """
    if replicates < 1:
        raise ValueError(f"at least one replicate is needed, got {replicates}")
    if not patient_of:
        raise ValueError("no films to resample")
    patients = sorted(set(patient_of.values()))
    number = {patient: index for index, patient in enumerate(patients)}
    generator = np.random.Generator(np.random.Philox(seed))
    drawn = generator.integers(0, len(patients), size=(replicates, len(patients)))
    rows = np.arange(replicates)[:, None] * len(patients)
    counts = np.bincount((drawn + rows).ravel(), minlength=replicates * len(patients)).reshape(replicates, len(patients))
    columns = [number[patient] for patient in patient_of.values()]
    return Replicates(tuple(patient_of), len(patients), counts[:, columns].astype(np.int64))


def percentile_interval(values: NDArray[np.float64], level: float = 0.95) -> Interval | str:
    """Return the percentile interval of replicated values, or the reason why there is none.

    Args:
        values: (R,) replicated values, NaN where undefined.
        level: coverage in (0, 1).

    >>> percentile_interval(np.arange(5.0), level=0.5)
    Interval(low=1.0, high=3.0, level=0.5, replicates=5, undefined=0)
    >>> percentile_interval(np.array([1.0, np.nan]))
    'undefined in 1 of 2 replicates'
    """
    defined = values[np.isfinite(values)]
    undefined = len(values) - len(defined)
    if not len(defined) or undefined > MOST_UNDEFINED * len(values):
        return f"undefined in {undefined} of {len(values)} replicates"
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, len(defined), undefined)


def in_blocks(
    function: Callable[[NDArray[np.int64]], NDArray[np.float64]], weights: NDArray[np.int64], block: int = 250
) -> NDArray[np.float64]:
    """Apply a replicated metric to the weights block by block, so that its temporary arrays stay small."""
    return np.concatenate([function(weights[start : start + block]) for start in range(0, len(weights), block)])


def replicated_ratio(
    numerator: NDArray[np.int64], denominator: NDArray[np.int64], weights: NDArray[np.int64], extra_denominator: int = 0
) -> NDArray[np.float64]:
    """Return the resampled ratio of two per-film counts, NaN where the denominator is 0.

    >>> replicated_ratio(np.array([1, 0]), np.array([1, 1]), np.array([[2, 0], [1, 1]])).tolist()
    [1.0, 0.5]
    """
    above = (weights @ numerator).astype(np.float64)
    below = (weights @ denominator).astype(np.float64) + extra_denominator
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
