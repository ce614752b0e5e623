"""Judges endpoints: a criterion's result is evidence with value, interval, threshold and margin, not a boolean.

An undefined figure, or one without the interval that the endpoint asks for, never passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from validation.errors import ValidationError
from validation.protocol import REPAIR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validation.metrics.result import Interval, Metric
    from validation.protocol import Endpoint, EndpointSet


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """How one endpoint came out.

    Attributes:
        endpoint: what was judged.
        value: point estimate, None where undefined.
        interval: its interval, where there is one.
        n: truth boxes, films or patients behind it, as the figure counts them; None where it does not.
        margin: distance of the compared number from the threshold, positive on the passing side; None where nothing could be compared.
        passed: whether the criterion holds.
        reason: why it could not be judged; None where it was.
    """

    endpoint: Endpoint
    value: float | None
    interval: Interval | None
    n: int | None
    margin: float | None
    passed: bool
    reason: str | None

    def __bool__(self) -> bool:
        """Say whether the criterion holds."""
        return self.passed

    @property
    def threshold(self) -> float:
        """The endpoint's threshold."""
        return self.endpoint.threshold

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        named = ("id", "title", "metric", "direction", "threshold", "bound", "requirement", "primary")
        own = {"value": self.value, "n": self.n, "margin": self.margin, "passed": self.passed, "reason": self.reason}
        return (
            {name: getattr(self.endpoint, name) for name in named}
            | own
            | {"interval": self.interval.to_json() if self.interval else None}
        )


def judge(endpoint: Endpoint, metric: Metric) -> CriterionResult:
    """Compare a figure with its threshold.

    >>> from validation.metrics.result import Metric
    >>> from validation.protocol import Endpoint
    >>> goal = Endpoint("e", "t", "ap50.macro", "at-least", 0.65, "point", "SRS-039", True)
    >>> result = judge(goal, Metric(0.75))
    >>> bool(result), round(result.margin, 6)
    (True, 0.1)
    >>> judge(goal, Metric.undefined("no truth boxes")).reason
    'undefined: no truth boxes'
    """
    compared, reason = _compared(endpoint, metric)
    margin = (
        None
        if compared is None
        else (endpoint.threshold - compared if endpoint.direction == "at-most" else compared - endpoint.threshold)
    )
    passed = margin is not None and (margin > 0 if endpoint.direction == "above" else margin >= 0)
    return CriterionResult(endpoint, metric.value, metric.interval, metric.denominator, margin, passed, reason)


def _compared(endpoint: Endpoint, metric: Metric) -> tuple[float | None, str | None]:
    if metric.value is None:
        return None, f"undefined: {metric.reason}"
    if endpoint.bound == "point":
        return metric.value, None
    if metric.interval is None:
        return None, f"no interval: {metric.interval_reason or 'none was computed'}"
    return (metric.interval.low if endpoint.bound == "lower" else metric.interval.high), None


def judge_all(endpoints: EndpointSet, figures: Mapping[str, Metric]) -> list[CriterionResult]:
    """Judge every endpoint of a set.

    Raises:
        ValidationError: ``VAL-PROTOCOL``, an endpoint names a figure that is not computed.
    """
    unknown = [endpoint.metric for endpoint in endpoints.endpoints if endpoint.metric not in figures]
    if unknown:
        raise ValidationError(
            "VAL-PROTOCOL",
            where="protocol.toml",
            found=f"unknown figure {', '.join(unknown)}",
            expected=f"one of {', '.join(sorted(figures))}",
            repair=REPAIR,
        )
    return [judge(endpoint, figures[endpoint.metric]) for endpoint in endpoints.endpoints]
