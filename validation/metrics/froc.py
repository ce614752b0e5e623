"""Free-response ROC: sensitivity against false positives per film, and the counts at one operating point.

A threshold keeps every detection with score >= threshold, so only the ends of runs of equal scores are operating points that exist. At each,

    sensitivity = hits / truth boxes        false positives per film = unmatched detections / films in which the finding was looked for

The sensitivity at a rate r is the largest one at an operating point with at most r false positives per film, without interpolation, and 0 where there
is none. CPM, the competition performance metric, is the mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per film.

Source: Chakraborty, "Maximum likelihood analysis of free-response receiver operating characteristic (FROC) data", Med Phys 16(4), 1989;
Niemeijer et al., "On combining computer-aided detection systems", IEEE TMI 30(2), 2011 (CPM). LUNA16 interpolates between points; this does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from validation.metrics.average_precision import NO_TRUTH
from validation.metrics.result import Metric, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from validation.metrics.matching import FindingMatches

CPM_RATES: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True, eq=False)
class FrocCurve:
    """The operating points of one finding, from the strictest threshold to the laxest.

    Attributes:
        thresholds: (K,) float64, falling.
        hits: (K,) int64 truth boxes hit by detections from the threshold on, rising.
        false_positives: (K,) int64 detections from the threshold on that hit none, rising.
        truths: truth boxes, at least one.
        films: films in which the finding was looked for, at least one.
    """

    thresholds: NDArray[np.float64]
    hits: NDArray[np.int64]
    false_positives: NDArray[np.int64]
    truths: int
    films: int

    @property
    def sensitivity(self) -> NDArray[np.float64]:
        """(K,) hits / truth boxes, in [0, 1]."""
        return self.hits / self.truths

    @property
    def false_positives_per_film(self) -> NDArray[np.float64]:
        """(K,) false positives / films."""
        return self.false_positives / self.films


@dataclass(frozen=True, slots=True, eq=False)
class OperatingCounts:
    """Integer counts per film at one threshold, from which every figure at the operating point is a ratio of sums.

    Attributes:
        films: the F films, in the order of the matching.
        truths: (F,) truth boxes.
        hits: (F,) truth boxes that a kept detection took.
        false_positives: (F,) kept detections that took none.
    """

    films: tuple[str, ...]
    truths: NDArray[np.int64]
    hits: NDArray[np.int64]
    false_positives: NDArray[np.int64]


def curve(matches: FindingMatches, iou: float = 0.5) -> FrocCurve | None:
    """Return the FROC curve, or None where there is no truth box or no film."""
    if matches.truth_count == 0:
        return None
    hits = matches.hits_at(iou)
    ends = _ends_of_ties(matches.scores)
    return FrocCurve(
        thresholds=matches.scores[ends],
        hits=np.cumsum(hits, dtype=np.int64)[ends],
        false_positives=np.cumsum(~hits, dtype=np.int64)[ends],
        truths=matches.truth_count,
        films=len(matches.films),
    )


def _ends_of_ties(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the last index of every run of equal scores.

    >>> _ends_of_ties(np.array([0.9, 0.5, 0.5, 0.1])).tolist()
    [0, 2, 3]
    """
    return np.flatnonzero(np.diff(scores, append=-1.0))


def sensitivity_at(matches: FindingMatches, rate: float, iou: float = 0.5) -> Metric:
    """Return the sensitivity at a number of false positives per film, with its counts."""
    if matches.truth_count == 0:
        return Metric.undefined(NO_TRUTH, denominator=0)
    ones = np.ones((1, len(matches.films)), dtype=np.int64)
    found = round(float(replicated_sensitivity(matches, (rate,), iou, ones)[0, 0]) * matches.truth_count)
    return ratio(found, matches.truth_count, nothing=NO_TRUTH)


def cpm(matches: FindingMatches, iou: float = 0.5, rates: Sequence[float] = CPM_RATES) -> Metric:
    """Return the mean sensitivity at the seven rates."""
    if matches.truth_count == 0:
        return Metric.undefined(NO_TRUTH, denominator=0)
    ones = np.ones((1, len(matches.films)), dtype=np.int64)
    return Metric(float(replicated_sensitivity(matches, rates, iou, ones)[0].mean()), denominator=matches.truth_count)


def replicated_sensitivity(
    matches: FindingMatches, rates: Sequence[float], iou: float, weights: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the sensitivity at each rate for each resample, NaN where a resample holds no truth box.

    Args:
        matches: the matching of one finding over F films.
        rates: false positives per film.
        iou: threshold of the matching.
        weights: (R, F) how often each film counts in each resample.

    Returns:
        (R, rates) float64 in [0, 1] or NaN.
    """
    hits = matches.hits_at(iou)
    limits = np.outer(weights.sum(axis=1), np.asarray(rates, dtype=np.float64))
    ends = _ends_of_ties(matches.scores)
    found = np.empty(limits.shape, dtype=np.float64)
    for row, (weight, limit) in enumerate(zip(weights, limits, strict=True)):
        counted = weight[matches.film]
        true = np.cumsum(counted * hits)[ends]
        false = np.cumsum(counted)[ends] - true
        found[row] = np.concatenate([[0], true])[np.searchsorted(false, limit, side="right")]
    positives = (weights @ matches.truths).astype(np.float64)[:, None]
    return np.divide(found, positives, out=np.full_like(found, np.nan), where=positives > 0)


def at_threshold(matches: FindingMatches, threshold: float, iou: float = 0.5) -> OperatingCounts:
    """Count hits and false positives per film among detections with score >= threshold."""
    kept = matches.scores >= threshold
    hits = matches.hits_at(iou)
    films = len(matches.films)
    return OperatingCounts(
        films=matches.films,
        truths=matches.truths,
        hits=np.bincount(matches.film[kept & hits], minlength=films).astype(np.int64),
        false_positives=np.bincount(matches.film[kept & ~hits], minlength=films).astype(np.int64),
    )
