"""What a metric returns: a value or the reason why there is none, the counts it comes from, and its interval.

A 0/0 is never 0.0 here. A reader who finds `value is None` finds the reason beside it; a criterion on an undefined metric does not pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval.

    Attributes:
        low: lower end.
        high: upper end.
        level: nominal coverage, for example 0.95.
        replicates: bootstrap replicates in which the metric was defined.
        undefined: bootstrap replicates in which it was not, left out.
        method: how it was formed, where that is not the percentile bootstrap.
    """

    low: float
    high: float
    level: float
    replicates: int
    undefined: int = 0
    method: str | None = None

    def __post_init__(self) -> None:
        """Refuse an inverted or non-finite interval."""
        if not (isfinite(self.low) and isfinite(self.high) and self.low <= self.high):
            raise ValueError(f"interval must be finite with low <= high, got {self.low} and {self.high}")

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON; the method only where it is not the percentile bootstrap."""
        found = {
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "replicates": self.replicates,
            "undefined_replicates": self.undefined,
        }
        return found | ({"method": self.method} if self.method else {})


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure, or the reason why it is undefined.

    Attributes:
        value: the figure, finite, or None.
        reason: why the value is None; None otherwise.
        numerator: integer count above the line, where the metric is a ratio of counts.
        denominator: integer count below the line; for an average precision, the truth boxes it rests on.
        interval: patient-level interval, where one was computed.
        interval_reason: why there is no interval although one was asked for.

    >>> Metric(0.5, numerator=1, denominator=2).value
    0.5
    >>> Metric.undefined("no truth boxes").reason
    'no truth boxes'
    """

    value: float | None
    reason: str | None = None
    numerator: int | None = None
    denominator: int | None = None
    interval: Interval | None = None
    interval_reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse a value that is not finite, a missing reason and a superfluous one."""
        if self.value is None and not self.reason:
            raise ValueError("an undefined metric needs a reason")
        if self.value is not None and not isfinite(self.value):
            raise ValueError(f"a metric must be finite or None, got {self.value}")
        if self.value is not None and self.reason is not None:
            raise ValueError("a defined metric has no reason for being undefined")

    @classmethod
    def undefined(cls, reason: str, *, denominator: int | None = None) -> Metric:
        """Return a metric without a value, and say why."""
        return cls(None, reason=reason, denominator=denominator)

    def with_interval(self, interval: Interval | str) -> Metric:
        """Return the same metric with its interval, or with the reason why it has none."""
        if isinstance(interval, str):
            return replace(self, interval=None, interval_reason=interval)
        return replace(self, interval=interval, interval_reason=None)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON; a count or an interval that was never computed is left out."""
        found: dict[str, Any] = {"value": self.value}
        optional = {
            "reason": self.reason,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "interval": self.interval.to_json() if self.interval else None,
            "interval_reason": self.interval_reason,
        }
        return found | {name: value for name, value in optional.items() if value is not None}


def ratio(numerator: int, denominator: int, *, nothing: str) -> Metric:
    """Return ``numerator / denominator``, undefined with the reason ``nothing`` where the denominator is 0.

    >>> ratio(1, 4, nothing="no films").value
    0.25
    >>> ratio(0, 0, nothing="no films")
    Metric(value=None, reason='no films', numerator=None, denominator=0, interval=None, interval_reason=None)
    """
    if denominator == 0:
        return Metric.undefined(nothing, denominator=0)
    return Metric(numerator / denominator, numerator=numerator, denominator=denominator)


def macro(metrics: Mapping[str, Metric]) -> Metric:
    """Return the unweighted mean over the named metrics, undefined as soon as one of them is.

    A mean over "those that happen to be defined" would rise when the hardest finding loses its last truth box, so it is not offered under this name.

    >>> macro({"a": Metric(0.25), "b": Metric(0.75)}).value
    0.5
    >>> macro({"a": Metric(0.25), "b": Metric.undefined("no truth boxes")}).reason
    'undefined for b (no truth boxes)'
    """
    if not metrics:
        return Metric.undefined("no findings")
    missing = [f"{name} ({metric.reason})" for name, metric in metrics.items() if metric.value is None]
    if missing:
        return Metric.undefined(f"undefined for {', '.join(missing)}")
    values = [metric.value for metric in metrics.values() if metric.value is not None]
    return Metric(sum(values) / len(values))
