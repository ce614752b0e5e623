"""The gate's result as plain data and as text; decides nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from verification.trace.codes import address
from verification.trace.graph import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from requirements_spec.problem import Problem
    from verification.trace.gate import GateResult


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
        "risk_management_review": result.review.to_json() if result.review else None,
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
    blocks = [paragraph(each) for each in result.problems]
    return "\n".join([*blocks, *_summary(result)])


def paragraph(found: Problem) -> str:
    """Return one problem for people: what and where, the finding, the repair, who asks for it, and where its page is."""
    return (
        f"{found.code}  {found.where}  {found.item}\n"
        f"    found:    {found.found}\n    expected: {found.expected}\n    repair:   {found.repair}\n    clause:   {found.clause}\n"
        f"    docs:     {address(found.code)}; ./qms show {found.code}\n"
    )


def _evidence(result: GateResult) -> str:
    """Say whether the last run counts, and by which bridges where it is of another state."""
    if not result.accepted:
        return "not accepted; ./qms demo makes it"
    carried = [verdict.bridge for verdicts in result.graph.verdicts.values() for verdict in verdicts if verdict.bridge]
    return (
        f"of another state; {len(carried)} results carried over by {', '.join(sorted(set(carried)))}" if carried else "accepted"
    )


def _summary(result: GateResult) -> Iterable[str]:
    by_code = Counter(each.code for each in result.problems)
    yield from (f"{count:6d}  {code}" for code, count in sorted(by_code.items()))
    yield "looked at: " + ", ".join(f"{name} {count}" for name, count in result.counts.items())
    yield f"identity:  {result.identity.sha256 or 'none: ' + result.identity.reason}"
    yield f"evidence:  {_evidence(result)}"
    if result.evaluation is not None:
        yield f"risk:      {result.evaluation.conclusion}"
    verdict = "nothing stands against it" if result.passed else f"{len(result.problems)} problems stand against it"
    yield f"level {result.level}: {verdict}"
