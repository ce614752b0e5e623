"""Patient-level bootstrap intervals.

Films of one patient are not independent, so patients are drawn, not films: each replicate draws as many patients as there are, with replacement, and
every film of a patient counts as often as its patient was drawn. All metrics of one evaluation use the same replicates, so a mean over findings is formed
within a replicate and carries the correlation between findings. The interval is the percentile interval.

Matching is never repeated: a replicate is a weight per film, and the metrics accept weights.

Where nothing was missed, or everything, no resample can show a miss, and the percentile interval would be a point: certainty out of twenty patients. There the bound
of a proportion is given instead, by the number of patients the figure rests on: with 0 misses of n patients the share of misses is at most
1 - (alpha / 2)^(1 / n) (Clopper & Pearson), and with 0 marks of n their mean is at most -ln(alpha / 2) / n (Garwood). A percentile interval is still too short for few
patients, and that of an AP near 1 holds the true value too rarely even with 200 patients (evidence/metrics_agreement); n is printed beside each for that reason.

Source: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13 (percentile interval); Clopper & Pearson, Biometrika 26(4), 1934;
Garwood, Biometrika 28(3/4), 1936; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (Philox).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log
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
        patient: (F,) int64, number of each film's patient, from 0.
        weights: (R, F) int64, how often each film counts in each replicate.
    """

    films: tuple[str, ...]
    patient: NDArray[np.int64]
    weights: NDArray[np.int64]

    @property
    def patients(self) -> int:
        """Number of distinct patients."""
        return len(np.unique(self.patient))

    def patients_with(self, films: Sequence[str], chosen: NDArray[np.bool_]) -> int:
        """Return the number of distinct patients of those films for which ``chosen`` is true.

        Raises:
            KeyError: a film that was not part of the resampling.
        """
        place = {film: index for index, film in enumerate(self.films)}
        return len({int(self.patient[place[film]]) for film, kept in zip(films, chosen, strict=True) if kept})

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
    columns = np.array([number[patient] for patient in patient_of.values()], dtype=np.int64)
    return Replicates(tuple(patient_of), columns, counts[:, columns].astype(np.int64))


def percentile_interval(values: NDArray[np.float64], level: float = 0.95) -> Interval | str:
    """Return the percentile interval of replicated values, or the reason why there is none.

    Args:
        values: (R,) replicated values, NaN where undefined.
        level: coverage in (0, 1).

    >>> percentile_interval(np.arange(5.0), level=0.5)
    Interval(low=1.0, high=3.0, level=0.5, replicates=5, undefined=0, method=None)
    >>> percentile_interval(np.array([1.0, np.nan]))
    'undefined in 1 of 2 replicates'
    """
    defined = values[np.isfinite(values)]
    undefined = len(values) - len(defined)
    if not len(defined) or undefined > MOST_UNDEFINED * len(values):
        return f"undefined in {undefined} of {len(values)} replicates"
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, len(defined), undefined)


def bounded_interval(values: NDArray[np.float64], level: float, patients: int, largest: float | None = 1.0) -> Interval | str:
    """Return the percentile interval, or the bound of a proportion or a count where it would be a point at an end of the scale.

    Args:
        values: (R,) replicated values >= 0, NaN where undefined.
        level: coverage in (0, 1).
        patients: patients that the figure rests on.
        largest: upper end of the scale; None for a count without one.

    >>> found = bounded_interval(np.zeros(10), 0.95, patients=20)
    >>> found.low, round(found.high, 4), found.method
    (0.0, 0.1684, 'bound of a proportion over 20 patients')
    >>> round(bounded_interval(np.ones(10), 0.95, patients=20).low, 4)
    0.8316
    >>> round(bounded_interval(np.zeros(10), 0.95, patients=20, largest=None).high, 4)
    0.1844
    >>> bounded_interval(np.full(10, 0.5), 0.95, patients=1)
    'all 10 replicates are equal'
    """
    found = percentile_interval(values, level)
    if isinstance(found, str) or found.low < found.high:
        return found
    if patients < 1 or found.low not in {0.0, largest}:
        return f"all {found.replicates} replicates are equal"
    tail = (1 - level) / 2
    if largest is None:
        return replace(found, high=-log(tail) / patients, method=f"bound of a count over {patients} patients")
    reach = largest * (1 - tail ** (1 / patients))
    low, high = (0.0, reach) if found.low == 0 else (largest - reach, largest)
    return replace(found, low=low, high=high, method=f"bound of a proportion over {patients} patients")


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
