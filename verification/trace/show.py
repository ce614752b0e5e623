"""One item's whole chain for people: what it says and where, what it rests on (up), what rests on it (down), its results, and what the gate says of it.

Up leads to why an item exists (need, hazard, situation, what it verifies), down to what fulfils or shows it (requirement, software item, module,
scenario with its rows, seeded defect, section). Everything is read from the graph of the gate; nothing is judged here.

Source: IEC 62304 7.3.3; ISO 14971 4.5.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from verification.trace.graph import Graph, Kind, Link, Node, combined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from requirements_spec.changes import Change
    from requirements_spec.problem import Problem

DOWNWARD = frozenset({Link.ALLOCATED_TO, Link.HOLDS, Link.RENDERED_IN, Link.IMPLEMENTED_BY})
"""Links whose target lies below their source; of all others the target lies above."""

READ_BACKWARDS: dict[Link, str] = {
    Link.SERVES: "is served by",
    Link.ALLOCATED_TO: "has to meet",
    Link.HOLDS: "belongs to",
    Link.USED_BY: "uses",
    Link.RENDERED_IN: "renders",
    Link.DISPOSED_BY: "rests on",
    Link.ARISES_FROM: "leads to",
    Link.REDUCES: "is reduced by",
    Link.IMPLEMENTED_BY: "implements",
    Link.VERIFIES: "is verified by",
    Link.CONCERNS: "is concerned by",
    Link.SEEDED_AGAINST: "is put to the test by",
}
"""What a link says, read from its target to its source."""

SUGGESTIONS = 5
"""How many of the closest ids an unknown one is answered with."""

_ORDER = {str(kind): place for place, kind in enumerate(Kind)}


class UnknownItemError(LookupError):
    """No item of that name, or more than one; ``closest`` are the ids that may have been meant."""

    def __init__(self, name: str, closest: tuple[str, ...], *, ambiguous: bool) -> None:
        """Say which name it was."""
        found = f"{name!r} fits {len(closest)} items" if ambiguous else f"{name!r} is no item"
        super().__init__(found)
        self.closest = closest
        self.ambiguous = ambiguous


@dataclass(frozen=True, slots=True)
class Branch:
    """One item in a chain, seen from the one before it.

    Attributes:
        id: of the item.
        kind: what it is; ``missing`` where a link leads to nothing.
        title: its title.
        where: ``file:line``.
        links: the words of the links that lead here.
        status: what the accepted evidence says of it; empty where nothing can be said.
        notes: rows with their outcome, risk levels, "would fail if".
        repeated: whether it stands further up in full, so that its own branches are left out here.
        branches: the next items.
    """

    id: str
    kind: str
    title: str
    where: str
    links: tuple[str, ...]
    status: str
    notes: tuple[str, ...]
    repeated: bool
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """An item with everything that hangs on it.

    Attributes:
        id: of the item.
        kind: what it is.
        title: its title.
        where: ``file:line``.
        says: its content, name to text.
        fingerprint: of its content, SHA-256; None where it has none of its own.
        change: the last entry of its ledger; None where no ledger accounts for it.
        status: what the accepted evidence says of it.
        notes: as of a branch.
        up: what it rests on.
        down: what rests on it.
        problems: of the gate, concerning it.
        accepted: whether the last run is evidence for what lies here; without that no status is good.
    """

    id: str
    kind: str
    title: str
    where: str
    says: tuple[tuple[str, str], ...]
    fingerprint: str | None
    change: Change | None
    status: str
    notes: tuple[str, ...]
    up: tuple[Branch, ...]
    down: tuple[Branch, ...]
    problems: tuple[Problem, ...]
    accepted: bool


@dataclass(frozen=True, slots=True)
class Records:
    """What is known of items beside the graph, by id: content, fingerprint, last ledger entry, and the records of scenarios (IEC 62304 5.7.5)."""

    content: Mapping[str, Mapping[str, Any]]
    fingerprints: Mapping[str, str]
    changes: Mapping[str, Change]
    tests: Mapping[str, tuple[str, ...]]


def find(graph: Graph, name: str) -> Node:
    """Return the item of that name: an id in any case, a module's dotted name or path, or a part of exactly one scenario's id.

    Raises:
        UnknownItemError: none or several.
    """
    wanted = name.strip()
    spellings = (wanted, wanted.upper(), wanted.lower(), wanted.removesuffix(".py").replace("/", "."))
    for spelling in spellings:
        if spelling in graph.nodes:
            return graph.nodes[spelling]
    parts = [node for node in graph.of(Kind.SCENARIO) if wanted and wanted.casefold() in node.id.casefold()]
    if len(parts) == 1:
        return parts[0]
    closest = tuple(node.id for node in parts[:SUGGESTIONS]) if parts else _closest(graph, wanted)
    raise UnknownItemError(name, closest, ambiguous=len(parts) > 1)


def _closest(graph: Graph, name: str) -> tuple[str, ...]:
    """Return the ids that look most like the name, by id first, then by title."""
    by_name = {node.id.casefold(): node.id for node in graph.nodes.values()}
    by_title = {node.title.casefold(): node.id for node in graph.nodes.values()}
    ids = difflib.get_close_matches(name.casefold(), by_name, n=SUGGESTIONS, cutoff=0.5)
    titles = difflib.get_close_matches(name.casefold(), by_title, n=SUGGESTIONS, cutoff=0.5)
    found = [*(by_name[each] for each in ids), *(by_title[each] for each in titles)]
    return tuple(dict.fromkeys(found))[:SUGGESTIONS]


def chain(graph: Graph, node: Node, records: Records, problems: Iterable[Problem], *, accepted: bool) -> Chain:
    """Return an item's chain."""
    return Chain(
        id=node.id,
        kind=str(node.kind),
        title=node.title,
        where=node.where,
        says=tuple(_says(node, records)),
        fingerprint=records.fingerprints.get(node.id),
        change=records.changes.get(node.id),
        status=status(graph, node),
        notes=(*_notes(graph, node), *records.tests.get(node.id, ())),
        up=_branches(graph, node.id, records, upward=True, seen={node.id}),
        down=_branches(graph, node.id, records, upward=False, seen={node.id}),
        problems=tuple(problem for problem in problems if concerns(problem, node)),
        accepted=accepted,
    )


def concerns(problem: Problem, node: Node) -> bool:
    """Say whether a problem is about an item: it names the id, or stands on its line."""
    named = re.search(rf"(?<![\w-]){re.escape(node.id)}(?![\w-])", f"{problem.item} {problem.found}")
    return bool(named) or problem.where == node.where


def neighbours(graph: Graph, name: str, *, upward: bool) -> dict[str, tuple[str, ...]]:
    """Return the ids next above or below an item, each with the words of the links between, in the order of kinds."""
    found: dict[str, list[str]] = {}
    for link in Link:
        forwards = (link in DOWNWARD) != upward
        near = graph.targets(name, link) if forwards else graph.sources(name, link)
        for other in near:
            found.setdefault(other, []).append(str(link) if forwards else READ_BACKWARDS.get(link, f"of it: {link}"))
    return {other: tuple(found[other]) for other in sorted(found, key=lambda other: (_place(graph, other), other))}


def _place(graph: Graph, name: str) -> int:
    return _ORDER[str(graph.nodes[name].kind)] if name in graph.nodes else len(_ORDER)


def _branches(graph: Graph, name: str, records: Records, *, upward: bool, seen: set[str]) -> tuple[Branch, ...]:
    """Return what lies above or below, each item in full where it is met first."""
    found = neighbours(graph, name, upward=upward)
    new = {other for other in found if other not in seen}
    seen.update(found)
    return tuple(
        _branch(graph, other, words, records, upward=upward, seen=seen, repeated=other not in new)
        for other, words in found.items()
    )


def _branch(  # noqa: PLR0913  the parts of one step down a tree
    graph: Graph, name: str, words: tuple[str, ...], records: Records, *, upward: bool, seen: set[str], repeated: bool
) -> Branch:
    node = graph.nodes.get(name)
    if node is None:
        return Branch(name, "missing", "a link to nothing", "", words, "", (), repeated=False, branches=())
    further = () if repeated else _branches(graph, name, records, upward=upward, seen=seen)
    notes = () if repeated else (*_notes(graph, node), *records.tests.get(name, ()))
    return Branch(name, str(node.kind), node.title, node.where, words, status(graph, node), notes, repeated, further)


def status(graph: Graph, node: Node) -> str:
    """Return in words what the accepted evidence and the data say of an item; empty where there is nothing to say."""
    if node.kind in _RESTS_ON:
        return str(combined(graph.status(each) for each in graph.sources(node.id, _RESTS_ON[node.kind])))
    if node.kind is Kind.CONTROL:
        return f"implemented: {graph.implemented(node.id)}; effective: {graph.effective(node.id)}"
    if node.kind is Kind.SITUATION:
        return f"{_level(node, 'initial')} -> {_level(node, 'residual')}"
    return _own_status(graph, node)


_RESTS_ON = {Kind.NEED: Link.SERVES, Kind.ITEM: Link.ALLOCATED_TO}
"""Kinds that are as good as the requirements that name them, and by which link."""


def _own_status(graph: Graph, node: Node) -> str:
    if node.kind is Kind.REQUIREMENT:
        return str(graph.status(node.id))
    if node.kind is Kind.SCENARIO:
        return str(graph.scenario_status(node.id))
    if node.kind is Kind.ENDPOINT:
        return "passed" if node.facts.get("passed") is True else "not passed"
    missing = node.kind is Kind.SECTION and not node.facts.get("exists", True)
    return "no page" if missing else str(node.facts.get("state") or "")


def _level(node: Node, which: str) -> str:
    return f"{node.facts.get(f'{which}_level') or 'not judged'} {node.facts.get(which) or ''}".rstrip()


def _notes(graph: Graph, node: Node) -> Iterator[str]:
    """Yield the outcome of each row of a scenario, and what a seeded defect shows."""
    if node.kind is Kind.SCENARIO:
        for verdict in graph.verdicts.get(node.id, ()):
            reason = f" ({verdict.reason})" if verdict.reason else ""
            yield f"{verdict.row or 'result'}: {verdict.outcome}{reason}"
        for name in _faults_of(graph, node.id):
            yield f"would fail if: {graph.nodes[name].facts['would_fail_if']} ({name})"
    elif node.kind is Kind.FAULT:
        why = node.facts.get("reason")
        yield f"{_SHOWN[node.facts.get('shown')]}: {why}" if why else _SHOWN[node.facts.get("shown")]
        yield from (f"failed with it: {case}" for case in node.facts.get("killed_by", ()))
        if assertion := node.facts.get("assertion"):
            yield f"{node.facts.get('step')}: {assertion}"


_SHOWN: dict[bool | None, str] = {
    True: "shown in this build",
    False: "NOT shown in this build",
    None: "not executed for this build",
}


def _faults_of(graph: Graph, scenario: str) -> Iterator[str]:
    yield from (node.id for node in graph.of(Kind.FAULT) if scenario in node.facts["scenarios"])


_LINK_FIELDS = frozenset(
    {
        "id",
        "title",
        "where",
        "needs",
        "item",
        "controls",
        "sections",
        "situations",
        "requirements",
        "used_by",
        "modules",
        "label_section",
    }
)
"""Fields of the data that the tree shows."""


def _says(node: Node, records: Records) -> Iterator[tuple[str, str]]:
    """Yield what an item says: its own content where it has some, else the facts of its node."""
    content = records.content.get(node.id, node.facts)
    for name, value in content.items():
        shown = name not in _LINK_FIELDS or (name == "needs" and isinstance(value, str))
        text = _text(value) if shown else ""
        if text:
            yield "file is" if name == "status" else name.replace("_", " "), text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "; ".join(_text(each) for each in value)
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_text(each)}" for name, each in value.items() if _text(each))
    return "" if value is None else str(value)
