"""How many studies the locked cohort needs: computed from the protocol's planning values, so that the number stands nowhere and cannot be wished for.

An endpoint with threshold t is met when the end of its interval that faces t lies beyond it. If the true value is a and the standard deviation of one study's
contribution s, the estimate from n studies is about normal with standard deviation s / sqrt(n), and the endpoint is met with power 1 - b when

    n >= ((z(1 - alpha/2) + z(1 - b)) * s / |a - t|)^2          alpha = 1 - level

All k primary endpoints have to be met together with the planned power, so each is planned with 1 - (1 - power) / k (Bonferroni on the risk of missing one). The
smallest subgroup that is to be evaluated has to hold the protocol's minimum number of patients with the same power; its number is binomial.

Source: Chow, Shao, Wang, Lokhnygina, "Sample Size Calculations in Clinical Research", 3rd ed., 2018, 3.1 and 4.1 (test against a fixed value); Obuchowski,
"Sample size calculations in studies of test accuracy", Stat Methods Med Res 7, 1998 (clustered units: variance inflation).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, lgamma, log, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from validation.errors import ValidationError
from validation.protocol import REPAIR

if TYPE_CHECKING:
    from validation.protocol import Endpoint, PlanningValue, Protocol

MOST_STUDIES = 1_000_000
"""A plan that needs more than this cannot be carried out and is an error."""


@dataclass(frozen=True, slots=True)
class Need:
    """The studies that one thing needs, and in words from which values the number follows."""

    what: str
    studies: int
    because: str


@dataclass(frozen=True, slots=True)
class Rationale:
    """All needs of a protocol, beside what it plans.

    Attributes:
        needs: one for each primary endpoint of the locked set, and one for the smallest subgroup.
        planned: studies of the locked cohort.
    """

    needs: tuple[Need, ...]
    planned: int

    @property
    def required(self) -> int:
        """The largest of the needs."""
        return max(need.studies for need in self.needs)

    def __bool__(self) -> bool:
        """Say whether enough studies are planned."""
        return self.planned >= self.required

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        needs = [{"what": need.what, "studies": need.studies, "because": need.because} for need in self.needs]
        return {"needs": needs, "required": self.required, "planned": self.planned}


def rationale(protocol: Protocol) -> Rationale:
    """Return what the protocol's planning values ask for.

    Raises:
        ValidationError: ``VAL-SAMPLE-SIZE``, a planning value at which its endpoint would not be met by any number of studies.
    """
    plan, endpoints = protocol.sample_size, {endpoint.id: endpoint for endpoint in protocol.locked_set.primary}
    power = 1 - (1 - plan.power) / len(endpoints)
    needs = [_endpoint_need(endpoints[value.id], value, protocol.level, power) for value in plan.endpoints]
    fewest = for_subgroup(protocol.subgroups.minimum_n, plan.smallest_subgroup, plan.power)
    because = f"{protocol.subgroups.minimum_n} patients in a part of {plan.smallest_subgroup:g} with probability {plan.power:g}"
    return Rationale((*needs, Need("smallest subgroup", fewest, because)), protocol.locked.studies)


def _endpoint_need(endpoint: Endpoint, value: PlanningValue, level: float, power: float) -> Need:
    away = endpoint.threshold - value.assumed if endpoint.direction == "at-most" else value.assumed - endpoint.threshold
    deviation = spread(value, level)
    studies = for_endpoint(deviation, away, level, power) if away > 0 else MOST_STUDIES
    if studies >= MOST_STUDIES:
        raise ValidationError(
            "VAL-SAMPLE-SIZE",
            where=f"protocol.toml $.sample_size, {value.id}",
            found=f"an assumed value of {value.assumed:g} for a threshold {endpoint.direction} {endpoint.threshold:g}",
            expected="a value at which the endpoint is met with some margin",
            repair=REPAIR,
        )
    because = (
        f"assumed {value.assumed:g}, goal {endpoint.direction.replace('-', ' ')} {endpoint.threshold:g}, one study's standard deviation {deviation:.4f}"
        f" ({value.model}), level {level:g}, power {power:.4g}"
    )
    return Need(endpoint.id, studies, because)


def spread(value: PlanningValue, level: float) -> float:
    """Return the standard deviation of one study's contribution to an endpoint's figure.

    ``scaled``: pilot half width / z * sqrt(pilot studies); ``proportion``: sqrt(inflation * p (1 - p) / boxes per study); ``count``: sqrt(inflation * rate).

    >>> from validation.protocol import PlanningValue
    >>> round(spread(PlanningValue("s", "proportion", 0.9, per_study=1.0, inflation=1.0), 0.95), 6)
    0.3
    >>> round(spread(PlanningValue("a", "scaled", 0.9, pilot_half_width=0.0196, pilot_studies=100), 0.95), 3)
    0.1
    """
    inflation = value.inflation or 1.0
    if value.model == "proportion":
        return sqrt(inflation * value.assumed * (1 - value.assumed) / (value.per_study or 1.0))
    if value.model == "count":
        return sqrt(inflation * value.assumed)
    return (value.pilot_half_width or 0.0) / _z((1 + level) / 2) * sqrt(value.pilot_studies or 0)


def for_endpoint(deviation: float, away: float, level: float, power: float) -> int:
    """Return the studies with which an endpoint is met with a power, if the true value lies ``away`` from its threshold.

    >>> for_endpoint(0.5, 0.1, 0.95, 0.8)
    197
    """
    return ceil(((_z((1 + level) / 2) + _z(power)) * deviation / away) ** 2)


def for_subgroup(minimum: int, share: float, power: float) -> int:
    """Return the fewest studies with which a part of the cohort holds at least ``minimum`` patients with probability ``power``; exact binomial.

    >>> for_subgroup(1, 0.5, 0.75)
    2
    """
    low, high = minimum, MOST_STUDIES
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _at_least(minimum, middle, share) >= power else (middle + 1, high)
    return low


def _at_least(minimum: int, studies: int, share: float) -> float:
    """Return the probability of at least ``minimum`` successes."""
    whole = lgamma(studies + 1)
    fewer = (
        whole - lgamma(k + 1) - lgamma(studies - k + 1) + k * log(share) + (studies - k) * log(1 - share) for k in range(minimum)
    )
    return 1 - sum(exp(each) for each in fewer)


def _z(probability: float) -> float:
    return NormalDist().inv_cdf(probability)
