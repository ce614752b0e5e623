"""What a change touches: the items that changed, everything that is suspect because of them, and by which path of links. Pure: two states in, one answer out.

The rules (ADR 0017) follow a change along the links of both states together, so that a link that was removed still leads to what rested on it:

- *demand*: what is asked has changed (need, requirement, control, hazard, situation, policy). It flows down to what has to fulfil it and up to what relied on it.
- *support*: what fulfils it has changed (module, SOUP, software item, model, a page with a control's sentence). It flows up to what rests on it.
- *proof*: what shows it has changed (scenario, step, endpoint, seeded defect). It flows up to what was shown by it.
- *judgement*: an estimate or a design to be looked at again. It ends there.

A scenario is to be run again when it changed, when a definition it uses changed, or when what it verifies is demanded or fulfilled otherwise.

Source: IEC 62304 6.2.3, 6.3.1, 7.4.1 to 7.4.3, 8.2.3; ISO 14971 10.4.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from verification.trace.graph import Graph, Kind, Link
from verification.trace.show import READ_BACKWARDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MODEL = "MODEL"
"""Stands for the trained model, which no item describes: it changes with the files it is made from."""

POLICY = "POLICY-RISK"


class Aspect(StrEnum):
    """In which respect an item is suspect."""

    DEMAND = "demand"
    SUPPORT = "support"
    PROOF = "proof"
    JUDGEMENT = "judgement"


@dataclass(frozen=True, slots=True)
class Rule:
    """One way a suspicion goes: from items of a kind in some respects, along a link in one direction, to a respect."""

    kind: Kind
    aspects: frozenset[Aspect]
    link: Link
    forwards: bool
    to: Aspect


_D, _S, _P, _J = Aspect.DEMAND, Aspect.SUPPORT, Aspect.PROOF, Aspect.JUDGEMENT


def _rule(kind: Kind, aspects: Iterable[Aspect], link: Link, to: Aspect, *, forwards: bool) -> Rule:
    return Rule(kind, frozenset(aspects), link, forwards, to)


RULES: tuple[Rule, ...] = (
    _rule(Kind.NEED, [_D], Link.SERVES, _D, forwards=False),
    _rule(Kind.NEED, [_D], Link.RENDERED_IN, _J, forwards=True),
    _rule(Kind.REQUIREMENT, [_D, _S], Link.VERIFIES, _J, forwards=False),
    _rule(Kind.REQUIREMENT, [_D, _S], Link.RENDERED_IN, _J, forwards=True),
    _rule(Kind.REQUIREMENT, [_D], Link.ALLOCATED_TO, _J, forwards=True),
    _rule(Kind.REQUIREMENT, [_D, _S], Link.DISPOSED_BY, _S, forwards=True),
    _rule(Kind.REQUIREMENT, [_D, _S], Link.IMPLEMENTED_BY, _S, forwards=False),
    _rule(Kind.REQUIREMENT, [_P], Link.DISPOSED_BY, _P, forwards=True),
    _rule(Kind.REQUIREMENT, [_P], Link.IMPLEMENTED_BY, _P, forwards=False),
    _rule(Kind.CONTROL, [_D], Link.IMPLEMENTED_BY, _D, forwards=True),
    _rule(Kind.CONTROL, [_D], Link.DISPOSED_BY, _D, forwards=False),
    _rule(Kind.CONTROL, [_D], Link.RENDERED_IN, _J, forwards=True),
    _rule(Kind.CONTROL, [_D, _S], Link.VERIFIES, _J, forwards=False),
    _rule(Kind.CONTROL, [_D, _S, _P], Link.REDUCES, _J, forwards=True),
    _rule(Kind.HAZARD, [_D], Link.ARISES_FROM, _D, forwards=False),
    _rule(Kind.SITUATION, [_D], Link.REDUCES, _J, forwards=False),
    _rule(Kind.MODULE, [_S], Link.HOLDS, _S, forwards=False),
    _rule(Kind.SOUP, [_S], Link.USED_BY, _S, forwards=True),
    _rule(Kind.ITEM, [_S], Link.ALLOCATED_TO, _S, forwards=False),
    _rule(Kind.SECTION, [_S], Link.RENDERED_IN, _S, forwards=False),
    _rule(Kind.SCENARIO, [_P], Link.VERIFIES, _P, forwards=True),
    _rule(Kind.ENDPOINT, [_P], Link.VERIFIES, _P, forwards=True),
    _rule(Kind.ENDPOINT, [_S], Link.VERIFIES, _S, forwards=True),
    _rule(Kind.CONTROL, [_D, _S, _P], Link.SEEDED_AGAINST, _J, forwards=False),
    _rule(Kind.FAULT, [_P], Link.SEEDED_AGAINST, _P, forwards=True),
    _rule(Kind.ANOMALY, [_D], Link.CONCERNS, _J, forwards=True),
)
"""Every way a suspicion goes. A section passes its suspicion on only to controls, whose sentence it holds; see ``_may``."""

BEGINS: dict[str, Aspect] = {
    str(Kind.NEED): _D,
    str(Kind.REQUIREMENT): _D,
    str(Kind.CONTROL): _D,
    str(Kind.HAZARD): _D,
    str(Kind.SITUATION): _D,
    str(Kind.ANOMALY): _D,
    str(Kind.ITEM): _S,
    str(Kind.MODULE): _S,
    str(Kind.SOUP): _S,
    str(Kind.SECTION): _S,
    str(Kind.SCENARIO): _P,
    str(Kind.ENDPOINT): _P,
    str(Kind.FAULT): _P,
}
"""In which respect an item that changed is suspect itself."""

SHOWN_IN: dict[str, tuple[str, ...]] = {
    str(Kind.NEED): ("user-needs",),
    str(Kind.REQUIREMENT): ("software-requirements",),
    str(Kind.ITEM): ("architecture",),
    str(Kind.MODULE): ("architecture",),
    str(Kind.SOUP): ("soup",),
    str(Kind.HAZARD): ("risk-management",),
    str(Kind.SITUATION): ("risk-management",),
    str(Kind.CONTROL): ("risk-management",),
    str(Kind.SCENARIO): ("verification",),
    str(Kind.ENDPOINT): ("validation",),
    "system": ("architecture", "device-description"),
    "policy": ("risk-management",),
    "model": ("model", "data", "validation"),
}
"""Sections that list every item of a kind, whatever the items themselves name. The matrix of ``traceability`` lists every item that is in the graph."""


@dataclass(frozen=True, slots=True)
class State:
    """One revision as far as impact needs it.

    Attributes:
        graph: items and links, without results.
        fingerprints: content of every item by id; of things beside the graph (system, policy) too.
        kinds: of those things.
        uses: what each scenario depends on, by scenario id: names of definitions in the step files.
        definitions: SHA-256 of each definition.
        unread: what could not be read, one sentence each; where there is something, the answer is incomplete.
    """

    graph: Graph
    fingerprints: Mapping[str, str]
    kinds: Mapping[str, str]
    uses: Mapping[str, frozenset[str]]
    definitions: Mapping[str, str]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """One thing that differs between the states: ``added``, ``removed``, ``changed`` or, for a scenario, ``step changed``."""

    id: str
    kind: str
    how: str
    title: str
    where: str
    steps: tuple[str, ...] = ()
    """Of a scenario whose steps are defined otherwise: the definitions that differ."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """One item that has to be looked at again.

    Attributes:
        id: of the item.
        kind: what it is.
        title: its title.
        where: ``file:line``.
        path: from the item that changed to this one: (id, words of the link that leads on), ending with this id and no words.
    """

    id: str
    kind: str
    title: str
    where: str
    path: tuple[tuple[str, str], ...]

    @property
    def origin(self) -> str:
        """The changed item that the path begins at."""
        return self.path[0][0]


@dataclass(frozen=True, slots=True)
class Impact:
    """What changed and what follows.

    Attributes:
        changed: items that differ, sorted.
        suspects: items that have to be looked at again, nearest first; changed items that exist still are not repeated here.
        rerun: scenarios to be run again: suspect ones and those that changed and exist still.
        loose: changed files that belong to no item.
        quiet: changed files of items in which no item's content changed: comments, layout, order.
        unread: what could not be read in either state.
    """

    changed: tuple[Changed, ...]
    suspects: tuple[Suspect, ...]
    rerun: tuple[str, ...]
    loose: tuple[str, ...]
    quiet: tuple[str, ...]
    unread: tuple[str, ...] = ()

    def of(self, *kinds: str) -> tuple[Suspect, ...]:
        """Return the suspects of some kinds."""
        return tuple(suspect for suspect in self.suspects if suspect.kind in kinds)


@dataclass(frozen=True)
class _Union:
    """Both states as one graph: every item as it is now, or as it was, and every link of either."""

    before: State
    after: State
    nodes: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", {**self.before.graph.nodes, **self.after.graph.nodes})

    def next(self, name: str, rule: Rule) -> list[str]:
        """Return where a rule leads from an item."""
        graphs = (self.before.graph, self.after.graph)
        tables = (graph.targets(name, rule.link) if rule.forwards else graph.sources(name, rule.link) for graph in graphs)
        return sorted({other for table in tables for other in table if other in self.nodes})


def impact(before: State, after: State, files: Iterable[str], owners: Mapping[str, tuple[str, ...]]) -> Impact:
    """Return what changed between two states and everything that is suspect.

    Args:
        before: the older state.
        after: the newer one.
        files: paths that differ.
        owners: for paths that belong to items beside the data files: ids of the items, or an empty tuple where only content decides.
    """
    union = _Union(before, after)
    files = tuple(files)
    steps_changed = _changed_definitions(before, after)
    changed = _changed(union, steps_changed, {name for path in files for name in owners.get(path, ())})
    found = _spread(union, changed)
    suspects = tuple(_suspects(union, found, {each.id for each in changed}))
    rerun = {each.id for each in changed if each.kind == str(Kind.SCENARIO) and each.how != "removed"}
    rerun |= {suspect.id for suspect in suspects if suspect.kind == str(Kind.SCENARIO) and suspect.id in after.graph.nodes}
    touched = {path.split("::", 1)[0] for path in steps_changed} | _places(changed)
    return Impact(
        changed=changed,
        suspects=suspects,
        rerun=tuple(sorted(rerun)),
        loose=tuple(sorted(path for path in files if path not in owners)),
        quiet=tuple(sorted(path for path in files if path in owners and not owners[path] and path not in touched)),
        unread=(*(f"before: {each}" for each in before.unread), *(f"after: {each}" for each in after.unread)),
    )


def _changed_definitions(before: State, after: State) -> frozenset[str]:
    names = before.definitions.keys() | after.definitions.keys()
    return frozenset(name for name in names if before.definitions.get(name) != after.definitions.get(name))


def _changed(union: _Union, steps: frozenset[str], owned: set[str]) -> tuple[Changed, ...]:
    """Return every item whose content differs, that a changed file belongs to, or, of scenarios, whose steps are defined otherwise."""
    before, after = union.before, union.after
    how: dict[str, str] = {}
    for name in sorted(before.fingerprints.keys() | after.fingerprints.keys()):
        old, new = before.fingerprints.get(name), after.fingerprints.get(name)
        if old != new:
            how[name] = "added" if old is None else "removed" if new is None else "changed"
    for name in owned:
        how.setdefault(name, "changed")
    otherwise: dict[str, tuple[str, ...]] = {}
    for name in before.uses.keys() | after.uses.keys():
        if differ := steps & (before.uses.get(name, frozenset()) | after.uses.get(name, frozenset())):
            how.setdefault(name, "step changed")
            otherwise[name] = tuple(sorted(differ))
    return tuple(_described(union, name, how[name], otherwise.get(name, ())) for name in sorted(how))


def _described(union: _Union, name: str, how: str, steps: tuple[str, ...]) -> Changed:
    node = union.nodes.get(name)
    if node is not None:
        return Changed(name, str(node.kind), how, node.title, node.where, steps)
    kind = "model" if name == MODEL else {**union.before.kinds, **union.after.kinds}.get(name, "")
    return Changed(name, kind, how, "", "")


def _places(changed: Iterable[Changed]) -> set[str]:
    return {each.where.rpartition(":")[0] for each in changed}


Path = tuple[tuple[str, str], ...]
"""From the item that changed to a suspect one: (id, words of the link that leads on), the last without words."""


def _spread(union: _Union, changed: tuple[Changed, ...]) -> dict[tuple[str, Aspect], Path]:
    """Follow the rules from everything that changed, breadth first, and return the shortest path to each item in each respect."""
    paths: dict[tuple[str, Aspect], Path] = {}
    waiting = deque(_begun(union, changed))
    while waiting:
        name, aspect, path = waiting.popleft()
        if (name, aspect) not in paths:
            paths[name, aspect] = path
            waiting.extend(_onwards(union, name, aspect, path))
    return paths


def _begun(union: _Union, changed: tuple[Changed, ...]) -> Iterator[tuple[str, Aspect, Path]]:
    """Yield what changed, then what a change leads to without a link."""
    yield from ((each.id, BEGINS[each.kind], ((each.id, ""),)) for each in changed if each.kind in BEGINS)
    for each in changed:
        yield from ((name, aspect, ((each.id, words), (name, ""))) for name, aspect, words in _beside(union, each))


def _onwards(union: _Union, name: str, aspect: Aspect, path: Path) -> Iterator[tuple[str, Aspect, Path]]:
    """Yield one step of every rule that applies."""
    for rule in _RULES_OF[union.nodes[name].kind, aspect]:
        words = str(rule.link) if rule.forwards else READ_BACKWARDS[rule.link]
        for other in union.next(name, rule):
            if _may(union, name, other):
                yield other, rule.to, (*path[:-1], (name, words), (other, ""))


_RULES_OF: dict[tuple[Kind, Aspect], tuple[Rule, ...]] = {
    (kind, aspect): tuple(rule for rule in RULES if rule.kind is kind and aspect in rule.aspects)
    for kind in Kind
    for aspect in Aspect
}


def _may(union: _Union, name: str, other: str) -> bool:
    """Say whether a suspicion may go there: a page that changed concerns the controls whose sentence it holds, not every item it lists."""
    return union.nodes[name].kind is not Kind.SECTION or union.nodes[other].kind is Kind.CONTROL


def _beside(union: _Union, each: Changed) -> Iterator[tuple[str, Aspect, str]]:
    """Yield where a change leads without a link: lists in sections, situations under a policy, endpoints of a model."""
    listed = (*SHOWN_IN.get(each.kind, ()), *(("traceability",) if each.id in union.nodes and each.kind != Kind.SECTION else ()))
    yield from ((name, _J, "is listed in") for name in listed if name in union.nodes)
    if each.kind == "policy":
        yield from ((name, _J, "judges") for name, node in union.nodes.items() if node.kind is Kind.SITUATION)
    if each.kind == "system":
        yield from ((name, _J, "consists of") for name, node in union.nodes.items() if node.kind is Kind.ITEM)
    if each.kind == "model":
        yield from ((name, _S, "is judged by") for name, node in union.nodes.items() if node.kind is Kind.ENDPOINT)


def _suspects(union: _Union, found: Mapping[tuple[str, Aspect], Path], changed: set[str]) -> Iterator[Suspect]:
    """Yield each item once, by its shortest path, nearest first; what changed is listed as changed."""
    shortest: dict[str, Path] = {}
    for (name, _), path in found.items():
        if name not in changed and (name not in shortest or len(path) < len(shortest[name])):
            shortest[name] = path
    for name in sorted(shortest, key=lambda name: (len(shortest[name]), name)):
        node = union.nodes[name]
        yield Suspect(name, str(node.kind), node.title, node.where, shortest[name])


def to_json(result: Impact, before: str, after: str) -> dict[str, Any]:
    """Return the answer as plain data."""
    return {
        "schema": "thoratrace/impact/1",
        "before": before,
        "after": after,
        "complete": not result.unread,
        "unread": list(result.unread),
        "changed": [asdict(each) for each in result.changed],
        "suspect": [
            {
                "id": each.id,
                "kind": each.kind,
                "title": each.title,
                "where": each.where,
                "path": [list(step) for step in each.path],
            }
            for each in result.suspects
        ],
        "rerun": list(result.rerun),
        "files_of_no_item": list(result.loose),
        "files_without_effect": list(result.quiet),
    }
