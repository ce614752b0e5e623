"""The rule of the house, seen from the scenarios: each requirement and each control has one, and each has a requirement.

Orphans inside the specification and inside the risk file are named by their own loaders (``SPC-``, ``RSK-``); here is what only both together show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.codes import problem
from verification.trace.graph import Kind, Link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def requirements_have_scenarios(case: Case) -> Iterator[Problem]:
    """Yield requirements that no scenario verifies; a validation endpoint is extra and does not replace one."""
    for requirement in case.graph.of(Kind.REQUIREMENT):
        if not case.graph.scenarios_of(requirement.id):
            yield problem("TRC-REQ-SCENARIO", requirement.where, requirement.id, found=f"no scenario carries @{requirement.id}")


def controls_have_scenarios(case: Case) -> Iterator[Problem]:
    """Yield controls whose effect no scenario shows."""
    for control in case.graph.of(Kind.CONTROL):
        if not case.graph.scenarios_of(control.id):
            yield problem("TRC-CONTROL-SCENARIO", control.where, control.id, found=f"no scenario carries @{control.id}")


def scenarios_have_requirements(case: Case) -> Iterator[Problem]:
    """Yield scenarios that verify no requirement; a control alone is not enough, because a requirement implements it."""
    for scenario in case.graph.of(Kind.SCENARIO):
        tags = case.graph.targets(scenario.id, Link.VERIFIES)
        if not any(tag in case.graph.nodes and case.graph.nodes[tag].kind is Kind.REQUIREMENT for tag in tags):
            yield problem("TRC-SCENARIO-TAG", scenario.where, scenario.id, found=", ".join(tags) or "no tag")
