"""Risks that arise from controls (ISO 14971 7.5): whether each is assessed, what carries it, and where control and risk chase each other.

A risk that a control brings ends in one of two ways. Its own estimate is acceptable by the matrix, and the matter is closed; or hazardous situations of the
file carry it, and then those must exist and be controlled. A chain control -> situation -> control that leads back to where it began closes nothing,
because each risk in it is answered by the next: such a loop is found, and ends where one of its risks is estimated by itself and acceptable.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from risk.estimate import Estimate, acceptability, arising_estimate, worse
from risk.model import Acceptability

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from requirements_spec.model import ControlId
    from risk.model import Control, Policy, SituationId


class Disposition(StrEnum):
    """How the risk that a control brings is dealt with."""

    NONE = "none found"
    ACCEPTED = "acceptable by itself"
    CARRIED = "carried by hazardous situations"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class ArisingEvaluation:
    """What a control brings, judged.

    Attributes:
        disposition: how it is dealt with.
        estimate: of the risk by itself; None where the file has none.
        acceptability: of that estimate.
        unhandled: situations that are named and do not exist, or exist without control and are not acceptable without one.
        worse: what is worse than every risk that the control reduces: the control's id for its own estimate, or carrying situations.
    """

    disposition: Disposition
    estimate: Estimate | None
    acceptability: Acceptability | None
    unhandled: tuple[SituationId, ...]
    worse: tuple[str, ...]


def arising(
    policy: Policy,
    control: Control,
    before: Mapping[SituationId, Estimate],
    residual: Mapping[SituationId, Estimate],
    handled: Collection[SituationId],
) -> ArisingEvaluation:
    """Judge what a control brings.

    Args:
        policy: whose matrix decides.
        control: the control.
        before: the estimate of every situation without controls.
        residual: the estimate of every situation with the controls that count.
        handled: situations that have a control or are acceptable without one.
    """
    estimate = arising_estimate(control.arising)
    judged = acceptability(policy, estimate) if estimate else None
    unhandled = tuple(each for each in control.arising.situations if each not in handled)
    disposition = _disposition(control, judged, unhandled)
    candidates: dict[str, Estimate] = {}
    if disposition is Disposition.ACCEPTED and estimate:
        candidates = {control.id: estimate}
    elif disposition is Disposition.CARRIED:
        candidates = {each: residual[each] for each in control.arising.situations}
    reduced = [before[each] for each in control.situations if each in before]
    traded = (name for name, risk in candidates.items() if reduced and all(worse(policy, risk, each) for each in reduced))
    return ArisingEvaluation(disposition, estimate, judged, unhandled, tuple(traded))


def _disposition(control: Control, judged: Acceptability | None, unhandled: Sequence[SituationId]) -> Disposition:
    said = control.arising
    if not said.assessment or unhandled:
        return Disposition.OPEN
    if not said.risk:
        return Disposition.OPEN if said.situations or judged is not None else Disposition.NONE
    if judged is Acceptability.ACCEPTABLE:
        return Disposition.ACCEPTED
    return Disposition.CARRIED if said.situations else Disposition.OPEN


def loops(policy: Policy, controls: Sequence[Control]) -> tuple[tuple[ControlId, ...], ...]:
    """Return the controls of each loop, sorted: a control brings a situation that a control reduces that brings a situation that the first one reduces.

    Only risks that are not acceptable by themselves lead on. Time and memory are linear in items and links.
    """
    follows: dict[str, list[str]] = {}
    for control in controls:
        estimate = arising_estimate(control.arising)
        closed = estimate is not None and acceptability(policy, estimate) is Acceptability.ACCEPTABLE
        follows[control.id] = [] if closed else list(control.arising.situations)
        for situation in control.situations:
            follows.setdefault(situation, []).append(control.id)
    names = {str(control.id): control.id for control in controls}
    knots = (knot for knot in _knots(follows) if len(knot) > 1)
    return tuple(sorted(tuple(sorted(names[each] for each in knot if each in names)) for knot in knots))


def _knots(follows: Mapping[str, Iterable[str]]) -> Iterator[list[str]]:
    """Yield the strongly connected components of a directed graph (Tarjan 1972, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: dict[str, None] = {}
    for root in follows:
        if root in index:
            continue
        path = [(root, iter(follows[root]))]
        index[root] = low[root] = len(index)
        open_[root] = None
        while path:
            node, ahead = path[-1]
            target = next(ahead, None)
            if target is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == index[node]:
                    yield _closed(open_, node)
            elif target not in index:
                index[target] = low[target] = len(index)
                open_[target] = None
                path.append((target, iter(follows.get(target, ()))))
            elif target in open_:
                low[node] = min(low[node], index[target])


def _closed(open_: dict[str, None], root: str) -> list[str]:
    """Take a finished component off the open nodes, down to its root."""
    knot = []
    while True:
        node, _ = open_.popitem()
        knot.append(node)
        if node == root:
            return knot
