"""Takes the data apart into obligations: items, links, levels, limits, sentences, scenarios, rows and steps. Computes no verdict and reads no file.

Where an aspect has an order, its value is a rank: class A < B < C, information < protective < inherent design, acceptable < reduce < unacceptable.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any

from requirements_spec.model import Method
from requirements_spec.remembered import remembered
from requirements_spec.source_lines import line_index, line_of
from risk.model import LEVELS, ControlKind
from verification.trace.assembly import (
    ITEM_PREFIXES,
    control_edges,
    hazard_edges,
    need_edges,
    requirement_edges,
    scenario_edges,
)
from verification.trace.graph import Graph, Kind, Link
from verification.trace.obligations import LINK, OBLIGATION_ORDER, Obligation, Share, Value, share_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from requirements_spec.model import Requirement, Soup, Specification, UserNeed
    from risk.model import Control, Hazard, Policy, RiskFile, Situation
    from verification.trace.features import Scenario
    from verification.trace.graph import Edge
    from verification.trace.people import People

PROTOCOL = "validation/protocol.toml"
NOT_OWED = frozenset({Kind.MODULE, Kind.SECTION, Kind.ENDPOINT})
"""Kinds that the data do not promise: modules follow the source, pages are judged by name, endpoints are taken from the protocol, not from a run."""

SHARED = frozenset({Kind.NEED, Kind.REQUIREMENT, Kind.HAZARD, Kind.SITUATION, Kind.CONTROL, Kind.SCENARIO})
"""Kinds whose items have a share each, remembered for as long as the item stays the same."""

_CLASSES = ("A", "B", "C")
_DOCUMENTATION = ("Basic", "Enhanced")
_OPTIONS = tuple(reversed(ControlKind))
_CRITERIA = ("probability_unknown", "overall_residual_method", "verification_activities", "review")


def duties(graph: Graph, specification: Specification, risk: RiskFile, scenarios: Iterable[Scenario]) -> tuple[Share, ...]:
    """Return every obligation that the data, the risk file and the feature files hold, in shares by source; one without any has none."""
    found = [share_of((*_others(graph), *_pages(graph), *_system(specification)))]
    found += map(_need, specification.needs)
    found += map(_requirement, specification.requirements)
    found += map(_soup, specification.soup)
    found += [] if risk.policy is None else [_policy(risk.policy)]
    found += map(_hazard, risk.hazards)
    found += map(_control, risk.controls)
    found += map(_scenario, scenarios)
    return tuple(share for share in found if share.obligations)


def _others(graph: Graph) -> Iterator[Obligation]:
    """Yield items and links of the kinds that have no share of their own."""
    owing = {node.id: node for kind in Kind if kind not in NOT_OWED | SHARED for node in graph.of(kind)}
    yield from (_item(node.id, node.kind, node.where) for node in owing.values())
    for edge in graph.edges:
        if edge.source in owing and edge.link is not Link.HOLDS:
            yield _link(edge, owing[edge.source].where)


def _item(name: str, kind: Kind, where: str) -> Obligation:
    return Obligation(name, "item", "", str(kind), where)


def _link(edge: Edge, where: str) -> Obligation:
    return Obligation(edge.source, f"{LINK} {edge.link}", edge.target, 1, where)


def _owned(name: str, kind: Kind, where: str, edges: Iterable[Edge]) -> Iterator[Obligation]:
    """Yield an item and the links that it owns."""
    yield _item(name, kind, where)
    yield from (_link(edge, where) for edge in edges)


def _pages(graph: Graph) -> Iterator[Obligation]:
    for page in graph.of(Kind.SECTION):
        if page.facts["exists"]:
            yield Obligation(f"page {page.id}", "item", "", str(page.kind), page.where)


def _system(specification: Specification) -> Iterator[Obligation]:
    if system := specification.system:
        yield Obligation(system.id, "item", "", "software system", system.where)
        values: dict[str, Value] = {
            "safety class": _CLASSES.index(system.safety_class),
            "documentation level": _DOCUMENTATION.index(system.documentation_level),
        }
        yield from _each(system.id, values, system.where)


@remembered
def _need(need: UserNeed) -> Share:
    text = Obligation(need.id, "text", "", need.text, need.where)
    return Share((*_owned(need.id, Kind.NEED, need.where, need_edges(need)), text))


@remembered
def _requirement(requirement: Requirement) -> Share:
    values: dict[str, Value] = {
        "text": requirement.text,
        "acceptance": requirement.acceptance,
        "safety": requirement.safety,
        "disposition": bool(requirement.controls),
        "verified by test": requirement.verification is Method.TEST,
    }
    name, where = requirement.id, requirement.where
    return Share((*_owned(name, Kind.REQUIREMENT, where, requirement_edges(requirement)), *_each(name, values, where)))


@remembered
def _soup(soup: Soup) -> Share:
    return Share(tuple(Obligation(soup.id, "statement", text, 1, soup.where) for text in soup.requirements))


@remembered
def _hazard(hazard: Hazard) -> Share:
    events = (Obligation(hazard.id, "statement", event, 1, hazard.where) for event in hazard.sequence)
    places = {str(situation.id): situation.where for situation in hazard.situations}
    links = (_link(edge, places[edge.source]) for edge in hazard_edges(hazard))
    return Share(
        (_item(hazard.id, Kind.HAZARD, hazard.where), *events, *links, *chain.from_iterable(map(_situation, hazard.situations)))
    )


def _situation(situation: Situation) -> Iterator[Obligation]:
    values: dict[str, Value] = {
        "item": str(Kind.SITUATION),
        "text": situation.text,
        "harm": situation.harm,
        "severity": situation.severity,
        "probability": _level(situation.probability),
        "residual severity": situation.residual_severity,
        "residual probability": _level(situation.residual_probability),
    }
    yield from _each(situation.id, values, situation.where)


def _level(level: int | None) -> Value:
    """Return a level; one that cannot be estimated is a word, which no number equals, so that either change of it shows."""
    return "not estimated" if level is None else level


@remembered
def _control(control: Control) -> Share:
    return Share(tuple(_promises(control)))


def _promises(control: Control) -> Iterator[Obligation]:
    yield from _owned(control.id, Kind.CONTROL, control.where, control_edges(control))
    values: dict[str, Value] = {
        "text": control.text,
        "option": _OPTIONS.index(control.kind),
        "arising risk": bool(control.arising.risk),
    }
    yield from _each(control.id, values, control.where)
    steps = {"probability": control.probability_steps, "severity": control.severity_steps}
    yield from (Obligation(control.id, "claimed steps", name, count, control.where) for name, count in steps.items())
    if control.ifu_sentence:
        yield Obligation(control.id, "text", "sentence of the instructions for use", control.ifu_sentence, control.where)
    yield from (Obligation(control.id, f"{LINK} is shown by", tag, 1, control.where) for tag in control.evidence)
    for target in control.arising.situations:
        yield Obligation(control.id, f"{LINK} brings", target, 1, control.where)


@remembered
def _policy(policy: Policy) -> Share:
    return Share(tuple(_criteria(policy)))


def _criteria(policy: Policy) -> Iterator[Obligation]:
    where = policy.where
    yield Obligation(policy.id, "item", "", "policy", where)
    for severity in LEVELS:
        for probability in LEVELS:
            cell = policy.matrix[severity - 1][probability - 1]
            yield Obligation(policy.id, "matrix cell", f"S{severity} P{probability}", int(cell), where)
    yield Obligation(policy.id, "most steps", "of information controls together", policy.information_steps, where)
    yield Obligation(policy.id, "best level", "with fewer than two controls", policy.single_control_probability, where)
    for name, scale in (("severity", policy.severities), ("probability", policy.probabilities)):
        for each in scale:
            yield Obligation(policy.id, "criterion", f"{name} {each.level}", f"{each.name}: {each.meaning}", where)
    yield from (Obligation(policy.id, "criterion", word, meaning, where) for word, meaning in policy.acceptability_words)
    yield from (Obligation(policy.id, "criterion", name, getattr(policy, name), where) for name in _CRITERIA)
    yield from (Obligation(policy.id, "approving role", approval.role, 1, where) for approval in policy.approvals)


@remembered
def _scenario(scenario: Scenario) -> Share:
    return Share(tuple(_steps(scenario)))


def _steps(scenario: Scenario) -> Iterator[Obligation]:
    item, where = scenario.id, scenario.where
    yield from _owned(item, Kind.SCENARIO, where, scenario_edges(scenario))
    yield from (Obligation(item, "row", row.text, 1, where) for row in scenario.rows)
    counts = Counter(("expected" if step.kind == "Outcome" else "done", step.text) for step in scenario.steps)
    yield from (Obligation(item, aspect, text, count, where) for (aspect, text), count in counts.items())
    for tag in scenario.tags:
        if not re.match("|".join(ITEM_PREFIXES), tag):
            yield Obligation(item, "switch", f"@{tag}", 1, where)


def people_duties(people: People) -> tuple[Obligation, ...]:
    """Return which roles have to approve which documents."""
    return tuple(
        Obligation(f"documents {rule.documents}", "approving role", role, 1, rule.where)
        for rule in people.rules
        for role in rule.roles
    )


def _each(item: str, values: Mapping[str, Value], where: str) -> Iterator[Obligation]:
    yield from (Obligation(item, aspect, "", value, where) for aspect, value in values.items())


def protocol_duties(text: str) -> tuple[Obligation, ...]:
    r"""Return what the validation protocol promises: thresholds with their direction, bounds, primary endpoints, subgroups and rules of analysis.

    A protocol that cannot be parsed promises nothing, so that each of its obligations is missing.

    >>> found = protocol_duties('[[set]]\nprofile="p"\nbudgets=["q"]\n[[set.endpoint]]\nid="e"\ndirection="at-most"\nthreshold=0.8\n')
    >>> [(each.name, each.value) for each in found if "threshold" in each.aspect]
    [('protocol p/q e: threshold at most', 0.8)]
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError):
        return ()
    lines = line_index(text)
    return tuple(sorted(_protocol(data, lines), key=OBLIGATION_ORDER))


def _protocol(data: Mapping[str, Any], lines: dict[str, int]) -> Iterator[Obligation]:
    yield Obligation("protocol", "item", "", "validation protocol", f"{PROTOCOL}:1")
    for section in ("analysis", "subgroups", "locked"):
        for name, value in _table(data.get(section)).items():
            yield from _analysis(name, value, f"{PROTOCOL}:{line_of(lines, f'$.{section}.{name}')}")
    for index, each in enumerate(_tables(data.get("set"))):
        name = f"protocol {each.get('profile')}/{'+'.join(map(str, each.get('budgets', ())))}"
        path = f"$.set[{index}]"
        yield Obligation(name, "item", "", "endpoint set", f"{PROTOCOL}:{line_of(lines, path)}")
        for number, endpoint in enumerate(_tables(each.get("endpoint"))):
            yield from _endpoint(name, endpoint, f"{path}.endpoint[{number}]", lines)


_AT_LEAST, _AT_MOST = "analysis at least", "analysis at most"
_ANALYSIS = {
    "iou": _AT_LEAST,
    "level": _AT_LEAST,
    "replicates": _AT_LEAST,
    "studies": _AT_LEAST,
    "minimum_n": _AT_MOST,
    "gap": _AT_MOST,
}
"""Rules of analysis with an order: a hit needs at least this overlap, intervals this level and so many replicates, the locked cohort so many studies;
subgroups from this size on are evaluated, and differences from this size on are limitations."""


def _analysis(name: str, value: object, where: str) -> Iterator[Obligation]:
    if isinstance(value, list):
        yield from (Obligation("protocol", "subgroup", f"{name} {each}", 1, where) for each in value)
    else:
        yield Obligation("protocol", _ANALYSIS.get(name, "analysis"), name, _value(value), where)


def _endpoint(owner: str, endpoint: Mapping[str, Any], path: str, lines: dict[str, int]) -> Iterator[Obligation]:
    item = f"{owner} {endpoint.get('id')}"

    def at(key: str) -> str:
        return f"{PROTOCOL}:{line_of(lines, f'{path}.{key}')}"

    yield Obligation(item, "item", "", "endpoint", f"{PROTOCOL}:{line_of(lines, path)}")
    side = "threshold at most" if endpoint.get("direction") == "at-most" else "threshold at least"
    yield Obligation(item, side, "", _value(endpoint.get("threshold")), at("threshold"))
    for key in ("direction", "bound", "metric"):
        yield Obligation(item, "judged", key, _value(endpoint.get(key)), at(key))
    yield Obligation(item, "primary", "", endpoint.get("primary") is True, at("primary"))
    if isinstance(endpoint.get("requirement"), str):
        yield Obligation(item, f"{LINK} is evidence for", endpoint["requirement"], 1, at("requirement"))


def _value(value: object) -> Value:
    """Return a value as an obligation holds it; what is no plain finite value becomes a text, which no number equals."""
    if isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: object) -> tuple[Mapping[str, Any], ...]:
    return tuple(each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()
