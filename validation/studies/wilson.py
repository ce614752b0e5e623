"""A share of independent films with its interval, where every film is another patient and resampling would say no more than a formula.

Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22(158), 1927.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from validation.metrics.result import Interval, Metric, ratio


def share(count: int, of: int, *, nothing: str, level: float = 0.95) -> Metric:
    """Return ``count / of`` with its Wilson interval, undefined with the reason ``nothing`` where ``of`` is 0.

    >>> found = share(0, 80, nothing="no films")
    >>> found.value, round(found.interval.low, 4), round(found.interval.high, 4)
    (0.0, 0.0, 0.0458)
    """
    metric = ratio(count, of, nothing=nothing)
    if metric.value is None:
        return metric
    z, p = NormalDist().inv_cdf((1 + level) / 2), metric.value
    centre, half = p + z * z / (2 * of), z * sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    low, high = (centre - half) / (1 + z * z / of), (centre + half) / (1 + z * z / of)
    return metric.with_interval(Interval(max(0.0, min(low, p)), min(1.0, max(high, p)), level, 0))
