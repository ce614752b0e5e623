"""The validation endpoints of the run that lies here: judged, each primary one met."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.assembly import VALIDATION
from verification.trace.codes import problem
from verification.trace.graph import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def endpoints_are_stated(case: Case) -> Iterator[Problem]:
    """Yield a validation record that is missing or cannot be read."""
    if case.inputs.endpoints is None:
        yield problem("TRC-ENDPOINT-MISSING", VALIDATION, "validation", found="no readable validation record")


def primary_endpoints_are_met(case: Case) -> Iterator[Problem]:
    """Yield primary endpoints that are not met; one without a figure never is."""
    for endpoint in case.graph.of(Kind.ENDPOINT):
        facts = endpoint.facts
        if facts["primary"] and facts["passed"] is not True:
            found = (
                f"{facts['value'] if facts['value'] is not None else facts['reason']}, {facts['direction']} {facts['threshold']}"
            )
            yield problem("TRC-ENDPOINT-FAILED", endpoint.where, endpoint.id, found=found)
