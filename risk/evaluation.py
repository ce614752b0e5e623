"""Computes what the risk file never states: acceptability before and after controls, what each control still lacks, and the overall conclusion.

Everything here is pure. What was verified comes in as a set of ids (requirements and controls whose scenarios all passed in the build that is judged); a control
counts for a residual only when the requirements that implement it and its own effectiveness are in that set. ``None`` instead of the set judges the
claims alone and says so: such an evaluation never concludes that anything was shown.

Source: ISO 14971:2019 clauses 6, 7.1 to 7.6 and 8; ISO/TR 24971:2020 for P1 = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from risk.model import LEVELS, Acceptability, ControlKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from requirements_spec.model import ControlId, RequirementId, Specification
    from risk.model import Control, Policy, RiskFile, Situation, SituationId

BASELINE = "engineering baseline; not acceptable for clinical use"
"""The overall conclusion as long as a residual is unacceptable, a benefit is without clinical evidence, or a control is not shown."""

ACCEPTABLE = "acceptable according to the policy, subject to approval by the roles it names"
"""The overall conclusion when nothing stands against it (ISO 14971 8); people still have to approve it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A severity and a probability level, each 1 to 5."""

    severity: int
    probability: int

    def __post_init__(self) -> None:
        """Refuse a level outside the scales."""
        if self.severity not in LEVELS or self.probability not in LEVELS:
            raise ValueError(f"levels must lie in 1 to 5, got S{self.severity} P{self.probability}")


@dataclass(frozen=True, slots=True)
class ControlEvaluation:
    """One control, each duty judged by itself.

    ``implemented`` and ``effective`` are None without evidence (7.2: two verifications); ``missing`` are the tags whose scenarios have not passed.
    """

    id: ControlId
    kind: ControlKind
    requirements: tuple[RequirementId, ...]
    implemented: bool | None
    effective: bool | None
    missing: tuple[str, ...]
    arising_assessed: bool

    @property
    def counts(self) -> bool:
        """Whether the control may lower a residual: not shown to fail either verification."""
        return self.implemented is not False and self.effective is not False


@dataclass(frozen=True, slots=True)
class SituationEvaluation:
    """One hazardous situation before and after the controls that count."""

    id: SituationId
    initial: Estimate
    initial_acceptability: Acceptability
    residual: Estimate
    residual_acceptability: Acceptability
    controls: tuple[ControlId, ...]
    highest_option: ControlKind | None
    benefit_required: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The whole file judged: situations, controls, completeness (7.6), and the overall residual risk (8) with the reasons for the conclusion."""

    situations: tuple[SituationEvaluation, ...]
    controls: tuple[ControlEvaluation, ...]
    complete: bool
    evidence_considered: bool
    reasons: tuple[str, ...]
    conclusion: str


def acceptability(policy: Policy, estimate: Estimate) -> Acceptability:
    """Return the cell of the policy's matrix for an estimate (ISO 14971 clause 6)."""
    return policy.matrix[estimate.severity - 1][estimate.probability - 1]


def supported(policy: Policy, situation: Situation, controls: Iterable[Control]) -> Estimate:
    """Return the best residual that the claims of these controls add up to.

    Probability falls by the sum of the steps of all controls by design and protection, and by at most ``policy.information_steps`` for all information
    controls together; with fewer than two controls by design or protection it falls no further than ``policy.single_control_probability``.
    Severity falls by the largest claim. Neither falls below 1 nor rises above the level before controls.
    """
    acting = [control for control in controls if control.kind is not ControlKind.INFORMATION]
    informing = [control for control in controls if control.kind is ControlKind.INFORMATION]
    steps = sum(control.probability_steps for control in acting)
    steps += min(policy.information_steps, sum(control.probability_steps for control in informing))
    floor = LEVELS[0] if len(acting) > 1 else policy.single_control_probability
    probability = min(situation.probability, max(situation.probability - steps, floor))
    severity = max(situation.severity - max((control.severity_steps for control in acting), default=0), LEVELS[0])
    return Estimate(severity, probability)


def evaluate(risk: RiskFile, specification: Specification, passed: Collection[str] | None) -> Evaluation:
    """Judge the risk file.

    Args:
        risk: the file as loaded, without problems.
        specification: the requirements that its controls name.
        passed: ids (``SRS-001``, ``RC-001``) that have scenarios, all of which passed in the build that is judged; None for no evidence.

    Raises:
        ValueError: the file has no policy, so there are no criteria.
    """
    if risk.policy is None:
        raise ValueError("the risk file has no policy; repair risk/data/policy.toml first")
    known = {requirement.id for requirement in specification.requirements}
    controls = tuple(_control(control, known, passed) for control in risk.controls)
    counting = {control.id for control in controls if control.counts}
    situations = tuple(_situation(risk.policy, each, risk.controls_of(each.id), counting) for each in risk.situations)
    complete = _complete(risk, situations, controls)
    reasons = _reasons(risk.policy, situations, controls, complete=complete, evidence=passed is not None)
    return Evaluation(situations, controls, complete, passed is not None, reasons, BASELINE if reasons else ACCEPTABLE)


def _control(control: Control, known: Collection[str], passed: Collection[str] | None) -> ControlEvaluation:
    exist = bool(control.requirements) and all(each in known for each in control.requirements)
    tags = sorted({*control.requirements, *(each.removeprefix("@") for each in control.evidence)})
    missing = tuple(tag for tag in tags if passed is None or tag not in passed)
    implemented = effective = None if exist else False
    if passed is not None:
        implemented = exist and all(each in passed for each in control.requirements)
        effective = bool(control.evidence) and all(each.removeprefix("@") in passed for each in control.evidence)
    return ControlEvaluation(
        control.id, control.kind, control.requirements, implemented, effective, missing, bool(control.arising.assessment)
    )


def _situation(
    policy: Policy, situation: Situation, controls: tuple[Control, ...], counting: Collection[str]
) -> SituationEvaluation:
    """Judge a situation; its residual is the claimed one, or the one that the counting controls support where that is worse."""
    initial = Estimate(situation.severity, situation.probability)
    best = supported(policy, situation, [control for control in controls if control.id in counting])
    residual = Estimate(max(situation.residual_severity, best.severity), max(situation.residual_probability, best.probability))
    judged = acceptability(policy, residual)
    return SituationEvaluation(
        id=situation.id,
        initial=initial,
        initial_acceptability=acceptability(policy, initial),
        residual=residual,
        residual_acceptability=judged,
        controls=tuple(control.id for control in controls),
        highest_option=controls[0].kind if controls else None,
        benefit_required=judged is Acceptability.REDUCE,
    )


def _complete(risk: RiskFile, situations: tuple[SituationEvaluation, ...], controls: tuple[ControlEvaluation, ...]) -> bool:
    """Say whether every hazard has situations, every situation controls or an acceptable risk, and every control its 7.5 assessment (ISO 14971 7.6)."""
    handled = all(each.controls or each.initial_acceptability is Acceptability.ACCEPTABLE for each in situations)
    return handled and all(hazard.situations for hazard in risk.hazards) and all(control.arising_assessed for control in controls)


def _reasons(
    policy: Policy,
    situations: tuple[SituationEvaluation, ...],
    controls: tuple[ControlEvaluation, ...],
    *,
    complete: bool,
    evidence: bool,
) -> tuple[str, ...]:
    """Return everything that stands against calling the overall residual risk acceptable, in words."""
    unacceptable = [each.id for each in situations if each.residual_acceptability is Acceptability.UNACCEPTABLE]
    outweighed = [each.id for each in situations if each.benefit_required]
    unshown = [control.id for control in controls if not (control.implemented and control.effective)]
    found = (
        (not situations, "no hazardous situation was analysed"),
        (not complete, "risk control is not complete (7.6)"),
        (bool(unacceptable), f"residual risk not acceptable: {', '.join(unacceptable)}"),
        (
            bool(outweighed) and not policy.benefit.clinical_evidence,
            f"no clinical evidence of the benefit that would have to outweigh {', '.join(outweighed)}: {policy.benefit.missing}",
        ),
        (evidence and bool(unshown), f"implementation or effectiveness not shown: {', '.join(unshown)}"),
        (not evidence, "judged on claims alone: no verification evidence was given"),
    )
    return tuple(text for holds, text in found if holds)
