"""The scenarios as they are written: each expects something, and no tag stands where the runner loses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.codes import problem
from verification.trace.graph import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def scenarios_expect_something(case: Case) -> Iterator[Problem]:
    """Yield scenarios without a Then step: they pass whatever the software does."""
    for scenario in case.graph.of(Kind.SCENARIO):
        if not scenario.facts["outcomes"]:
            yield problem("TRC-SCENARIO-NO-OUTCOME", scenario.where, scenario.id, found="no Then step")


def tags_reach_the_result(case: Case) -> Iterator[Problem]:
    """Yield scenarios with tags on an example table: pytest-bdd makes plain markers of them, which name no evidence."""
    for scenario in case.graph.of(Kind.SCENARIO):
        lost = scenario.facts["lost_tags"]
        if lost:
            yield problem("TRC-TAG-LOST", scenario.where, scenario.id, found=f"@{', @'.join(lost)} on an example table")
