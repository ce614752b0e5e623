"""Links across packages: what one names and another has to hold. Links inside the specification and the risk file are judged by their own loaders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.codes import problem
from verification.trace.graph import Graph, Kind, Link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def tags_exist(case: Case) -> Iterator[Problem]:
    """Yield scenarios tagged with an id that is neither a requirement nor a control."""
    for scenario in case.graph.of(Kind.SCENARIO):
        for tag in case.graph.targets(scenario.id, Link.VERIFIES):
            if not (_is(case.graph, tag, Kind.REQUIREMENT) or _is(case.graph, tag, Kind.CONTROL)):
                yield problem("TRC-TAG-UNKNOWN", scenario.where, scenario.id, found=f"the tag @{tag}, which names no item")


def sections_exist(case: Case) -> Iterator[Problem]:
    """Yield sections of the technical file that items are rendered in and that no page holds."""
    for section in case.graph.of(Kind.SECTION):
        users = case.graph.sources(section.id, Link.RENDERED_IN)
        if users and not section.facts["exists"]:
            found = f"no such page, though {len(users)} items are rendered there ({users[0]}, ...)"
            yield problem("TRC-SECTION-UNKNOWN", section.where, section.id, found=found)


def endpoints_name_requirements(case: Case) -> Iterator[Problem]:
    """Yield validation endpoints that are evidence for a requirement that does not exist."""
    for endpoint in case.graph.of(Kind.ENDPOINT):
        for requirement in case.graph.targets(endpoint.id, Link.VERIFIES):
            if not _is(case.graph, requirement, Kind.REQUIREMENT):
                found = f"the requirement {requirement}, which does not exist"
                yield problem("TRC-ENDPOINT-REQUIREMENT", endpoint.where, endpoint.id, found=found)


def _is(graph: Graph, name: str, kind: Kind) -> bool:
    return name in graph.nodes and graph.nodes[name].kind is kind
