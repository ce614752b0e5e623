"""The ledgers of changes against the content they account for: nothing changes without an entry that says who and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from requirements_spec.changes import SPECIFICATION_BOOK, change_problems, specification_content
from risk.changes import RISK_BOOK
from risk.criteria import criteria_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def changes_are_recorded(case: Case) -> Iterator[Problem]:
    """Yield items of the specification and of the risk file whose change nobody entered, and entries that do not follow each other."""
    inputs = case.inputs
    yield from change_problems(
        specification_content(inputs.specification), inputs.specification_changes, SPECIFICATION_BOOK.command
    )
    yield from change_problems(case.risk_content, inputs.risk_changes, RISK_BOOK.command)


def criteria_come_first(case: Case) -> Iterator[Problem]:
    """Yield hazards and controls that were not judged by the policy as it is now."""
    yield from criteria_problems(case.risk_content, case.inputs.risk_changes)
