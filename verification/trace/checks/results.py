"""The results of accepted evidence: one clean pass for each scenario and row, carrying the ids the feature file gives it, and nothing besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.codes import problem
from verification.trace.evidence import VERDICTS, case_id
from verification.trace.graph import Kind, Link
from verification.trace.outcomes import MEANING, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case

CODE_OF = {
    Outcome.FAILED: "TRC-RESULT-FAILED",
    Outcome.SETUP_ERROR: "TRC-RESULT-SETUP",
    Outcome.CALL_ERROR: "TRC-RESULT-CALL",
    Outcome.TEARDOWN_ERROR: "TRC-RESULT-TEARDOWN",
    Outcome.ERROR: "TRC-RESULT-ERROR",
    Outcome.CRASHED: "TRC-RESULT-CRASHED",
    Outcome.SKIPPED: "TRC-RESULT-SKIPPED",
    Outcome.XFAILED: "TRC-RESULT-XFAILED",
    Outcome.XPASSED: "TRC-RESULT-XPASSED",
    Outcome.RERUN: "TRC-RESULT-RERUN",
    Outcome.DESELECTED: "TRC-RESULT-DESELECTED",
    Outcome.DUPLICATE: "TRC-RESULT-DUPLICATE",
    Outcome.MISSING: "TRC-RESULT-MISSING",
    Outcome.UNBOUND: "TRC-SCENARIO-UNBOUND",
    Outcome.EMPTY_OUTLINE: "TRC-OUTLINE-EMPTY",
    Outcome.FOREIGN: "TRC-RESULT-FOREIGN",
    Outcome.STALE: "TRC-RESULT-STALE",
}
"""The code of every outcome but the clean pass, which needs none."""


def every_result_is_a_clean_pass(case: Case) -> Iterator[Problem]:
    """Yield every verdict that is not a clean pass, at the scenario's line where there is one."""
    for name, verdicts in sorted(case.graph.verdicts.items()):
        where = case.graph.nodes[name].where if name in case.graph.nodes else VERDICTS
        for verdict in verdicts:
            if verdict.outcome is not Outcome.PASSED:
                found = f"{verdict.outcome}: {verdict.reason or MEANING[verdict.outcome]}"
                yield problem(CODE_OF[verdict.outcome], where, case_id(*verdict.key), found=found)


def every_scenario_has_its_results(case: Case) -> Iterator[Problem]:
    """Yield scenario rows without a verdict in evidence that has others: a row that was cut out of the record."""
    if not case.graph.verdicts:
        return
    for scenario in case.graph.of(Kind.SCENARIO):
        stated = {verdict.row for verdict in case.graph.verdicts.get(scenario.id, ())}
        for row in scenario.facts["rows"] or [""]:
            if row not in stated:
                item = case_id(scenario.facts["feature"], scenario.title, row)
                yield problem("TRC-RESULT-MISSING", scenario.where, item, found="no verdict for it")


def results_carry_the_tags(case: Case) -> Iterator[Problem]:
    """Yield passed results whose ids are not those that the feature file gives the scenario."""
    for scenario in case.graph.of(Kind.SCENARIO):
        owed = case.graph.targets(scenario.id, Link.VERIFIES)
        for verdict in case.graph.verdicts.get(scenario.id, ()):
            if verdict.outcome is Outcome.PASSED and tuple(sorted(verdict.tags)) != owed:
                found = f"the result carries {', '.join(verdict.tags) or 'no id'}, the file {', '.join(owed) or 'no id'}"
                yield problem("TRC-TAG-LOST", scenario.where, case_id(*verdict.key), found=found)
