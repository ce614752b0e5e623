"""The trace matrix as one HTML file: needs to requirements to controls to scenarios with their results, then hazards to controls and residuals.

The page needs nothing but itself: styles and the few lines of script for the filter are inline, every text is escaped by the template engine, and no
time is in it, so equal graphs give equal bytes. It shows what the gate accepted and says what it does not show.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from verification.trace.graph import Graph, Kind, Link, Node, Status, combined
from verification.trace.outcomes import MEANING, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from verification.trace.gate import GateResult

MATRIX = "artifacts/trace/matrix.html"
TECHNICAL_FILE = "../technical_file/html"
"""Where the technical file lies, seen from the matrix."""

NOT_SHOWN = (
    "Unit, property and architecture tests. They are extra and count for no requirement.",
    "Whether a linked scenario would fail if its control were removed. Seeded defects for each control are planned and not part of this version.",
    "Signatures and reviews. Level development asks for change entries only; release and submission name what is missing.",
    "Performance in patients. Validation endpoints on phantom films are phantom results.",
    "Anything that was not accepted as evidence: results of another state of the sources are refused, not displayed.",
)
"""What a reader might look for here in vain, said before the tables."""


@dataclass(frozen=True)
class Case:
    """One scenario in a cell: its name, place, status, and the rows that are no clean pass."""

    id: str
    anchor: str
    name: str
    place: str
    link: str
    status: Status
    rows: int
    bad: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ControlCell:
    """One control in a cell."""

    node: Node
    implemented: Status
    effective: Status
    cases: tuple[Case, ...]
    requirements: tuple[str, ...]
    situations: tuple[str, ...]

    @property
    def status(self) -> Status:
        """What both verifications say together."""
        return combined((self.implemented, self.effective))


@dataclass(frozen=True)
class RequirementRow:
    """One line of the first table; ``first`` marks the line that carries the anchor."""

    node: Node
    first: bool
    item: str
    controls: tuple[Node, ...]
    sections: tuple[str, ...]
    cases: tuple[Case, ...]
    endpoints: tuple[Node, ...]
    status: Status


@dataclass(frozen=True)
class NeedBand:
    """A need with the requirements that serve it."""

    node: Node
    rows: tuple[RequirementRow, ...]
    verified: int
    status: Status


@dataclass(frozen=True)
class SituationRow:
    """One line of the second table."""

    node: Node
    controls: tuple[ControlCell, ...]
    status: Status


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


def write(root: Path, result: GateResult) -> Path:
    """Write the matrix of a gate's result under artifacts/trace, whole or not at all, and return its path."""
    path = root / MATRIX
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(render(result), encoding="utf-8")
    draft.replace(path)
    return path


def render(result: GateResult) -> str:
    """Return the page; the same result always gives the same text."""
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("matrix.html.j2").render(view(result)) + "\n"


def view(result: GateResult) -> dict[str, Any]:
    """Return everything the page prints, in its order."""
    graph = result.graph
    requirements = graph.of(Kind.REQUIREMENT)
    statuses = Counter(graph.status(node.id) for node in requirements)
    return {
        "result": result,
        "by_code": sorted(Counter(problem.code for problem in result.problems).items()),
        "requirement_counts": [(str(status), statuses[status]) for status in Status],
        "outcomes": _outcome_counts(graph),
        "meaning": {str(outcome): text for outcome, text in MEANING.items()},
        "not_shown": NOT_SHOWN,
        "needs": _need_bands(graph),
        "hazards": [_hazard_band(graph, node) for node in graph.of(Kind.HAZARD)],
        "controls": [_control_cell(graph, node) for node in graph.of(Kind.CONTROL)],
        "items": [_item_row(graph, node) for node in graph.of(Kind.ITEM)],
        "endpoints": [(node, graph.targets(node.id, Link.VERIFIES)) for node in graph.of(Kind.ENDPOINT)],
        "scenarios": [_case(graph, node.id) for node in graph.of(Kind.SCENARIO)],
        "tags": {node.id: graph.targets(node.id, Link.VERIFIES) for node in graph.of(Kind.SCENARIO)},
        "technical_file": TECHNICAL_FILE,
    }


def _outcome_counts(graph: Graph) -> list[tuple[str, int]]:
    counts = Counter(str(verdict.outcome) for verdicts in graph.verdicts.values() for verdict in verdicts)
    return sorted(counts.items())


def _need_bands(graph: Graph) -> list[NeedBand]:
    """Return the needs in order; a requirement that serves several stands under each, and carries its anchor under the first."""
    seen: set[str] = set()
    bands = []
    for need in graph.of(Kind.NEED):
        names = graph.sources(need.id, Link.SERVES)
        rows = tuple(_requirement_row(graph, graph.nodes[name], first=name not in seen) for name in names)
        seen.update(names)
        verified = sum(row.status is Status.PASSED for row in rows)
        bands.append(NeedBand(need, rows, verified, combined(row.status for row in rows)))
    return bands


def _requirement_row(graph: Graph, node: Node, *, first: bool) -> RequirementRow:
    endpoints = (name for name in graph.sources(node.id, Link.VERIFIES) if graph.nodes[name].kind is Kind.ENDPOINT)
    return RequirementRow(
        node=node,
        first=first,
        item=", ".join(graph.targets(node.id, Link.ALLOCATED_TO)),
        controls=_present(graph, graph.targets(node.id, Link.DISPOSED_BY)),
        sections=graph.targets(node.id, Link.RENDERED_IN),
        cases=tuple(_case(graph, name) for name in graph.scenarios_of(node.id)),
        endpoints=_present(graph, endpoints),
        status=graph.status(node.id),
    )


def _present(graph: Graph, names: Iterable[str]) -> tuple[Node, ...]:
    return tuple(graph.nodes[name] for name in names if name in graph.nodes)


def _case(graph: Graph, name: str) -> Case:
    node = graph.nodes[name]
    verdicts = graph.verdicts.get(name, ())
    bad = tuple((verdict.row, str(verdict.outcome)) for verdict in verdicts if verdict.outcome is not Outcome.PASSED)
    path = node.where.rsplit(":", maxsplit=1)[0]
    up = os.path.relpath(path, Path(MATRIX).parent)
    return Case(name, anchor(name), node.title, node.where, up, graph.scenario_status(name), len(node.facts["rows"]), bad)


def anchor(name: str) -> str:
    """Return the anchor of a scenario, whose id holds spaces and slashes.

    >>> anchor("TC:polarity.feature::A scenario")
    'tc-dc1dff9f77'
    """
    return f"tc-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def _hazard_band(graph: Graph, hazard: Node) -> HazardBand:
    names = graph.sources(hazard.id, Link.ARISES_FROM)
    return HazardBand(hazard, tuple(_situation_row(graph, graph.nodes[name]) for name in names))


def _situation_row(graph: Graph, node: Node) -> SituationRow:
    cells = tuple(_control_cell(graph, graph.nodes[name]) for name in graph.sources(node.id, Link.REDUCES))
    return SituationRow(node, cells, combined(cell.status for cell in cells))


def _control_cell(graph: Graph, node: Node) -> ControlCell:
    cases = tuple(_case(graph, name) for name in graph.scenarios_of(node.id))
    return ControlCell(
        node=node,
        implemented=graph.implemented(node.id),
        effective=graph.effective(node.id),
        cases=cases,
        requirements=graph.targets(node.id, Link.IMPLEMENTED_BY),
        situations=graph.targets(node.id, Link.REDUCES),
    )


def _item_row(graph: Graph, node: Node) -> ItemRow:
    return ItemRow(
        node=node,
        modules=graph.targets(node.id, Link.HOLDS),
        requirements=graph.sources(node.id, Link.ALLOCATED_TO),
        soup=_present(graph, graph.sources(node.id, Link.USED_BY)),
    )
