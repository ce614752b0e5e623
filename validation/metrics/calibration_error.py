"""How far a score is from the share of boxes that are right at that score: reliability in bins, and its error.

Candidates lie in K equal bins of score, the last one closed. With n_b candidates, mean score s_b and share right r_b in bin b, and n in all,

    D-ECE = sum over b of  n_b / n * |s_b - r_b|

that is the detection expected calibration error by confidence alone. It is undefined without a candidate. A detector that says the same score for
every box can have D-ECE 0; it says nothing about how well right and wrong are told apart.

Source: Küppers et al., "Multivariate Confidence Calibration for Object Detection", CVPR workshops 2020 (arXiv:2004.13546).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from validation.metrics.result import Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 10
NO_CANDIDATES = "no candidates"


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """One bin of scores.

    Attributes:
        low: lower edge of the score.
        high: upper edge.
        candidates: boxes in the bin.
        right: those that took a true box.
        mean_score: mean score, None in an empty bin.
    """

    low: float
    high: float
    candidates: int
    right: int
    mean_score: float | None

    @property
    def share_right(self) -> float | None:
        """Share of boxes that are right, None in an empty bin."""
        return self.right / self.candidates if self.candidates else None


def reliability(scores: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Return the bins of (n,) scores in [0, 1] and (n,) whether each is right."""
    place = _place(scores, bins)
    counts = np.bincount(place, minlength=bins)
    hits = np.bincount(place, weights=right, minlength=bins)
    sums = np.bincount(place, weights=scores, minlength=bins)
    return tuple(
        ReliabilityBin(n / bins, (n + 1) / bins, int(counts[n]), int(hits[n]), float(sums[n] / counts[n]) if counts[n] else None)
        for n in range(bins)
    )


def d_ece(scores: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BINS) -> Metric:
    """Return the detection expected calibration error.

    >>> d_ece(np.array([0.25, 0.25, 0.75, 0.75]), np.array([False, False, True, True])).value
    0.25
    """
    if not len(scores):
        return Metric.undefined(NO_CANDIDATES, denominator=0)
    ones = np.ones((1, len(scores)), dtype=np.int64)
    return Metric(float(replicated_d_ece(scores, right, ones, bins)[0]), denominator=len(scores))


def replicated_d_ece(
    scores: NDArray[np.float64], right: NDArray[np.bool_], weights: NDArray[np.int64], bins: int = BINS
) -> NDArray[np.float64]:
    """Return the error of each resample, NaN where a resample holds no candidate.

    Args:
        scores: (n,) in [0, 1].
        right: (n,) whether each candidate took a true box.
        weights: (R, n) how often each candidate counts in each resample.
        bins: K.
    """
    place = _place(scores, bins)
    gap = np.zeros((len(scores), bins), dtype=np.float64)
    gap[np.arange(len(scores)), place] = scores - right
    total = weights.sum(axis=1).astype(np.float64)
    off = np.abs(weights.astype(np.float64) @ gap).sum(axis=1)
    return np.divide(off, total, out=np.full_like(off, np.nan), where=total > 0)


def _place(scores: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    return np.clip((np.asarray(scores, dtype=np.float64) * bins).astype(np.int64), 0, bins - 1)
