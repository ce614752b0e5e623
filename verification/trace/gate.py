"""The trace gate: reads everything, builds the graph, asks every question, and answers with all problems at once. It fails closed.

    read (all input) -> judge (pure: no file, no clock) -> check.json, trace.json

Problems of the loaders and ledgers pass through unchanged; evidence is accepted only where it is unaltered and belongs to what lies here; what is
not accepted is not shown. Writes artifacts/trace/trace.json and check.json, and nothing else.

Source: IEC 62304 5.7, 7.3.3, 8.2.4; ISO 14971 4.5, 7.2, 7.3, 7.6.
"""

from __future__ import annotations

import gc
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from requirements_spec.reading_cache import open_cache
from risk.evaluation import Evaluation, evaluate
from verification.trace import assembly
from verification.trace.bridges import Crossing, Shore, cross, places, texts
from verification.trace.case import Case, Level
from verification.trace.checks.register import CHECKS
from verification.trace.evidence import Record, examine, write_json
from verification.trace.graph import Graph, Kind, Status
from verification.trace.inputs import Inputs, read
from verification.trace.verdict_text import problem_json, to_json_result, to_text, trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from requirements_spec.problem import Problem
    from risk.review import Review
    from verification.trace.case import Check
    from verification.trace.identity import Identity
    from verification.trace.outcomes import Verdict

__all__ = [
    "CHECK",
    "TRACE",
    "GateResult",
    "Inputs",
    "Level",
    "check",
    "judge",
    "problem_json",
    "read",
    "to_json_result",
    "to_text",
]

CACHE = "artifacts/trace/readings.cache"
TRACE = "artifacts/trace/trace.json"
CHECK = "artifacts/trace/check.json"


@dataclass(frozen=True)
class GateResult:
    """What the gate found.

    Attributes:
        level: what was asked.
        problems: everything that does not hold, sorted by place; the gate is open only when there is none.
        counts: items by kind, links, and results by outcome.
        identity: of the slice ``verification`` as it lies here.
        record: the last verification run, accepted or not; None where there is none to read.
        accepted: whether that run is evidence for what lies here.
        graph: everything traced, with the results of accepted evidence.
        evaluation: the risk file judged with accepted evidence; None where there is no policy.
        review: the risk management review with that evidence; None where there is no policy.
    """

    level: Level
    problems: tuple[Problem, ...]
    counts: dict[str, int]
    identity: Identity
    record: Record | None
    accepted: bool
    graph: Graph
    evaluation: Evaluation | None
    review: Review | None

    @property
    def passed(self) -> bool:
        """Say whether nothing stands against the level."""
        return not self.problems

    def __bool__(self) -> bool:
        """Say whether nothing stands against the level."""
        return self.passed


def check(root: Path, level: Level = Level.DEVELOPMENT, *, write: bool = True, recall: bool = False) -> GateResult:
    """Judge the project at ``root`` and return everything found; writes trace.json and check.json unless told not to.

    With ``recall``, files that did not change since the last such check are not taken apart again; level development only (docs/adr/0011).
    """
    with collector_paused():
        return _checked(root, level, write=write, recall=recall)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the search for reference cycles: a check makes hundreds of thousands of values and no cycles, and looking through them costs a fifth of it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _checked(root: Path, level: Level, *, write: bool, recall: bool) -> GateResult:
    cache = open_cache(root / CACHE) if recall and level is Level.DEVELOPMENT else None
    result = judge(read(root, cache=cache), level)
    if cache is not None:
        cache.save(root / CACHE)
    if write:
        write_json(root / TRACE, trace(result))
        write_json(root / CHECK, to_json_result(result))
    return result


def judge(inputs: Inputs, level: Level, checks: Mapping[Level, tuple[Check, ...]] = CHECKS) -> GateResult:
    """Return everything that stands against the level; pure, so equal inputs have equal verdicts."""
    refusals, verdicts = _believed(inputs)
    case = _case(inputs, level, verdicts)
    asked = chain.from_iterable(question(case) for each in level.asked for question in checks[each])
    return GateResult(
        level=level,
        problems=tuple(sorted({*inputs.problems, *refusals, *asked})),
        counts=_counts(case.graph),
        identity=inputs.identity,
        record=inputs.evidence.record,
        accepted=case.accepted,
        graph=case.graph,
        evaluation=case.evaluation,
        review=case.review,
    )


def _believed(inputs: Inputs) -> tuple[tuple[Problem, ...], tuple[Verdict, ...] | None]:
    """Return what stands against the last run, and its verdicts where they count: nothing stands against it, or only its age, and a bridge holds."""
    refusals = examine(inputs.evidence, inputs.scenarios, inputs.identity)
    record = inputs.evidence.record
    if record is None or inputs.identity.sha256 is None:
        return refusals, None
    if not refusals:
        return (), record.verdicts
    crossing = _crossing(inputs) if {each.code for each in refusals} == {"TRC-EVIDENCE-STALE"} else Crossing()
    if crossing.verdicts is None:
        return (*refusals, *crossing.problems), None
    return crossing.problems, crossing.verdicts


def _crossing(inputs: Inputs) -> Crossing:
    if not inputs.bridges:
        return Crossing()
    data = (inputs.scenarios, inputs.specification, inputs.risk)
    shore = Shore(inputs.identity, inputs.scenarios, texts(*data), places(*data), inputs.approvals.valid_for)
    return cross(inputs.bridges, inputs.evidence, shore)


def _case(inputs: Inputs, level: Level, verdicts: tuple[Verdict, ...] | None) -> Case:
    """Build the graph, judge the risks by what it shows, and put both into the graph that checks read."""
    accepted = verdicts is not None
    sources = _sources(inputs, verdicts or ())
    graph = assembly.assemble(sources)
    evaluation = _evaluation(inputs, graph, accepted=accepted)
    return Case(inputs, level, assembly.with_evaluation(graph, inputs.risk, evaluation), evaluation, accepted)


def _sources(inputs: Inputs, verdicts: tuple[Verdict, ...]) -> assembly.Sources:
    """Gather what the graph is made from; endpoints only where the lock binds the validation record to what lies here."""
    bound = inputs.identity.sha256 is not None and not inputs.stale
    return assembly.Sources(
        specification=inputs.specification,
        risk=inputs.risk,
        evaluation=None,
        scenarios=inputs.scenarios,
        verdicts=verdicts,
        modules=inputs.modules,
        pages=inputs.pages,
        endpoints=(inputs.endpoints or ()) if bound else (),
        anomalies=inputs.anomalies.anomalies,
        seeded=inputs.seeded,
    )


def _evaluation(inputs: Inputs, graph: Graph, *, accepted: bool) -> Evaluation | None:
    """Judge the risk file with what was verified; on claims alone where there is no accepted evidence."""
    if inputs.risk.policy is None:
        return None
    return evaluate(inputs.risk, inputs.specification, verified(graph) if accepted else None)


def verified(graph: Graph) -> frozenset[str]:
    """Return the requirements and controls that have scenarios, all of which passed."""
    items = (*graph.of(Kind.REQUIREMENT), *graph.of(Kind.CONTROL))
    return frozenset(item.id for item in items if graph.status(item.id) is Status.PASSED)


def _counts(graph: Graph) -> dict[str, int]:
    kinds = {kind.plural: len(graph.of(kind)) for kind in Kind}
    outcomes = Counter(str(verdict.outcome) for verdicts in graph.verdicts.values() for verdict in verdicts)
    results = {f"result {name}": count for name, count in sorted(outcomes.items())}
    return {**kinds, "links": len(graph.edges), **results}
