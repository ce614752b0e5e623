"""What the trace matrix shows, computed from the graph once: every line of every table, with what it can be filtered by.

The page, the spreadsheet, CSV and JSON are made from these values, so that no two of them can say different things. Each link is followed once; nothing here
looks through a list for an id.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from verification.trace.graph import Graph, Kind, Link, Node, Status, combined
from verification.trace.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from verification.trace.baseline import Entry
    from verification.trace.gate import GateResult

NO_NEED = Node("no need", Kind.NEED, "Requirements that name no need that exists", "", {"role": "nobody", "text": ""})
"""The band of what stands under no need, so that nothing is left out of the table; the gate names the reason."""

NOT_TRIED = "not run"
"""What a row says of a seeded defect that was not tried in this build."""


@dataclass(frozen=True)
class Marks:
    """What a line can be filtered by.

    Attributes:
        kind: of the item.
        status: in words; empty where the item has none.
        needs: needs that it serves, directly or through what it verifies or implements.
        controls: kinds of the controls that it has to do with.
        outcomes: what its scenarios came to.
        risks: residual acceptability of its situations, in the policy's words.
    """

    kind: str
    status: str = ""
    needs: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One scenario: its name, place, status, results by row, what it has to do with, and the bridges that carried results of another state over."""

    id: str
    anchor: str
    name: str
    place: str
    status: Status
    rows: int
    bad: tuple[tuple[str, str], ...]
    outcomes: tuple[tuple[str, int], ...]
    verifies: tuple[str, ...]
    bridges: tuple[str, ...]
    marks: Marks


@dataclass(frozen=True)
class FaultRow:
    """One seeded defect: what would fail, and whether that was shown in this build."""

    node: Node
    control: str
    would_fail_if: str
    shown: str
    killed_by: tuple[str, ...]
    cases: tuple[Case, ...]
    marks: Marks


@dataclass(frozen=True)
class ControlRow:
    """One control with its two verifications and its seeded defects."""

    node: Node
    implemented: Status
    effective: Status
    status: Status
    cases: tuple[Case, ...]
    faults: tuple[FaultRow, ...]
    requirements: tuple[str, ...]
    situations: tuple[str, ...]
    marks: Marks


@dataclass(frozen=True)
class RequirementRow:
    """One requirement under one need; ``first`` marks the line that carries the anchor."""

    node: Node
    first: bool
    item: str
    controls: tuple[Node, ...]
    sections: tuple[str, ...]
    cases: tuple[Case, ...]
    endpoints: tuple[Node, ...]
    anomalies: tuple[str, ...]
    status: Status
    marks: Marks


@dataclass(frozen=True)
class NeedBand:
    """A need with the requirements that serve it."""

    node: Node
    rows: tuple[RequirementRow, ...]
    verified: int
    status: Status


@dataclass(frozen=True)
class SituationRow:
    """One hazardous situation with its controls."""

    node: Node
    controls: tuple[ControlRow, ...]
    status: Status
    marks: Marks


@dataclass(frozen=True)
class HazardBand:
    """A hazard with its situations."""

    node: Node
    rows: tuple[SituationRow, ...]


@dataclass(frozen=True)
class ItemRow:
    """A software item with its modules, requirements and SOUP."""

    node: Node
    modules: tuple[str, ...]
    requirements: tuple[str, ...]
    soup: tuple[Node, ...]
    marks: Marks


@dataclass(frozen=True)
class PlainRow:
    """An item with the ids it names: anomalies and endpoints."""

    node: Node
    targets: tuple[str, ...]
    marks: Marks


@dataclass(frozen=True)
class Matrix:
    """Everything that is shown of one result of the gate."""

    result: GateResult
    needs: tuple[NeedBand, ...]
    hazards: tuple[HazardBand, ...]
    controls: tuple[ControlRow, ...]
    scenarios: tuple[Case, ...]
    faults: tuple[FaultRow, ...]
    anomalies: tuple[PlainRow, ...]
    items: tuple[ItemRow, ...]
    endpoints: tuple[PlainRow, ...]
    ledger: tuple[Entry, ...] = ()
    anchors: Mapping[str, str] = field(default_factory=dict)


def rows(result: GateResult, ledger: tuple[Entry, ...] = ()) -> Matrix:
    """Return everything the matrix shows of a result and of the ledger of obligations."""
    return _Tables(result.graph).matrix(result, ledger)


def anchor(name: str) -> str:
    """Return the anchor of a scenario, whose id holds spaces and slashes.

    >>> anchor("TC:polarity.feature::A scenario")
    'tc-dc1dff9f77'
    """
    return f"tc-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


class _Tables:
    """The tables of one graph, each entry computed when it is first asked for and never again."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._needs = {node.id: self._served(node.id) for node in graph.of(Kind.REQUIREMENT)}
        self._needs |= {node.id: self._needs_of_control(node.id) for node in graph.of(Kind.CONTROL)}
        self._anomalies = _concerned(graph)
        self.cases = {node.id: self._case(node) for node in graph.of(Kind.SCENARIO)}
        self.faults = {node.id: self._fault(node) for node in graph.of(Kind.FAULT)}
        self.controls = {node.id: self._control(node) for node in graph.of(Kind.CONTROL)}

    def matrix(self, result: GateResult, ledger: tuple[Entry, ...]) -> Matrix:
        """Return all rows, in the order of their ids."""
        graph = self.graph
        endpoints = tuple(
            PlainRow(node, graph.targets(node.id, Link.VERIFIES), Marks("endpoint", _passed(node)))
            for node in graph.of(Kind.ENDPOINT)
        )
        return Matrix(
            result=result,
            needs=tuple(self._need_bands()),
            hazards=tuple(self._hazard(node) for node in graph.of(Kind.HAZARD)),
            controls=tuple(self.controls.values()),
            scenarios=tuple(self.cases.values()),
            faults=tuple(self.faults.values()),
            anomalies=tuple(self._anomaly(node) for node in graph.of(Kind.ANOMALY)),
            items=tuple(self._item(node) for node in graph.of(Kind.ITEM)),
            endpoints=endpoints,
            ledger=ledger,
            anchors=_anchors(graph),
        )

    def _served(self, requirement: str) -> tuple[str, ...]:
        return tuple(name for name in self.graph.targets(requirement, Link.SERVES) if name in self.graph.nodes)

    def _needs_of_control(self, control: str) -> tuple[str, ...]:
        requirements = self.graph.targets(control, Link.IMPLEMENTED_BY)
        return _each_once(need for name in requirements for need in self._needs.get(name, ()))

    def _present(self, names: Iterable[str]) -> tuple[Node, ...]:
        return tuple(self.graph.nodes[name] for name in names if name in self.graph.nodes)

    def _case(self, node: Node) -> Case:
        verdicts = self.graph.verdicts.get(node.id, ())
        verifies = self.graph.targets(node.id, Link.VERIFIES)
        outcomes = Counter(str(verdict.outcome) for verdict in verdicts)
        status = self.graph.scenario_status(node.id)
        kinds = _each_once(str(each.facts["type"]) for each in self._present(verifies) if each.kind is Kind.CONTROL)
        needs = _each_once(need for name in verifies for need in self._needs.get(name, ()))
        return Case(
            id=node.id,
            anchor=anchor(node.id),
            name=node.title,
            place=node.where,
            status=status,
            rows=len(node.facts["rows"]),
            bad=tuple((verdict.row, str(verdict.outcome)) for verdict in verdicts if verdict.outcome is not Outcome.PASSED),
            outcomes=tuple(sorted(outcomes.items())),
            verifies=verifies,
            bridges=_each_once(verdict.bridge for verdict in verdicts if verdict.bridge),
            marks=Marks("scenario", str(status), needs, kinds, tuple(sorted(outcomes)) or ("none",)),
        )

    def _cases_of(self, item: str) -> tuple[Case, ...]:
        return tuple(self.cases[name] for name in self.graph.scenarios_of(item))

    def _fault(self, node: Node) -> FaultRow:
        control = next(iter(self.graph.targets(node.id, Link.SEEDED_AGAINST)), "")
        facts = node.facts
        shown = NOT_TRIED if facts.get("shown") is None else "shown" if facts["shown"] else "not shown"
        cases = tuple(self.cases[name] for name in facts.get("scenarios", ()) if name in self.cases)
        kinds = tuple(str(each.facts["type"]) for each in self._present((control,)) if each.kind is Kind.CONTROL)
        return FaultRow(
            node=node,
            control=control,
            would_fail_if=str(facts.get("would_fail_if", "")),
            shown=shown,
            killed_by=tuple(map(str, facts.get("killed_by", ()))),
            cases=cases,
            marks=Marks(str(Kind.FAULT), shown, self._needs.get(control, ()), kinds),
        )

    def _control(self, node: Node) -> ControlRow:
        graph = self.graph
        implemented, effective = graph.implemented(node.id), graph.effective(node.id)
        cases, situations = self._cases_of(node.id), graph.targets(node.id, Link.REDUCES)
        status = combined((implemented, effective))
        risks = _each_once(str(each.facts["residual"]) for each in self._present(situations) if each.facts.get("residual"))
        return ControlRow(
            node=node,
            implemented=implemented,
            effective=effective,
            status=status,
            cases=cases,
            faults=tuple(self.faults[name] for name in graph.sources(node.id, Link.SEEDED_AGAINST)),
            requirements=graph.targets(node.id, Link.IMPLEMENTED_BY),
            situations=situations,
            marks=Marks("control", str(status), self._needs[node.id], (str(node.facts["type"]),), _outcomes(cases), risks),
        )

    def _need_bands(self) -> Iterator[NeedBand]:
        """Yield the needs in order; a requirement that serves several stands under each, and carries its anchor under the first."""
        seen: set[str] = set()
        for need in self.graph.of(Kind.NEED):
            names = self.graph.sources(need.id, Link.SERVES)
            yield self._need(need, tuple(self._requirement(self.graph.nodes[name], first=name not in seen) for name in names))
            seen.update(names)
        left = [node for node in self.graph.of(Kind.REQUIREMENT) if node.id not in seen]
        if left:
            yield self._need(NO_NEED, tuple(self._requirement(node, first=True) for node in left))

    def _need(self, need: Node, found: tuple[RequirementRow, ...]) -> NeedBand:
        verified = sum(row.status is Status.PASSED for row in found)
        return NeedBand(need, found, verified, combined(row.status for row in found))

    def _requirement(self, node: Node, *, first: bool) -> RequirementRow:
        graph = self.graph
        controls = self._present(graph.targets(node.id, Link.DISPOSED_BY))
        cases, status = self._cases_of(node.id), graph.status(node.id)
        endpoints = (name for name in graph.sources(node.id, Link.VERIFIES) if graph.nodes[name].kind is Kind.ENDPOINT)
        kinds = _each_once(str(control.facts["type"]) for control in controls)
        return RequirementRow(
            node=node,
            first=first,
            item=", ".join(graph.targets(node.id, Link.ALLOCATED_TO)),
            controls=controls,
            sections=graph.targets(node.id, Link.RENDERED_IN),
            cases=cases,
            endpoints=self._present(endpoints),
            anomalies=self._anomalies.get(node.id, ()),
            status=status,
            marks=Marks("requirement", str(status), self._needs[node.id], kinds, _outcomes(cases)),
        )

    def _hazard(self, hazard: Node) -> HazardBand:
        names = self.graph.sources(hazard.id, Link.ARISES_FROM)
        return HazardBand(hazard, tuple(self._situation(self.graph.nodes[name]) for name in names))

    def _situation(self, node: Node) -> SituationRow:
        controls = tuple(self.controls[name] for name in self.graph.sources(node.id, Link.REDUCES))
        status = combined(control.status for control in controls)
        marks = Marks(
            "situation",
            str(status),
            _each_once(need for control in controls for need in control.marks.needs),
            _each_once(kind for control in controls for kind in control.marks.controls),
            _each_once(outcome for control in controls for outcome in control.marks.outcomes),
            (str(node.facts["residual"]),) if node.facts.get("residual") else (),
        )
        return SituationRow(node, controls, status, marks)

    def _anomaly(self, node: Node) -> PlainRow:
        situations = node.facts.get("situations", ())
        targets = tuple(name for name in self.graph.targets(node.id, Link.CONCERNS) if name not in situations)
        needs = _each_once(need for name in targets for need in self._needs.get(name, ()))
        return PlainRow(node, targets, Marks("anomaly", str(node.facts.get("state", "")), needs))

    def _item(self, node: Node) -> ItemRow:
        graph = self.graph
        requirements = graph.sources(node.id, Link.ALLOCATED_TO)
        needs = _each_once(need for name in requirements for need in self._needs.get(name, ()))
        return ItemRow(
            node=node,
            modules=graph.targets(node.id, Link.HOLDS),
            requirements=requirements,
            soup=self._present(graph.sources(node.id, Link.USED_BY)),
            marks=Marks("software item", needs=needs),
        )


def _concerned(graph: Graph) -> dict[str, tuple[str, ...]]:
    return _table((edge.target, edge.source) for edge in graph.edges if edge.link is Link.CONCERNS)


def _table(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    table: dict[str, list[str]] = defaultdict(list)
    for near, far in pairs:
        table[near].append(far)
    return {near: tuple(sorted(fars)) for near, fars in table.items()}


def _anchors(graph: Graph) -> dict[str, str]:
    """Return the anchor of every item that has a line of its own; modules, sections and SOUP stand inside other lines."""
    inside = (Kind.MODULE, Kind.SECTION, Kind.SOUP)
    return {
        name: anchor(name) if node.kind is Kind.SCENARIO else name
        for name, node in graph.nodes.items()
        if node.kind not in inside
    }


def _passed(node: Node) -> str:
    return str(Status.PASSED if node.facts.get("passed") else Status.NOT_PASSED)


def _outcomes(cases: tuple[Case, ...]) -> tuple[str, ...]:
    return _each_once(outcome for case in cases for outcome in case.marks.outcomes)


def _each_once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
