"""Builds the graph from what the loaders, the feature files and the accepted evidence hold; computes nothing but reverse-free links."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from requirements_spec.model import SECTIONS, Specification
from requirements_spec.modules import owner, source_modules
from requirements_spec.remembered import remembered
from verification.trace.graph import Edge, Graph, Kind, Link, Node
from verification.trace.outcomes import VERDICT_ORDER
from verification.trace.seeded import Seeded
from verification.trace.strict_json import loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from requirements_spec.model import Requirement, Soup, UserNeed
    from risk.evaluation import Evaluation, SituationEvaluation
    from risk.model import Control, Hazard, RiskFile, Situation
    from verification.trace.anomalies import Anomaly
    from verification.trace.features import Scenario
    from verification.trace.outcomes import Verdict
    from verification.trace.seeded import Fault

VALIDATION = "artifacts/validation/validation.json"
ITEM_PREFIXES = ("SRS-", "RC-")
"""Tags that name what a scenario verifies; other tags are plain markers."""


@dataclass(frozen=True)
class Sources:
    """Everything the graph is made from, already read.

    Attributes:
        specification: needs, requirements, architecture, SOUP.
        risk: hazards, situations, controls.
        evaluation: the risk file judged; None where there is no policy to judge by.
        scenarios: what the feature files hold.
        verdicts: of accepted evidence; empty where there is none.
        modules: dotted names of the device's modules.
        pages: section ids for which a page of the technical file exists.
        endpoints: as the validation record states them.
        anomalies: what is known to be wrong.
        seeded: declared seeded defects, and what a run of them that counts has shown.
    """

    specification: Specification
    risk: RiskFile
    evaluation: Evaluation | None
    scenarios: tuple[Scenario, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    modules: tuple[str, ...] = ()
    pages: frozenset[str] = frozenset()
    endpoints: tuple[Mapping[str, Any], ...] = field(default=())
    anomalies: tuple[Anomaly, ...] = ()
    seeded: Seeded = field(default_factory=Seeded)


def read_modules(root: Path) -> tuple[str, ...]:
    """Return the dotted names of the device's modules."""
    return source_modules(root)


def read_pages(root: Path) -> frozenset[str]:
    """Return the section ids of the technical file for which docs/ holds a page."""
    return frozenset(name for name in SECTIONS if (root / "docs" / f"{name}.md").is_file())


def read_endpoints(root: Path) -> tuple[Mapping[str, Any], ...] | None:
    """Return the endpoints of the validation record, or None where there is no readable one."""
    try:
        endpoints = loads((root / VALIDATION).read_bytes())["endpoints"]
        return tuple({**dict(entry), "id": str(entry["id"]), "requirement": str(entry["requirement"])} for entry in endpoints)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def assemble(sources: Sources) -> Graph:
    """Return the graph of everything in ``sources``; of two items with one id the first stays (its loader names the second)."""
    nodes: dict[str, Node] = {}
    for node in _nodes(sources):
        nodes.setdefault(node.id, node)
    return Graph(nodes, tuple(_edges(sources)), _by_scenario(sources.verdicts))


def with_evaluation(graph: Graph, risk: RiskFile, evaluation: Evaluation | None) -> Graph:
    """Return the graph of sources without evaluation as it would be with one: only the situations say something else."""
    judged = {each.id: each for each in evaluation.situations} if evaluation else {}
    first = {situation.id: situation for situation in reversed(risk.situations)}
    return graph.with_items({name: _situation(each, judged.get(name)) for name, each in first.items()}) if judged else graph


def scenario_id(verdict: Verdict) -> str:
    """Return the id of the scenario that a verdict is about."""
    return f"TC:{verdict.feature}::{verdict.scenario}"


def _by_scenario(verdicts: Iterable[Verdict]) -> dict[str, tuple[Verdict, ...]]:
    table: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in sorted(verdicts, key=VERDICT_ORDER):
        table[scenario_id(verdict)].append(verdict)
    return {name: tuple(found) for name, found in table.items()}


def _nodes(sources: Sources) -> Iterator[Node]:
    specification = sources.specification
    yield from map(_need, specification.needs)
    yield from map(_requirement, specification.requirements)
    for item in specification.items:
        yield Node(item.id, Kind.ITEM, item.title, item.where, {"purpose": item.purpose})
    yield from (Node(name, Kind.MODULE, name, f"{name.replace('.', '/')}.py:1") for name in sources.modules)
    yield from map(_soup, specification.soup)
    yield from _risk_nodes(sources)
    yield from map(_scenario, sources.scenarios)
    for name in SECTIONS:
        yield Node(name, Kind.SECTION, name, f"docs/{name}.md:1", {"exists": name in sources.pages})
    yield from map(_endpoint, sources.endpoints)
    yield from map(_anomaly, sources.anomalies)
    yield from (_fault(fault, sources.seeded) for fault in sources.seeded.faults)


@remembered
def _need(need: UserNeed) -> Node:
    return Node(need.id, Kind.NEED, need.title, need.where, {"role": need.role, "text": need.text, "status": need.status})


@remembered
def _requirement(requirement: Requirement) -> Node:
    facts = {
        "text": requirement.text,
        "type": str(requirement.type),
        "safety": requirement.safety,
        "not_risk_related": requirement.not_risk_related,
        "verification": str(requirement.verification),
        "acceptance": requirement.acceptance,
        "status": requirement.status,
    }
    return Node(requirement.id, Kind.REQUIREMENT, requirement.title, requirement.where, facts)


def _soup(soup: Soup) -> Node:
    facts = {"distribution": soup.distribution, "version": soup.version, "purpose": soup.purpose}
    return Node(soup.id, Kind.SOUP, soup.title, soup.where, facts)


def _risk_nodes(sources: Sources) -> Iterator[Node]:
    judged = {each.id: each for each in sources.evaluation.situations} if sources.evaluation else {}
    for hazard in sources.risk.hazards:
        yield Node(
            hazard.id, Kind.HAZARD, hazard.title, hazard.where, {"source": hazard.source, "sequence": list(hazard.sequence)}
        )
        for situation in hazard.situations:
            yield _situation(situation, judged.get(situation.id))
    yield from map(_control, sources.risk.controls)


def _situation(situation: Situation, judged: SituationEvaluation | None) -> Node:
    facts: dict[str, Any] = {
        "harm": situation.harm,
        "initial": None,
        "initial_level": None,
        "residual": None,
        "residual_level": None,
    }
    if judged is not None:
        facts |= {
            "initial": judged.initial_acceptability.word,
            "initial_level": f"S{judged.initial.severity} P{judged.initial.probability}",
            "residual": judged.residual_acceptability.word,
            "residual_level": f"S{judged.residual.severity} P{judged.residual.probability}",
        }
    return Node(situation.id, Kind.SITUATION, situation.text, situation.where, facts)


@remembered
def _control(control: Control) -> Node:
    facts = {
        "type": str(control.kind),
        "text": control.text,
        "effect": control.effect,
        "label_section": control.label_section,
        "arising": control.arising.risk,
        "arising_assessment": control.arising.assessment,
    }
    return Node(control.id, Kind.CONTROL, control.title, control.where, facts)


@remembered
def _scenario(scenario: Scenario) -> Node:
    facts = {
        "feature": scenario.feature,
        "feature_title": scenario.title,
        "outline": scenario.is_outline,
        "rows": [row.text for row in scenario.rows],
        "lost_tags": list(scenario.lost_tags),
        "steps": len(scenario.steps),
        "outcomes": sum(step.kind == "Outcome" for step in scenario.steps),
    }
    return Node(scenario.id, Kind.SCENARIO, scenario.name, scenario.where, facts)


def _endpoint(endpoint: Mapping[str, Any]) -> Node:
    names = ("metric", "direction", "threshold", "bound", "primary", "value", "passed", "reason")
    facts = {name: endpoint.get(name) for name in names}
    return Node(f"VE:{endpoint['id']}", Kind.ENDPOINT, str(endpoint.get("title", endpoint["id"])), VALIDATION, facts)


def _anomaly(anomaly: Anomaly) -> Node:
    return Node(anomaly.id, Kind.ANOMALY, anomaly.title, anomaly.where, anomaly.facts())


def _fault(fault: Fault, seeded: Seeded) -> Node:
    trial = seeded.trial(fault.id)
    facts = {
        "control": fault.control,
        "kind": str(fault.kind),
        "would_fail_if": fault.would_fail_if,
        "changes": fault.changes,
        "scenarios": list(fault.scenarios),
        "shown": trial.shown if trial else None,
        "killed_by": list(trial.killed_by) if trial else [],
        "step": trial.step if trial else "",
        "assertion": trial.assertion if trial else "",
        "reason": trial.reason if trial else "",
    }
    return Node(fault.id, Kind.FAULT, f"would fail if {fault.would_fail_if}", fault.where, facts)


def _anomaly_edges(anomaly: Anomaly) -> Iterator[Edge]:
    return _to(anomaly.id, Link.CONCERNS, (*anomaly.concerns, *anomaly.situations))


def _edges(sources: Sources) -> Iterator[Edge]:
    yield from chain.from_iterable(map(need_edges, sources.specification.needs))
    yield from chain.from_iterable(map(requirement_edges, sources.specification.requirements))
    for name in sources.modules:
        if item := owner(sources.specification.items, name):
            yield Edge(Link.HOLDS, item.id, name)
    for soup in sources.specification.soup:
        yield from _to(soup.id, Link.USED_BY, soup.used_by)
    yield from chain.from_iterable(map(hazard_edges, sources.risk.hazards))
    yield from chain.from_iterable(map(control_edges, sources.risk.controls))
    yield from chain.from_iterable(map(scenario_edges, sources.scenarios))
    for endpoint in sources.endpoints:
        yield Edge(Link.VERIFIES, f"VE:{endpoint['id']}", endpoint["requirement"])
    yield from chain.from_iterable(map(_anomaly_edges, sources.anomalies))
    yield from (Edge(Link.SEEDED_AGAINST, fault.id, fault.control) for fault in sources.seeded.faults)


@remembered
def need_edges(need: UserNeed) -> tuple[Edge, ...]:
    """Return the links that a need owns."""
    return tuple(_to(need.id, Link.RENDERED_IN, need.sections))


@remembered
def requirement_edges(requirement: Requirement) -> tuple[Edge, ...]:
    """Return the links that a requirement owns."""
    name = requirement.id
    return (
        *_to(name, Link.SERVES, requirement.needs),
        *_to(name, Link.ALLOCATED_TO, (requirement.item,)),
        *_to(name, Link.DISPOSED_BY, requirement.controls),
        *_to(name, Link.RENDERED_IN, requirement.sections),
    )


@remembered
def hazard_edges(hazard: Hazard) -> tuple[Edge, ...]:
    """Return the links of a hazard's situations to it."""
    return tuple(Edge(Link.ARISES_FROM, situation.id, hazard.id) for situation in hazard.situations)


@remembered
def control_edges(control: Control) -> tuple[Edge, ...]:
    """Return the links that a control owns."""
    return (
        *_to(control.id, Link.REDUCES, control.situations),
        *_to(control.id, Link.IMPLEMENTED_BY, control.requirements),
        *_to(control.id, Link.RENDERED_IN, (control.label_section,) if control.label_section else ()),
    )


@remembered
def scenario_edges(scenario: Scenario) -> tuple[Edge, ...]:
    """Return the links that a scenario owns by its tags."""
    return tuple(_to(scenario.id, Link.VERIFIES, (tag for tag in scenario.tags if tag.startswith(ITEM_PREFIXES))))


def _to(source: str, link: Link, targets: Iterable[str]) -> Iterator[Edge]:
    """Yield one link to each target, in the order given; a target named twice is linked once."""
    for target in dict.fromkeys(targets):
        yield Edge(link, source, target)
