"""Computes what the risk file never states: acceptability before and after controls, what each control still lacks, completeness, and the overall conclusion.

Everything here is pure. What was verified comes in as a set of ids (requirements and controls whose scenarios all passed in the build that is judged); a control
counts for a residual only when the requirements that implement it and its own effectiveness are in that set. ``None`` instead of the set judges the
claims alone and says so: such an evaluation never concludes that anything was shown.

Source: ISO 14971:2019 clauses 6, 7.1 to 7.6 and 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from risk.arising import ArisingEvaluation, Disposition, arising, loops
from risk.estimate import Estimate, acceptability, before_controls, with_controls
from risk.model import Acceptability, ControlKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from requirements_spec.model import ControlId, RequirementId, Specification
    from risk.model import Control, Policy, RiskFile, Situation, SituationId

BASELINE = "engineering baseline; not acceptable for clinical use"
"""The overall conclusion as long as a residual is unacceptable, a benefit is without clinical evidence, or a control is not shown."""

ACCEPTABLE = "acceptable according to the policy, subject to approval by the roles it names"
"""The overall conclusion when nothing stands against it (ISO 14971 8); people still have to approve it."""


class Weighing(StrEnum):
    """What became of the weighing of a residual risk against the benefit (ISO 14971 7.4)."""

    NOT_NEEDED = "not needed"
    OUTWEIGHED = "outweighed by a benefit with clinical evidence"
    NOT_SHOWN = "benefit not shown"
    RULED_OUT = "ruled out by the policy"


class Lack(StrEnum):
    """What risk control still lacks (ISO 14971 7.6)."""

    SITUATION = "a hazardous situation"
    CONTROL = "a control"
    OPTIONS = "an analysis of the options of higher priority (7.1)"
    JUSTIFICATION = "the reason why information alone is to do (7.1)"
    ARISING = "an assessment of what the control brings (7.5)"
    LOOP = "an end: what controls bring is answered by each other in a circle (7.5)"
    TRADE = "a gain: what the control brings is worse than what it reduces (7.5)"


class ReasonKind(StrEnum):
    """What stands against calling the overall residual risk acceptable."""

    NOTHING_ANALYSED = "no hazardous situation was analysed"
    INCOMPLETE = "risk control is not complete (7.6)"
    UNACCEPTABLE = "residual risk not acceptable"
    NOT_REDUCED = "no word on why no further control is practicable (7.4)"
    NO_BENEFIT = "no clinical evidence of the benefit that would have to outweigh"
    NOT_SHOWN = "implementation or effectiveness not shown"
    CLAIMS_ONLY = "judged on claims alone: no verification evidence was given"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason against the better conclusion, with the items concerned and what else is to be said."""

    kind: ReasonKind
    items: tuple[str, ...] = ()
    more: str = ""

    def __str__(self) -> str:
        """Return the reason in words."""
        listed = (
            f"{self.kind}{' ' if self.kind is ReasonKind.NO_BENEFIT else ': '}{', '.join(self.items)}"
            if self.items
            else self.kind
        )
        return f"{listed}: {self.more}" if self.more else str(listed)


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that risk control lacks, and the hazard, situation or control that lacks it."""

    lack: Lack
    item: str


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
    arising: ArisingEvaluation

    @property
    def counts(self) -> bool:
        """Whether the control may lower a residual: not shown to fail either verification."""
        return self.implemented is not False and self.effective is not False

    @property
    def shown(self) -> bool:
        """Whether evidence shows both verifications."""
        return self.implemented is True and self.effective is True


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
    weighing: Weighing


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The whole file judged: situations, controls, what control lacks (7.6), and the overall residual risk (8) with what stands against it."""

    situations: tuple[SituationEvaluation, ...]
    controls: tuple[ControlEvaluation, ...]
    missing: tuple[Missing, ...]
    loops: tuple[tuple[ControlId, ...], ...]
    evidence_considered: bool
    findings: tuple[Reason, ...]

    @property
    def complete(self) -> bool:
        """Whether risk control lacks nothing (ISO 14971 7.6)."""
        return not self.missing

    @property
    def reasons(self) -> tuple[str, ...]:
        """Everything that stands against the better conclusion, in words."""
        return tuple(str(finding) for finding in self.findings)

    @property
    def conclusion(self) -> str:
        """What is concluded about the overall residual risk."""
        return BASELINE if self.findings else ACCEPTABLE


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
    policy = risk.policy
    known = {requirement.id for requirement in specification.requirements}
    verified = {control.id: _verified(control, known, passed) for control in risk.controls}
    counting = {
        name for name, (implemented, effective) in verified.items() if implemented is not False and effective is not False
    }
    situations = tuple(_situation(policy, each, risk.controls_of(each.id), counting) for each in risk.situations)
    before = {each.id: each.initial for each in situations}
    residual = {each.id: each.residual for each in situations}
    handled = {each.id for each in situations if _handled(each)}
    controls = tuple(
        ControlEvaluation(
            control.id,
            control.kind,
            control.requirements,
            *verified[control.id],
            _missing_tags(control, passed),
            arising(policy, control, before, residual, handled),
        )
        for control in risk.controls
    )
    circles = loops(policy, risk.controls)
    missing = tuple(_missing(risk, situations, controls, {name for circle in circles for name in circle}))
    findings = tuple(_findings(risk, situations, controls, missing, evidence=passed is not None))
    return Evaluation(situations, controls, missing, circles, passed is not None, findings)


def _verified(control: Control, known: Collection[str], passed: Collection[str] | None) -> tuple[bool | None, bool | None]:
    """Say whether a control is implemented, and whether it is effective (ISO 14971 7.2); None is "no evidence was given"."""
    exist = bool(control.requirements) and all(each in known for each in control.requirements)
    if passed is None:
        return (None, None) if exist else (False, None)
    implemented = exist and all(each in passed for each in control.requirements)
    return implemented, bool(control.evidence) and all(_tag(each) in passed for each in control.evidence)


def _missing_tags(control: Control, passed: Collection[str] | None) -> tuple[str, ...]:
    tags = sorted({*control.requirements, *(_tag(each) for each in control.evidence)})
    return tuple(tag for tag in tags if passed is None or tag not in passed)


def _tag(evidence: str) -> str:
    return evidence.removeprefix("@")


def _situation(
    policy: Policy, situation: Situation, controls: tuple[Control, ...], counting: Collection[str]
) -> SituationEvaluation:
    initial = before_controls(policy, situation)
    residual = with_controls(policy, situation, [control for control in controls if control.id in counting])
    judged = acceptability(policy, residual)
    return SituationEvaluation(
        id=situation.id,
        initial=initial,
        initial_acceptability=acceptability(policy, initial),
        residual=residual,
        residual_acceptability=judged,
        controls=tuple(control.id for control in controls),
        highest_option=controls[0].kind if controls else None,
        weighing=_weighing(policy, situation, judged),
    )


def _weighing(policy: Policy, situation: Situation, judged: Acceptability) -> Weighing:
    """Weigh a residual risk: only one that is to be reduced can be outweighed, by evidence, and when no further control is practicable."""
    if judged is Acceptability.ACCEPTABLE:
        return Weighing.NOT_NEEDED
    if judged is Acceptability.UNACCEPTABLE:
        return Weighing.RULED_OUT
    return Weighing.OUTWEIGHED if policy.benefit.clinical_evidence and situation.further_control else Weighing.NOT_SHOWN


def _handled(situation: SituationEvaluation) -> bool:
    return bool(situation.controls) or situation.initial_acceptability is Acceptability.ACCEPTABLE


def _missing(
    risk: RiskFile,
    situations: tuple[SituationEvaluation, ...],
    controls: tuple[ControlEvaluation, ...],
    circling: Collection[str],
) -> Iterator[Missing]:
    """Yield what stands against completeness: hazards, then situations, then controls, each in the order of the file."""
    yield from (Missing(Lack.SITUATION, hazard.id) for hazard in risk.hazards if not hazard.situations)
    for situation, judged in zip(risk.situations, situations, strict=True):
        if not _handled(judged):
            yield Missing(Lack.CONTROL, judged.id)
        if needs_justification(judged) and not situation.information_only:
            yield Missing(Lack.JUSTIFICATION, judged.id)
    for control, evaluation in zip(risk.controls, controls, strict=True):
        if control.kind is not ControlKind.DESIGN and not control.option_analysis:
            yield Missing(Lack.OPTIONS, control.id)
        if evaluation.arising.disposition is Disposition.OPEN:
            yield Missing(Lack.ARISING, control.id)
        if control.id in circling:
            yield Missing(Lack.LOOP, control.id)
        if evaluation.arising.worse:
            yield Missing(Lack.TRADE, control.id)


def needs_justification(situation: SituationEvaluation) -> bool:
    """Say whether a situation is left to information alone although its risk is not acceptable without control (ISO 14971 7.1)."""
    return situation.highest_option is ControlKind.INFORMATION and situation.initial_acceptability is not Acceptability.ACCEPTABLE


def _findings(
    risk: RiskFile,
    situations: tuple[SituationEvaluation, ...],
    controls: tuple[ControlEvaluation, ...],
    missing: tuple[Missing, ...],
    *,
    evidence: bool,
) -> Iterator[Reason]:
    """Yield everything that stands against calling the overall residual risk acceptable."""
    if not situations:
        yield Reason(ReasonKind.NOTHING_ANALYSED)
    if missing:
        yield Reason(ReasonKind.INCOMPLETE, tuple(dict.fromkeys(each.item for each in missing)))
    unacceptable = tuple(each.id for each in situations if each.residual_acceptability is Acceptability.UNACCEPTABLE)
    if unacceptable:
        yield Reason(ReasonKind.UNACCEPTABLE, unacceptable)
    yield from _unweighed(risk, situations)
    unshown = tuple(control.id for control in controls if not control.shown)
    if evidence and unshown:
        yield Reason(ReasonKind.NOT_SHOWN, unshown)
    if not evidence:
        yield Reason(ReasonKind.CLAIMS_ONLY)


def _unweighed(risk: RiskFile, situations: tuple[SituationEvaluation, ...]) -> Iterator[Reason]:
    weighed = [
        (situation, judged)
        for situation, judged in zip(risk.situations, situations, strict=True)
        if judged.residual_acceptability is Acceptability.REDUCE
    ]
    silent = tuple(judged.id for situation, judged in weighed if not situation.further_control)
    if silent:
        yield Reason(ReasonKind.NOT_REDUCED, silent)
    if weighed and risk.policy and not risk.policy.benefit.clinical_evidence:
        yield Reason(ReasonKind.NO_BENEFIT, tuple(judged.id for _, judged in weighed), risk.policy.benefit.missing)
