"""Draws an audit sample of the chains: stratified, weighted towards safety, deterministic, and says how it was drawn.

Method. Every item belongs to the first stratum of `STRATA` that takes it. Of ``n`` chains two thirds (rounded up) go to the safety strata, the rest to
the others; inside each half by proportional allocation (largest remainder), at least one for every stratum as long as there are enough, and never more than
a stratum holds. Inside a stratum the items with the smallest SHA-256 of ``seed:id`` are drawn: the draw depends on nothing but seed and ids, and a new
item moves no other.

What a clean sample says is stated for each stratum: the largest number of faulty items among its ``N`` that a sample of ``k`` without a fault leaves possible
at 95 % confidence (hypergeometric, exact).

Source: stratified sampling and proportional allocation after Cochran, Sampling Techniques, 3rd ed., chapter 5; the bound follows from the
hypergeometric distribution.
"""

from __future__ import annotations

import hashlib
import textwrap
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any

from verification.trace.graph import Kind, Link, Node
from verification.trace.show import status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from verification.trace.graph import Graph

SAFETY_SHARE = (2, 3)
"""Share of the sample for the safety strata."""

MISSED = 0.05
"""Probability of overlooking a fault that the bound allows for: 1 - 95 %."""

METHOD = (
    "stratified; two thirds of the sample to controls, safety requirements and hazardous situations, the rest to the other strata; proportional inside each part "
    "(largest remainder, at least one a stratum where there are enough); inside a stratum the smallest SHA-256 of seed:id"
)


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the population: its name, whether safety rests on it, and which items it takes."""

    name: str
    safety: bool
    takes: Callable[[Node], bool]


STRATA = (
    Stratum("controls", True, lambda node: node.kind is Kind.CONTROL),
    Stratum("safety requirements", True, lambda node: node.kind is Kind.REQUIREMENT and bool(node.facts.get("safety"))),
    Stratum("hazardous situations", True, lambda node: node.kind is Kind.SITUATION),
    Stratum("other requirements", False, lambda node: node.kind is Kind.REQUIREMENT),
    Stratum("user needs", False, lambda node: node.kind is Kind.NEED),
    Stratum("SOUP items", False, lambda node: node.kind is Kind.SOUP),
)
"""Every stratum, in the order in which they are asked."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One chain of the sample: the item, its stratum, and what an auditor ticks off."""

    id: str
    kind: str
    title: str
    where: str
    stratum: str
    status: str
    ticks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """What was drawn from one stratum: population, sample, and how many faults a clean sample leaves possible."""

    stratum: str
    population: int
    drawn: int
    faults_possible: int


@dataclass(frozen=True, slots=True)
class Sample:
    """An audit sample with everything needed to draw it again."""

    n: int
    seed: str
    shares: tuple[Share, ...]
    drawn: tuple[Drawn, ...]


def draw(graph: Graph, n: int, seed: str) -> Sample:
    """Draw ``n`` chains, or all there are.

    Raises:
        ValueError: n is less than 1.
    """
    if n < 1:
        raise ValueError(f"found {n} chains to draw, expected at least 1")
    population = _population(graph)
    counts = allocate({name: len(nodes) for name, nodes in population.items()}, n)
    drawn = {name: _smallest(nodes, counts[name], seed) for name, nodes in population.items()}
    shares = tuple(
        Share(name, len(nodes), counts[name], faults_possible(len(nodes), counts[name])) for name, nodes in population.items()
    )
    return Sample(n, seed, shares, tuple(_drawn(graph, node, name) for name, nodes in drawn.items() for node in nodes))


def _population(graph: Graph) -> dict[str, list[Node]]:
    strata: dict[str, list[Node]] = {stratum.name: [] for stratum in STRATA}
    for node in sorted(graph.nodes.values(), key=lambda node: node.id):
        taking = next((stratum for stratum in STRATA if stratum.takes(node)), None)
        if taking is not None:
            strata[taking.name].append(node)
    return strata


def allocate(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Return how many to draw of each stratum; never more than it holds, ``min(n, all)`` in sum.

    >>> allocate({"controls": 30, "safety requirements": 50, "hazardous situations": 20, "other requirements": 20, "user needs": 16, "SOUP items": 14}, 9)
    {'controls': 2, 'safety requirements': 3, 'hazardous situations': 1, 'other requirements': 1, 'user needs': 1, 'SOUP items': 1}
    """
    safety = [stratum.name for stratum in STRATA if stratum.safety]
    others = [stratum.name for stratum in STRATA if not stratum.safety]
    numerator, denominator = SAFETY_SHARE
    wanted = -(-n * numerator // denominator)
    held = sum(sizes.get(name, 0) for name in safety)
    rest = sum(sizes.get(name, 0) for name in others)
    first = min(max(wanted, n - rest), held)
    return {
        **_proportional({name: sizes.get(name, 0) for name in safety}, first),
        **_proportional({name: sizes.get(name, 0) for name in others}, min(n - first, rest)),
    }


def _proportional(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Allocate by size with the largest remainders, one to each stratum first where there are enough."""
    filled = [name for name, size in sizes.items() if size]
    counts = {name: int(name in filled and n >= len(filled)) for name in sizes}
    whole = sum(sizes.values())
    while sum(counts.values()) < n:
        open_ones = [name for name in filled if counts[name] < sizes[name]]
        most_owed = max(open_ones, key=lambda name: (n * sizes[name] / whole - counts[name], -list(sizes).index(name)))
        counts[most_owed] += 1
    return counts


def _smallest(nodes: Sequence[Node], count: int, seed: str) -> list[Node]:
    return sorted(nodes, key=lambda node: hashlib.sha256(f"{seed}:{node.id}".encode()).hexdigest())[:count]


def faults_possible(population: int, sample: int) -> int:
    """Return the largest number D of faulty items with P(no fault in the sample) = C(N - D, k) / C(N, k) >= 5 %.

    >>> faults_possible(32, 32), faults_possible(32, 10), faults_possible(32, 0)
    (0, 7, 32)
    """
    ways = comb(population, sample)
    return max(faulty for faulty in range(population + 1) if comb(population - faulty, sample) >= MISSED * ways)


def _drawn(graph: Graph, node: Node, stratum: str) -> Drawn:
    return Drawn(
        node.id, str(node.kind), node.title, node.where, stratum, status(graph, node), (*_own_ticks(graph, node), *_COMMON)
    )


_COMMON = ("The last entry of its ledger gives a reason that explains this content.",)


def _own_ticks(graph: Graph, node: Node) -> tuple[str, ...]:
    """Return what to look at, with the places to look."""
    match node.kind:
        case Kind.CONTROL:
            return (
                "The measure, as worded, acts on the situations it names: " + _listed(graph.targets(node.id, Link.REDUCES)) + ".",
                "The requirements together implement it: " + _listed(graph.targets(node.id, Link.IMPLEMENTED_BY)) + ".",
                "Each scenario tagged with it would fail without it (look at its Then steps and the seeded defects): "
                + _places(graph, node.id)
                + ".",
                "The claimed steps and the risks arising from it are plausible.",
            )
        case Kind.REQUIREMENT:
            return (
                "The text is one testable demand, and serves what its needs say: "
                + _listed(graph.targets(node.id, Link.SERVES))
                + ".",
                "Its risk disposition is right: " + _disposition(graph, node) + ".",
                "Its scenarios assert what the acceptance criterion says: " + _places(graph, node.id) + ".",
                "The result of each row in junit.xml is a clean pass of this build.",
                "The sections render it: " + _listed(graph.targets(node.id, Link.RENDERED_IN)) + ".",
            )
        case Kind.SITUATION:
            return (
                "Severity and probability follow from the basis given, before and after the controls.",
                "Its controls act on it: " + _listed(graph.sources(node.id, Link.REDUCES)) + ".",
                "The hazard's sequence of events leads to it: " + _listed(graph.targets(node.id, Link.ARISES_FROM)) + ".",
            )
        case Kind.NEED:
            return (
                "A person of the role named would say this.",
                "The requirements together meet it: " + _listed(graph.sources(node.id, Link.SERVES)) + ".",
            )
    return (
        "The version is that of the lock, and of the environment in the record of the run.",
        "What is required of it is shown by scenarios of the items that use it: "
        + _listed(graph.targets(node.id, Link.USED_BY))
        + ".",
        "Its list of anomalies was read, and those that matter are assessed.",
    )


def _disposition(graph: Graph, node: Node) -> str:
    controls = graph.targets(node.id, Link.DISPOSED_BY)
    return _listed(controls) if controls else f"not risk-related ({node.facts.get('not_risk_related') or 'no reason'})"


def _places(graph: Graph, name: str) -> str:
    return _listed(sorted((graph.nodes[each].where for each in graph.scenarios_of(name)), key=_file_and_line))


def _file_and_line(where: str) -> tuple[str, int]:
    """Return a place as file and number, so that line 9 comes before line 10.

    >>> sorted(["a:10", "a:9"], key=_file_and_line)
    ['a:9', 'a:10']
    """
    file, _, line = where.rpartition(":")
    return file, int(line) if line.isdigit() else 0


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def to_json(sample: Sample, identity: str | None) -> dict[str, Any]:
    """Return the sample as plain data, with the identity of what it was drawn from."""
    return {
        "schema": "thoratrace/sample/1",
        "n": sample.n,
        "seed": sample.seed,
        "method": METHOD,
        "identity": identity,
        "population": {
            share.stratum: {"population": share.population, "drawn": share.drawn, "faults_possible": share.faults_possible}
            for share in sample.shares
        },
        "drawn": [
            {
                "id": each.id,
                "kind": each.kind,
                "title": each.title,
                "where": each.where,
                "stratum": each.stratum,
                "status": each.status,
                "ticks": list(each.ticks),
            }
            for each in sample.drawn
        ],
    }


def to_text(sample: Sample, width: int) -> str:
    """Return the sample as a list to print and tick off."""
    lines = [_wrap(f"Audit sample of {len(sample.drawn)} chains, seed {sample.seed}. Method: {METHOD}.", "", "  ", width), ""]
    lines.append(f"{'stratum':<22}{'population':>11}{'drawn':>7}   a clean sample leaves (95 %)")
    for share in sample.shares:
        possible = "all of it unknown" if not share.drawn and share.population else f"at most {share.faults_possible} faulty"
        lines.append(f"{share.stratum:<22}{share.population:>11}{share.drawn:>7}   {possible}")
    for number, each in enumerate(sample.drawn, start=1):
        lines += ["", _wrap(f"{number}. {each.id}  {each.title}", "", "   ", width), f"   {each.stratum}", f"   {each.where}"]
        if each.status:
            lines.append(_wrap(each.status, "   ", "   ", width))
        lines += [_wrap(tick, "   [ ] ", "       ", width) for tick in each.ticks]
        lines.append(f"   whole chain: ./qms show {each.id}")
    return "\n".join(lines)


def _wrap(text: str, first: str, rest: str, width: int) -> str:
    return "\n".join(
        textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)
    )
