"""The typed graph of everything that is traced: items, links owned by one side, and results; reverse tables are computed here and stored nowhere.

    user need <- requirement -> software item -> module        hazard <- situation <- control -> requirement
                 requirement -> section of the technical file   requirement -> control (its risk disposition)
                 requirement, control <- scenario -> results    requirement <- validation endpoint

A link to something that does not exist stays in the graph, so that a check can name it. Source: IEC 62304 7.3.3; ISO 14971 4.5.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from verification.trace.outcomes import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Kind(StrEnum):
    """What an item is."""

    NEED = "need"
    REQUIREMENT = "requirement"
    ITEM = "software item"
    MODULE = "module"
    SOUP = "soup"
    HAZARD = "hazard"
    SITUATION = "situation"
    CONTROL = "control"
    SCENARIO = "scenario"
    SECTION = "section"
    ENDPOINT = "endpoint"
    ANOMALY = "anomaly"
    FAULT = "seeded defect"

    @property
    def plural(self) -> str:
        """The word for several of them."""
        irregular = {Kind.SOUP: "SOUP items", Kind.ANOMALY: "anomalies"}
        return irregular.get(self, f"{self}s")


class Link(StrEnum):
    """What a link says, read from its source to its target."""

    SERVES = "serves"
    ALLOCATED_TO = "is allocated to"
    HOLDS = "holds"
    USED_BY = "is used by"
    RENDERED_IN = "is rendered in"
    DISPOSED_BY = "contributes to"
    ARISES_FROM = "arises from"
    REDUCES = "reduces"
    IMPLEMENTED_BY = "is implemented by"
    VERIFIES = "verifies"
    CONCERNS = "concerns"
    SEEDED_AGAINST = "is seeded against"


class Status(StrEnum):
    """What the accepted evidence says about an item."""

    PASSED = "passed"
    NOT_PASSED = "not passed"
    NO_EVIDENCE = "no evidence"


@dataclass(frozen=True, slots=True)
class Node:
    """One item: id, kind, title, ``file:line``, and the facts that checks and the matrix need, as plain data."""

    id: str
    kind: Kind
    title: str
    where: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One link."""

    link: Link
    source: str
    target: str


EDGE_ORDER = attrgetter("link", "source", "target")
"""The order of links as keys: comparing keys is several times faster than comparing the links."""


Tables: TypeAlias = "Mapping[Link, Mapping[str, tuple[str, ...]]]"
"""For each link, what is at the far end of it for each item that has it."""


@dataclass(frozen=True)
class Graph:
    """Items by id, links, and the verdicts of accepted evidence by scenario id; stale or foreign evidence is never in it."""

    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    verdicts: Mapping[str, tuple[Verdict, ...]] = field(default_factory=dict)

    def of(self, kind: Kind) -> tuple[Node, ...]:
        """Return all items of a kind, sorted by id."""
        return self._by_kind.get(kind, ())

    @cached_property
    def _by_kind(self) -> dict[Kind, tuple[Node, ...]]:
        table: dict[Kind, list[Node]] = defaultdict(list)
        for name in sorted(self.nodes):
            table[self.nodes[name].kind].append(self.nodes[name])
        return {kind: tuple(nodes) for kind, nodes in table.items()}

    def with_items(self, changed: Mapping[str, Node]) -> Graph:
        """Return the graph with some items in another state; the links and their tables stay what they are and are not made again."""
        other = Graph({**self.nodes, **changed}, self.edges, self.verdicts)
        vars(other).update((name, vars(self)[name]) for name in ("_tables",) if name in vars(self))
        return other

    def targets(self, source: str, link: Link) -> tuple[str, ...]:
        """Return what the item names by this link, sorted; ids that do not exist included."""
        return self._tables[0][link].get(source, ())

    def sources(self, target: str, link: Link) -> tuple[str, ...]:
        """Return what names the item by this link, sorted: the reverse table."""
        return self._tables[1][link].get(target, ())

    @cached_property
    def _tables(self) -> tuple[Tables, Tables]:
        """What each item names, and what names it, by link."""
        forward: dict[Link, dict[str, list[str]]] = {link: defaultdict(list) for link in Link}
        backward: dict[Link, dict[str, list[str]]] = {link: defaultdict(list) for link in Link}
        for edge in self.edges:
            forward[edge.link][edge.source].append(edge.target)
            backward[edge.link][edge.target].append(edge.source)
        return _sorted(forward), _sorted(backward)

    def scenarios_of(self, item: str) -> tuple[str, ...]:
        """Return the scenarios tagged with a requirement or control."""
        return self._verified_by.get(item, ())

    @cached_property
    def _verified_by(self) -> dict[str, tuple[str, ...]]:
        """Every item's scenarios, for those that any scenario is tagged with."""
        scenarios = {node.id for node in self.of(Kind.SCENARIO)}
        verifying = self._tables[1][Link.VERIFIES]
        return {item: tuple(name for name in names if name in scenarios) for item, names in verifying.items()}

    def scenario_status(self, scenario: str) -> Status:
        """Say what the accepted evidence holds for a scenario: passed only when every row has one clean pass."""
        verdicts = self.verdicts.get(scenario, ())
        if not verdicts:
            return Status.NO_EVIDENCE
        return Status.PASSED if all(verdict.outcome is Outcome.PASSED for verdict in verdicts) else Status.NOT_PASSED

    def status(self, item: str) -> Status:
        """Say whether a requirement or control is verified: by at least one scenario, and by each of them."""
        return combined(self.scenario_status(scenario) for scenario in self.scenarios_of(item))

    def implemented(self, control: str) -> Status:
        """Say whether a control is implemented: every requirement it names is verified (ISO 14971 7.2, first half)."""
        return combined(self.status(requirement) for requirement in self.targets(control, Link.IMPLEMENTED_BY))

    def effective(self, control: str) -> Status:
        """Say whether a control's own scenarios show its effect (ISO 14971 7.2, second half)."""
        return self.status(control)


def combined(parts: Iterable[Status]) -> Status:
    """Return what several verdicts say together: one that did not pass decides, then one without evidence; of nothing, nothing is known.

    >>> combined([Status.PASSED, Status.NO_EVIDENCE]), combined([])
    (<Status.NO_EVIDENCE: 'no evidence'>, <Status.NO_EVIDENCE: 'no evidence'>)
    """
    seen = set(parts)
    if Status.NOT_PASSED in seen:
        return Status.NOT_PASSED
    return Status.PASSED if seen == {Status.PASSED} else Status.NO_EVIDENCE


def _sorted(tables: Mapping[Link, Mapping[str, list[str]]]) -> Tables:
    return {link: {near: _once(far) for near, far in table.items()} for link, table in tables.items()}


def _once(names: list[str]) -> tuple[str, ...]:
    return tuple(names) if len(names) == 1 else tuple(sorted(set(names)))


def to_json(graph: Graph) -> dict[str, Any]:
    """Return the graph as sorted plain data: what the technical file renders."""
    return {
        "items": [_item(graph, graph.nodes[name]) for name in sorted(graph.nodes)],
        "links": [
            {"link": str(edge.link), "source": edge.source, "target": edge.target} for edge in sorted(graph.edges, key=EDGE_ORDER)
        ],
        "results": [{"case": name, **verdict.to_json()} for name in sorted(graph.verdicts) for verdict in graph.verdicts[name]],
    }


def _item(graph: Graph, node: Node) -> dict[str, Any]:
    item = {
        "id": node.id,
        "kind": str(node.kind),
        "title": node.title,
        "where": node.where,
        "facts": dict(sorted(node.facts.items())),
    }
    if node.kind is Kind.SCENARIO:
        item["status"] = str(graph.scenario_status(node.id))
    if node.kind is Kind.REQUIREMENT:
        item["status"] = str(graph.status(node.id))
    if node.kind is Kind.CONTROL:
        item |= {"implemented": str(graph.implemented(node.id)), "effective": str(graph.effective(node.id))}
    return item
