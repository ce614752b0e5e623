"""The risk management review at the levels that ask for it (ISO 14971 9, ADR 0013): from release on no point is open, at submission none is merely stated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from risk.review import Standing
from verification.trace.case import Level
from verification.trace.codes import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def review_is_ready(case: Case) -> Iterator[Problem]:
    """Yield points of the review that do not hold: those that nobody stated from release on, all of them at submission."""
    reviewed, policy = case.review, case.inputs.risk.policy
    if reviewed is None or policy is None:
        return
    bad = {Standing.OPEN, Standing.STATED} if case.level is Level.SUBMISSION else {Standing.OPEN}
    for point in reviewed.points:
        if point.standing in bad:
            found = f"{point.title}: {point.standing} ({'; '.join(point.against)})"
            yield problem("TRC-RISK-REVIEW", policy.where, f"ISO 14971 {point.clause}", found=found)
