"""The statistics of a control chart: limits of a share, its interval, and two distributions held against each other.

    limits of a share:  p +- 3 sqrt(p (1 - p) (1 / n + 1 / m))     p of the baseline's m films, n films of one window or of several

The baseline's share comes from a number of films, too; without 1 / m a window would be called outside more often than the 0.27 % of the normal curve.

Source: Shewhart, Economic Control of Quality of Manufactured Product, 1931 (limits of three standard deviations); Clopper & Pearson, Biometrika 26(4), 1934
(exact interval of a share); Smirnov, Annals of Mathematical Statistics 19(2), 1948 (two samples).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binomtest, ks_2samp

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.95
"""Coverage of the exact interval."""

TOGETHER = 7
"""Windows in a row that are held against the baseline together, for a shift that is too small to show in one."""

FALSE_ALARM = 0.0027
"""Chance of a value beyond three standard deviations of a normal curve, on both sides together: the level of the test of two distributions."""


def control_limits(share: float, films: int, known: int) -> tuple[float, float]:
    """Return the limits of a share, cut off at 0 and 1. A share of 0 or 1 has no width: every exception to it is looked at.

    Args:
        share: of the baseline.
        films: of the window, or of the windows together.
        known: films of the baseline.

    >>> [round(limit, 4) for limit in control_limits(0.05, 500, 2000)]
    [0.0173, 0.0827]
    >>> control_limits(0.0, 500, 2000)
    (0.0, 0.0)
    """
    width = 3.0 * sqrt(share * (1.0 - share) * (1.0 / films + 1.0 / known))
    return max(0.0, share - width), min(1.0, share + width)


def exact_interval(count: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of independent films by the binomial distribution.

    >>> [round(end, 4) for end in exact_interval(3, 500)]
    [0.0012, 0.0174]
    """
    found = binomtest(count, of).proportion_ci(LEVEL, method="exact")
    return float(found.low), float(found.high)


@dataclass(frozen=True, slots=True)
class Quartiles:
    """Lower quartile, median and upper quartile."""

    lower: float
    median: float
    upper: float


def quartiles(values: Sequence[float]) -> Quartiles:
    """Return the quartiles by linear interpolation between ordered values.

    >>> quartiles([1.0, 2.0, 3.0, 4.0, 5.0])
    Quartiles(lower=2.0, median=3.0, upper=4.0)
    """
    lower, median, upper = np.quantile(np.asarray(values, dtype=np.float64), (0.25, 0.5, 0.75))
    return Quartiles(float(lower), float(median), float(upper))


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two samples lie apart: the largest difference of their cumulated shares, and how often chance alone gives one as large."""

    distance: float
    chance: float


def difference(sample: Sequence[float], reference: Sequence[float]) -> Difference:
    """Return the two-sample Kolmogorov-Smirnov distance, and its chance where both samples come from one distribution.

    The values of a sample must be independent of each other, so one value a film. One value against one says nothing.

    >>> difference([0.1, 0.2, 0.3], [0.1, 0.2, 0.3])
    Difference(distance=0.0, chance=1.0)
    """
    if max(len(sample), len(reference)) == 1:
        return Difference(float(sample[0] != reference[0]), 1.0)
    found = ks_2samp(sample, reference, method="asymp")
    return Difference(float(found.statistic), float(found.pvalue))
