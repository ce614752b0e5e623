"""The list of anomalies against the graph: what it names exists, what it claims is shown, and at release level nothing is left unhandled.

An anomaly never turns a result into a pass. At every level a scenario that did not pass stays a problem of its own (``TRC-RESULT-...``); at release
level one without an anomaly is a second problem, because then nobody has even said what is wrong. With an assessed anomaly that second problem is gone
and the first remains: the release stays shut until the scenario passes. An anomaly that no scenario shows (a known weakness that is not verified against)
may be released in the state ``assessed``: its evaluation and its place in the risk file are what IEC 62304 5.8.2 and 5.8.3 ask for.

Source: IEC 62304 5.7.2, 5.8.2, 5.8.3, 9.1 to 9.8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.anomalies import ANOMALIES, TREND, Anomaly, State
from verification.trace.codes import problem
from verification.trace.evidence import VERDICTS, case_id
from verification.trace.graph import Kind, Link, Status, combined
from verification.trace.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case
    from verification.trace.graph import Graph

RAN = frozenset(
    {
        Outcome.FAILED,
        Outcome.SETUP_ERROR,
        Outcome.CALL_ERROR,
        Outcome.TEARDOWN_ERROR,
        Outcome.ERROR,
        Outcome.CRASHED,
        Outcome.XFAILED,
        Outcome.XPASSED,
        Outcome.RERUN,
    }
)
"""Outcomes of a scenario that ran and did not pass: a failed verification. What did not run was not verified, and no anomaly stands for it."""

NEEDED: dict[State, tuple[str, ...]] = {
    State.OPEN: (),
    State.ASSESSED: ("root_cause", "evaluation", "disposition", "advised"),
    State.RESOLVED: ("root_cause", "evaluation", "disposition", "advised", "change"),
    State.VERIFIED: ("root_cause", "evaluation", "disposition", "advised", "change"),
}
"""What has to be written before a state can be claimed (IEC 62304 9.2, 9.3, 9.4)."""


def concerned_items_exist(case: Case) -> Iterator[Problem]:
    """Yield anomalies that name something which does not exist."""
    for anomaly in case.graph.of(Kind.ANOMALY):
        for name in case.graph.targets(anomaly.id, Link.CONCERNS):
            if name not in case.graph.nodes:
                yield problem("ANO-UNKNOWN-ITEM", anomaly.where, anomaly.id, found=f"the id {name}, which names nothing")


def states_are_grounded(case: Case) -> Iterator[Problem]:
    """Yield anomalies whose state claims an investigation or a change that is not written down."""
    for anomaly in case.inputs.anomalies.anomalies:
        for name in NEEDED[anomaly.state]:
            if not getattr(anomaly, name):
                found = f"the state {anomaly.state}, and nothing under {name}"
                yield problem("ANO-ASSESSMENT", anomaly.where, anomaly.id, found=found)


def verified_ones_are_shown(case: Case) -> Iterator[Problem]:
    """Yield anomalies called verified whose scenarios do not all pass in the accepted evidence; one without scenarios shows nothing."""
    for anomaly in case.inputs.anomalies.anomalies:
        if anomaly.state is State.VERIFIED:
            names = concerned_scenarios(case.graph, anomaly)
            status = combined(case.graph.scenario_status(name) for name in names)
            if status is not Status.PASSED:
                found = f"{len(names)} scenarios concerned, together: {status}"
                yield problem("ANO-UNVERIFIED", anomaly.where, anomaly.id, found=found)


def concerned_scenarios(graph: Graph, anomaly: Anomaly) -> tuple[str, ...]:
    """Return the scenarios an anomaly names, and those that verify a requirement or control it names, sorted."""
    named = {name for name in anomaly.concerns if name in graph.nodes and graph.nodes[name].kind is Kind.SCENARIO}
    return tuple(sorted(named.union(*(graph.scenarios_of(name) for name in anomaly.concerns))))


def no_anomaly_is_open(case: Case) -> Iterator[Problem]:
    """Yield anomalies that nobody has assessed (asked at release)."""
    for anomaly in case.inputs.anomalies.anomalies:
        if anomaly.state is State.OPEN:
            yield problem("ANO-OPEN", anomaly.where, anomaly.id, found=f"open since {anomaly.history[-1].date}")


def failures_have_anomalies(case: Case) -> Iterator[Problem]:
    """Yield failed verifications that no anomaly in work concerns (asked at release); one called verified is no answer to a new failure."""
    in_work = {anomaly.id for anomaly in case.inputs.anomalies.anomalies if anomaly.state is not State.VERIFIED}
    for name, verdicts in sorted(case.graph.verdicts.items()):
        about = (name, *case.graph.targets(name, Link.VERIFIES))
        known = in_work.intersection(*[{each for item in about for each in case.graph.sources(item, Link.CONCERNS)}])
        where = case.graph.nodes[name].where if name in case.graph.nodes else VERDICTS
        for verdict in verdicts:
            if verdict.outcome in RAN and not known:
                yield problem("ANO-UNREPORTED", where, case_id(*verdict.key), found=f"{verdict.outcome}, and no anomaly about it")


def every_anomaly_is_assessed_for_security(case: Case) -> Iterator[Problem]:
    """Yield anomalies without a security assessment (asked at release): the set assessed for security is the whole set."""
    for anomaly in case.inputs.anomalies.anomalies:
        if not anomaly.security:
            yield problem("ANO-SECURITY", anomaly.where, anomaly.id, found="no security assessment")


def list_is_not_older_than_the_run(case: Case) -> Iterator[Problem]:
    """Yield a list that was not reviewed against the run it stands beside (asked at release); the run is named by identity, not by a date."""
    known = case.inputs.anomalies
    if not known.exists:
        yield problem("ANO-REVIEW", ANOMALIES, "anomalies", found="no list of anomalies")
    elif known.reviewed_identity != (case.inputs.identity.sha256 or "none"):
        found = f"reviewed against {known.reviewed_identity[:12] or 'no run'}, here lies {(case.inputs.identity.sha256 or 'none')[:12]}"
        yield problem("ANO-REVIEW", ANOMALIES, "anomalies", found=found)


def trends_are_analysed(case: Case) -> Iterator[Problem]:
    """Yield categories in which anomalies accumulate without an analysis (asked at release)."""
    analysed = {trend.category for trend in case.inputs.anomalies.trends}
    for category, count in case.inputs.anomalies.counts().items():
        if count >= TREND and category not in analysed:
            yield problem("ANO-TREND", ANOMALIES, category, found=f"{count} anomalies of the category {category}, no analysis")
