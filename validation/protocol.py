"""Reads protocol.toml and judges endpoints: a criterion's result is evidence with value, interval, threshold and margin, not a boolean.

An undefined figure, or one without the interval that the endpoint asks for, never passes.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from validation.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validation.metrics.result import Interval, Metric

SCHEMA = "thoratrace/protocol/1"
Direction = Literal["at-least", "above", "at-most"]
Bound = Literal["point", "lower", "upper"]
_REPAIR = "correct validation/protocol.toml"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that is judged.

    Attributes:
        id: stable name.
        title: in words.
        metric: name of the figure in the validation record, ``<figure>.<finding or macro>``.
        direction: ``at-least`` (>=), ``above`` (>) or ``at-most`` (<=) the threshold.
        threshold: fixed before the figure was known.
        bound: what is compared: the point estimate, or the lower or upper end of its interval.
        requirement: software requirement it is evidence for.
        primary: whether the set passes only with it.
    """

    id: str
    title: str
    metric: str
    direction: Direction
    threshold: float
    bound: Bound
    requirement: str
    primary: bool

    def __post_init__(self) -> None:
        """Refuse a direction or bound that does not exist."""
        if self.direction not in {"at-least", "above", "at-most"} or self.bound not in {"point", "lower", "upper"}:
            raise ValueError(f"endpoint {self.id} has direction {self.direction!r} and bound {self.bound!r}")


@dataclass(frozen=True, slots=True)
class EndpointSet:
    """The endpoints of a profile and budget, with what the figures are and what is claimed with them."""

    profile: str
    budgets: tuple[str, ...]
    films: str
    statement: str
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Protocol:
    """The whole protocol: analysis rules, subgroups and all endpoint sets."""

    version: str
    sha256: str
    iou: float
    level: float
    strata: tuple[str, ...]
    minimum_n: int
    multiplicity: str
    sets: tuple[EndpointSet, ...]

    def set_for(self, profile: str, budget: str) -> EndpointSet:
        """Return the endpoints of a run.

        Raises:
            ValidationError: ``VAL-PROTOCOL``, no endpoints were fixed for such a run.
        """
        for candidate in self.sets:
            if candidate.profile == profile and budget in candidate.budgets:
                return candidate
        known = ", ".join(f"{entry.profile}/{budget_}" for entry in self.sets for budget_ in entry.budgets)
        raise ValidationError(
            "VAL-PROTOCOL",
            where="protocol.toml",
            found=f"no endpoints for {profile}/{budget}",
            expected=known,
            repair="add a set before the run",
        )


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
            repair=_REPAIR,
        )
    return [judge(endpoint, figures[endpoint.metric]) for endpoint in endpoints.endpoints]


def load(text: str | None = None) -> Protocol:
    """Read the protocol that lies beside this module, or a given text.

    Raises:
        ValidationError: ``VAL-PROTOCOL``, the text is not TOML of the schema.
    """
    source = files("validation").joinpath("protocol.toml").read_text(encoding="utf-8") if text is None else text
    try:
        return _protocol(tomllib.loads(source), hashlib.sha256(source.encode()).hexdigest())
    except (KeyError, TypeError, ValueError) as error:
        raise ValidationError(
            "VAL-PROTOCOL",
            where="protocol.toml",
            found=f"{type(error).__name__}: {error}",
            expected=f"TOML of {SCHEMA}",
            repair=_REPAIR,
        ) from error


def _protocol(value: dict[str, Any], sha256: str) -> Protocol:
    if value["schema"] != SCHEMA:
        raise ValueError(f"schema {value['schema']!r}")
    analysis, subgroups = value["analysis"], value["subgroups"]
    return Protocol(
        version=value["version"],
        sha256=sha256,
        iou=analysis["iou"],
        level=analysis["level"],
        strata=tuple(subgroups["strata"]),
        minimum_n=subgroups["minimum_n"],
        multiplicity=subgroups["multiplicity"],
        sets=tuple(_set(entry) for entry in value["set"]),
    )


def _set(value: dict[str, Any]) -> EndpointSet:
    fields = {name: value[name] for name in ("profile", "films", "statement")}
    return EndpointSet(
        **fields, budgets=tuple(value["budgets"]), endpoints=tuple(Endpoint(**entry) for entry in value["endpoint"])
    )
