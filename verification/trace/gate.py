"""The trace gate: reads everything, builds the graph, asks every question, and answers with all problems at once. It fails closed.

Problems of the loaders and ledgers pass through unchanged; evidence is accepted only where it is unaltered and belongs to what lies here; what is
not accepted is not shown. Writes artifacts/trace/trace.json and check.json, and nothing else.

Source: IEC 62304 5.7, 7.3.3, 8.2.4; ISO 14971 4.5, 7.2, 7.3, 7.6.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Any

from requirements_spec import changes as specification_changes
from requirements_spec import loader as specification_loader
from requirements_spec.modules import module_problems
from risk import changes as risk_changes
from risk import loader as risk_loader
from risk.evaluation import Evaluation, evaluate
from verification.trace import assembly, features
from verification.trace.checks import build, levels, links, orphans, residual, results, scenarios
from verification.trace.checks import endpoints as endpoint_checks
from verification.trace.codes import problem
from verification.trace.evidence import Record, examine, write_json
from verification.trace.graph import Graph, Kind, Status, to_json
from verification.trace.identity import Identity, read_identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from requirements_spec.model import Specification
    from requirements_spec.problem import Problem
    from risk.model import RiskFile

TRACE = "artifacts/trace/trace.json"
CHECK = "artifacts/trace/check.json"

GRAPH_CHECKS = (*links.CHECKS, *orphans.CHECKS, *scenarios.CHECKS, *results.CHECKS, *endpoint_checks.CHECKS)
"""Every question put to the graph alone."""


class Level(StrEnum):
    """How much is asked: each level includes the one before."""

    DEVELOPMENT = "development"
    RELEASE = "release"
    SUBMISSION = "submission"


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
    """

    level: Level
    problems: tuple[Problem, ...]
    counts: dict[str, int]
    identity: Identity
    record: Record | None
    accepted: bool
    graph: Graph
    evaluation: Evaluation | None

    @property
    def passed(self) -> bool:
        """Say whether nothing stands against the level."""
        return not self.problems

    def __bool__(self) -> bool:
        """Say whether nothing stands against the level."""
        return self.passed


@dataclass(frozen=True)
class _Data:
    """The hand-written data and what their own loaders and ledgers say about them."""

    specification: Specification
    risk: RiskFile
    scenarios: tuple[features.Scenario, ...]
    modules: tuple[str, ...]
    problems: tuple[Problem, ...]


def check(root: Path, level: Level = Level.DEVELOPMENT, *, write: bool = True) -> GateResult:
    """Judge the project at ``root`` and return everything found; writes trace.json and check.json unless told not to."""
    data = _read(root)
    identity = read_identity(root, "verification")
    record, evidence_problems = examine(root, data.scenarios, identity)
    accepted = record is not None and identity.sha256 is not None and not evidence_problems
    stale = tuple(build.pipeline_is_up_to_date(root))
    bound = identity.sha256 is not None and not stale
    sources = _sources(root, data, record if accepted else None, endpoints=bound)
    graph = assembly.assemble(sources)
    sources = replace(sources, evaluation=_evaluation(data, graph, accepted=accepted))
    graph = assembly.assemble(sources)
    problems = tuple(sorted({*data.problems, *evidence_problems, *stale, *_asked(root, level, sources, graph, identity)}))
    result = GateResult(level, problems, _counts(graph), identity, record, accepted, graph, sources.evaluation)
    if write:
        write_json(root / TRACE, trace(result))
        write_json(root / CHECK, to_json_result(result))
    return result


def _read(root: Path) -> _Data:
    specification, specification_problems = specification_loader.load(root)
    risk, risk_problems = risk_loader.load(root, specification)
    scenarios_found, feature_problems = features.load(root)
    modules = assembly.read_modules(root)
    problems = (*specification_problems, *risk_problems, *feature_problems, *module_problems(specification, modules))
    return _Data(specification, risk, scenarios_found, modules, (*problems, *_unrecorded(root, specification, risk)))


def _unrecorded(root: Path, specification: Specification, risk: RiskFile) -> Iterator[Problem]:
    """Yield content whose change nobody entered in its ledger."""
    books = (
        (specification_changes.SPECIFICATION_BOOK, specification_changes.specification_content(specification)),
        (risk_changes.RISK_BOOK, risk_changes.risk_content(risk)),
    )
    for book, content in books:
        entries, problems = specification_changes.read_ledger(root, book.ledger)
        yield from problems
        yield from specification_changes.change_problems(content, entries, book.command)


def _sources(root: Path, data: _Data, record: Record | None, *, endpoints: bool) -> assembly.Sources:
    """Gather what the graph is made from; endpoints only where the lock binds the validation record to what lies here."""
    return assembly.Sources(
        specification=data.specification,
        risk=data.risk,
        evaluation=None,
        scenarios=data.scenarios,
        verdicts=record.verdicts if record else (),
        modules=data.modules,
        pages=assembly.read_pages(root),
        endpoints=(assembly.read_endpoints(root) or ()) if endpoints else (),
    )


def _evaluation(data: _Data, graph: Graph, *, accepted: bool) -> Evaluation | None:
    """Judge the risk file with what was verified; on claims alone where there is no accepted evidence."""
    if data.risk.policy is None:
        return None
    return evaluate(data.risk, data.specification, verified(graph) if accepted else None)


def verified(graph: Graph) -> frozenset[str]:
    """Return the requirements and controls that have scenarios, all of which passed."""
    items = (*graph.of(Kind.REQUIREMENT), *graph.of(Kind.CONTROL))
    return frozenset(item.id for item in items if graph.status(item.id) is Status.PASSED)


def _asked(root: Path, level: Level, sources: assembly.Sources, graph: Graph, identity: Identity) -> Iterator[Problem]:
    yield from chain.from_iterable(question(graph) for question in GRAPH_CHECKS)
    yield from build.identity_is_known(identity)
    yield from build.dependencies_are_soup(root, sources.specification.soup)
    if assembly.read_endpoints(root) is None:
        yield problem("TRC-ENDPOINT-MISSING", assembly.VALIDATION, "validation", found="no readable validation record")
    if sources.evaluation is not None:
        yield from residual.residuals_are_acceptable(sources.risk, sources.evaluation, every=level is Level.SUBMISSION)
    if level is not Level.DEVELOPMENT:
        yield from levels.content_is_signed(root)
    if level is Level.SUBMISSION:
        yield from levels.no_gap_is_open(root)
        if sources.evaluation is not None:
            yield from residual.overall_is_acceptable(sources.risk, sources.evaluation)


def _counts(graph: Graph) -> dict[str, int]:
    kinds = {kind.plural: len(graph.of(kind)) for kind in Kind}
    outcomes = Counter(str(verdict.outcome) for verdicts in graph.verdicts.values() for verdict in verdicts)
    results = {f"result {name}": count for name, count in sorted(outcomes.items())}
    return {**kinds, "links": len(graph.edges), **results}


def trace(result: GateResult) -> dict[str, Any]:
    """Return the content of trace.json: the graph with results, by which identity, and the risk conclusion."""
    judged = result.evaluation
    conclusion = {"conclusion": judged.conclusion, "reasons": list(judged.reasons)} if judged else None
    return {
        "schema": "thoratrace/trace/1",
        "identity": result.identity.sha256,
        "evidence_accepted": result.accepted,
        "counts": result.counts,
        "overall_residual_risk": conclusion,
        **to_json(result.graph),
    }


def to_json_result(result: GateResult) -> dict[str, Any]:
    """Return the verdict as plain data: check.json and the ``--json`` form of the command."""
    return {
        "schema": "thoratrace/check/1",
        "level": str(result.level),
        "passed": result.passed,
        "identity": {"slice": result.identity.slice_name, "sha256": result.identity.sha256, "reason": result.identity.reason},
        "evidence_accepted": result.accepted,
        "counts": result.counts,
        "problems": [problem_json(each) for each in result.problems],
    }


def problem_json(found: Problem) -> dict[str, str]:
    """Return a problem as plain data."""
    names = ("where", "code", "item", "found", "expected", "repair", "clause")
    return {name: str(getattr(found, name)) for name in names}


def to_text(result: GateResult) -> str:
    """Return the verdict for people: every problem with its repair, then what was looked at, then one line that says whether the gate is open."""
    blocks = [_paragraph(each) for each in result.problems]
    return "\n".join([*blocks, *_summary(result)])


def _paragraph(found: Problem) -> str:
    return (
        f"{found.code}  {found.where}  {found.item}\n"
        f"    found:    {found.found}\n    expected: {found.expected}\n    repair:   {found.repair}\n    clause:   {found.clause}\n"
    )


def _summary(result: GateResult) -> Iterable[str]:
    by_code = Counter(each.code for each in result.problems)
    yield from (f"{count:6d}  {code}" for code, count in sorted(by_code.items()))
    yield "looked at: " + ", ".join(f"{name} {count}" for name, count in result.counts.items())
    yield f"identity:  {result.identity.sha256 or 'none: ' + result.identity.reason}"
    yield f"evidence:  {'accepted' if result.accepted else 'not accepted; ./qms demo makes it'}"
    if result.evaluation is not None:
        yield f"risk:      {result.evaluation.conclusion}"
    verdict = "nothing stands against it" if result.passed else f"{len(result.problems)} problems stand against it"
    yield f"level {result.level}: {verdict}"
