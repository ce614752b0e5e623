"""The residual risks as computed from policy, data and verified controls. Nothing here is typed, so nothing here can be talked down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from risk.evaluation import ACCEPTABLE
from risk.model import Acceptability
from verification.trace.case import Level
from verification.trace.codes import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def residuals_are_acceptable(case: Case) -> Iterator[Problem]:
    """Yield situations whose residual risk the policy calls unacceptable.

    An unacceptable residual that the file itself states, under an overall conclusion that rules out clinical use because of it, is disclosed as the
    policy's overall rule asks; it blocks a submission and no build. One that is worse than the file states is a problem at every level: a
    control that the claim rests on was shown to fail. A residual to be reduced and outweighed by benefit is left to the overall rule.
    """
    evaluation, every = case.evaluation, case.level is Level.SUBMISSION
    if evaluation is None:
        return
    for situation, judged in zip(case.inputs.risk.situations, evaluation.situations, strict=True):
        if judged.residual_acceptability is not Acceptability.UNACCEPTABLE:
            continue
        claimed = (situation.residual_severity, situation.residual_probability) == (
            judged.residual.severity,
            judged.residual.probability,
        )
        if every or not claimed or evaluation.conclusion == ACCEPTABLE:
            unshown = [control.id for control in evaluation.controls if control.id in judged.controls and not control.counts]
            cause = f", because not shown to work: {', '.join(unshown)}" if unshown else ""
            found = f"S{judged.residual.severity} P{judged.residual.probability} is unacceptable{cause}"
            yield problem("TRC-RISK-RESIDUAL", situation.where, judged.id, found=found)


def overall_is_acceptable(case: Case) -> Iterator[Problem]:
    """Yield each reason for which the policy's rule does not call the overall residual risk acceptable (asked at submission)."""
    evaluation, policy = case.evaluation, case.inputs.risk.policy
    if evaluation is None or evaluation.conclusion == ACCEPTABLE:
        return
    where = policy.where if policy else "risk/data/policy.toml"
    for reason in evaluation.reasons:
        yield problem("TRC-RISK-OVERALL", where, "POLICY-RISK", found=f"{evaluation.conclusion}: {reason}")
