"""Rates at an operating point: two integer counts per film, summed first and divided once.

Every rate is (sum of counts above) / (sum of counts below) over films, so a resample of patients is the same sums with weights, and the interval rests on exactly
the counts that are printed beside the figure. Boxes, films and pairs of film and finding are different units; each function says which it counts.

Sensitivity and specificity have no common unit in detection: there is no countable place where a box is absent. So sensitivity is given for boxes and for
films, and specificity for films only: the share of films without the finding (or without any finding) that carry no mark of it (no mark at all).

Source: Chakraborty & Winter, "Free-response methodology: alternate analysis and a new observer-performance experiment", Radiology 174(3), 1990.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from validation.metrics.average_precision import NO_TRUTH
from validation.metrics.intervals import bounded_interval, replicated_ratio
from validation.metrics.result import Metric, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from validation.metrics.froc import OperatingCounts
    from validation.metrics.intervals import Replicates

NOT_LOOKED_FOR = "no films in which the finding was looked for"
NEVER_ABSENT = "no films in which the finding was looked for and absent"
NO_NORMAL = "no normal films"


@dataclass(frozen=True, slots=True, eq=False)
class Rate:
    """A ratio of counts, film by film.

    Attributes:
        films: the F films.
        above: (F,) int64 counts above the line.
        below: (F,) int64 counts below the line.
        nothing: why the rate is undefined where nothing is below the line.
        largest: upper end of the scale; None where more than one may be counted above the line for each below.
    """

    films: tuple[str, ...]
    above: NDArray[np.int64]
    below: NDArray[np.int64]
    nothing: str
    largest: float | None = 1.0

    def metric(self) -> Metric:
        """Return the ratio of the two sums with both of them, without an interval."""
        return ratio(int(self.above.sum()), int(self.below.sum()), nothing=self.nothing)

    def estimate(self, replicates: Replicates, level: float) -> Metric:
        """Return the ratio with its patient-level interval.

        Raises:
            KeyError: a film that was not part of the resampling.
        """
        metric = self.metric()
        if metric.value is None:
            return metric
        values = replicated_ratio(self.above, self.below, replicates.of(self.films))
        patients = replicates.patients_with(self.films, self.below > 0)
        return metric.with_interval(bounded_interval(values, level, patients, self.largest))


def sensitivity(counts: Sequence[OperatingCounts]) -> Rate:
    """Return truth boxes that a mark of their finding hit / truth boxes.

    >>> from validation.metrics.froc import OperatingCounts
    >>> found = OperatingCounts(("a", "b"), np.array([2, 0]), np.array([1, 0]), np.array([0, 3]))
    >>> sensitivity([found]).metric().value, specificity([found]).metric().value, false_positives_per_film([found]).metric().value
    (0.5, 0.0, 1.5)
    """
    films = _films(counts)
    return Rate(films, _sum(films, counts, attrgetter("hits")), _sum(films, counts, attrgetter("truths")), NO_TRUTH)


def film_sensitivity(counts: Sequence[OperatingCounts]) -> Rate:
    """Return films with at least one hit truth box / films with at least one truth box."""
    films = _films(counts)
    hit, positive = _sum(films, counts, attrgetter("hits")) > 0, _sum(films, counts, attrgetter("truths")) > 0
    return Rate(films, hit.astype(np.int64), positive.astype(np.int64), "no films with a truth box")


def specificity(counts: Sequence[OperatingCounts]) -> Rate:
    """Return pairs of film and finding looked for, absent and without a mark / pairs looked for and absent; for one finding, pairs are films."""
    films = _films(counts)
    return Rate(films, _sum(films, counts, _clean), _sum(films, counts, _absent), NEVER_ABSENT)


def film_specificity(counts: Sequence[OperatingCounts], normal: frozenset[str]) -> Rate:
    """Return normal films without any mark / normal films.

    Args:
        counts: one operating point per finding.
        normal: films in which every evaluated finding was looked for and absent.
    """
    films = _films(counts)
    inside = _inside(films, normal)
    unmarked = _sum(films, counts, attrgetter("false_positives")) == 0
    return Rate(films, inside * unmarked, inside, NO_NORMAL)


def false_positives_per_film(counts: Sequence[OperatingCounts]) -> Rate:
    """Return marks of the given findings that hit no truth box / films in which at least one of the findings was looked for."""
    films = _films(counts)
    return Rate(
        films, _sum(films, counts, attrgetter("false_positives")), np.ones(len(films), dtype=np.int64), NOT_LOOKED_FOR, None
    )


def false_positives_per_normal_film(counts: Sequence[OperatingCounts], normal: frozenset[str]) -> Rate:
    """Return marks of the given findings on normal films / normal films; arguments as for `film_specificity`."""
    films = _films(counts)
    inside = _inside(films, normal)
    return Rate(films, inside * _sum(films, counts, attrgetter("false_positives")), inside, NO_NORMAL, None)


def _films(counts: Sequence[OperatingCounts]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(film for count in counts for film in count.films))


def _inside(films: tuple[str, ...], chosen: frozenset[str]) -> NDArray[np.int64]:
    return np.array([film in chosen for film in films], dtype=np.int64)


def _sum(
    films: tuple[str, ...], counts: Sequence[OperatingCounts], part: Callable[[OperatingCounts], NDArray[np.int64]]
) -> NDArray[np.int64]:
    """Return the sum over findings of one per-film count, by the films' common order."""
    place = {film: index for index, film in enumerate(films)}
    total = np.zeros(len(films), dtype=np.int64)
    for count in counts:
        total[[place[film] for film in count.films]] += part(count)
    return total


def _absent(counts: OperatingCounts) -> NDArray[np.int64]:
    return np.asarray(counts.truths == 0, dtype=np.int64)


def _clean(counts: OperatingCounts) -> NDArray[np.int64]:
    return np.asarray((counts.truths == 0) & (counts.false_positives == 0), dtype=np.int64)
