"""Estimates of risk and what the policy says about them: the cell of the matrix, the estimate before controls, and the best that controls add up to.

P1 = 1 holds by construction: the file has no place for the probability that software fails, so ``probability`` is P2 alone. Where P2 cannot be estimated
either, the key is left out and the policy's level counts.

Source: ISO 14971:2019 5.5, 6, 7.3; ISO/TR 24971:2020 5.5.3 (P1 = 1); IEC 62304 B.4.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from risk.model import LEVELS, Acceptability, ControlKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from risk.model import Arising, Control, Policy, Situation


@dataclass(frozen=True, slots=True)
class Estimate:
    """A severity and a probability level, each 1 to 5."""

    severity: int
    probability: int

    def __post_init__(self) -> None:
        """Refuse a level outside the scales."""
        if self.severity not in LEVELS or self.probability not in LEVELS:
            raise ValueError(f"levels must lie in 1 to 5, got S{self.severity} P{self.probability}")

    def __str__(self) -> str:
        """Return the levels as the file writes them.

        >>> str(Estimate(4, 2))
        'S4 P2'
        """
        return f"S{self.severity} P{self.probability}"

    def covers(self, other: Estimate) -> bool:
        """Say whether neither level is below the other's.

        >>> Estimate(4, 2).covers(Estimate(3, 2)), Estimate(4, 2).covers(Estimate(3, 3))
        (True, False)
        """
        return self.severity >= other.severity and self.probability >= other.probability


def acceptability(policy: Policy, estimate: Estimate) -> Acceptability:
    """Return the cell of the policy's matrix for an estimate (ISO 14971 clause 6)."""
    return policy.matrix[estimate.severity - 1][estimate.probability - 1]


def before_controls(policy: Policy, situation: Situation) -> Estimate:
    """Return the estimate of a situation without any control; a probability that cannot be estimated is the policy's level for it (ISO 14971 5.5)."""
    probability = policy.unknown_probability if situation.probability is None else situation.probability
    return Estimate(situation.severity, probability)


def claimed(situation: Situation) -> Estimate:
    """Return the residual that the file states for a situation."""
    return Estimate(situation.residual_severity, situation.residual_probability)


def arising_estimate(arising: Arising) -> Estimate | None:
    """Return the estimate of a risk that a control brings, or None where it has none by itself."""
    if arising.severity is None or arising.probability is None:
        return None
    return Estimate(arising.severity, arising.probability)


def supported(policy: Policy, situation: Situation, controls: Iterable[Control]) -> Estimate:
    """Return the best residual that the claims of these controls add up to.

    Probability falls by the sum of the steps of all controls by design and protection, and by at most ``policy.information_steps`` for all information
    controls together; with fewer than two controls by design or protection it falls no further than ``policy.single_control_probability``.
    Severity falls by the largest claim. Neither falls below 1 nor rises above the level before controls.
    """
    before = before_controls(policy, situation)
    named = tuple(controls)
    acting = [control for control in named if control.kind is not ControlKind.INFORMATION]
    informing = [control for control in named if control.kind is ControlKind.INFORMATION]
    steps = sum(control.probability_steps for control in acting)
    steps += min(policy.information_steps, sum(control.probability_steps for control in informing))
    floor = LEVELS[0] if len(acting) > 1 else policy.single_control_probability
    probability = min(before.probability, max(before.probability - steps, floor))
    severity = max(before.severity - max((control.severity_steps for control in acting), default=0), LEVELS[0])
    return Estimate(severity, probability)


def with_controls(policy: Policy, situation: Situation, controls: Iterable[Control]) -> Estimate:
    """Return the residual: the claimed one, or the one that these controls support, whichever level is worse (ISO 14971 7.3)."""
    best = supported(policy, situation, controls)
    return Estimate(max(situation.residual_severity, best.severity), max(situation.residual_probability, best.probability))


def worse(policy: Policy, one: Estimate, other: Estimate) -> bool:
    """Say whether a risk is worse than another: less acceptable, or as acceptable with no level below the other's and one above it."""
    difference = acceptability(policy, one) - acceptability(policy, other)
    return difference > 0 or (difference == Acceptability.ACCEPTABLE and one != other and one.covers(other))
