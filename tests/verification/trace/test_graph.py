"""The graph computes its reverse tables and lets a failure rise to everything above it."""

import pytest

from verification.trace.graph import Edge, Graph, Kind, Link, Node, Status, combined, to_json
from verification.trace.outcomes import Outcome, Verdict


def verdict(outcome, row=""):
    return Verdict("a.feature", "A", row, ("SRS-001",), outcome, "")


def graph(*verdicts):
    """Return requirement SRS-001, its control RC-001, and a scenario that verifies both."""
    nodes = [
        Node("SRS-001", Kind.REQUIREMENT, "r", "r.toml:1"),
        Node("RC-001", Kind.CONTROL, "c", "c.toml:1"),
        Node("TC", Kind.SCENARIO, "A", "a.feature:1"),
    ]
    edges = (
        Edge(Link.VERIFIES, "TC", "SRS-001"),
        Edge(Link.VERIFIES, "TC", "RC-001"),
        Edge(Link.IMPLEMENTED_BY, "RC-001", "SRS-001"),
    )
    return Graph({node.id: node for node in nodes}, edges, {"TC": verdicts} if verdicts else {})


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.PASSED])
def test_only_a_clean_pass_verifies(outcome):
    judged = graph(verdict(Outcome.PASSED, "x=1"), verdict(outcome, "x=2"))
    assert judged.status("SRS-001") is Status.NOT_PASSED
    assert judged.implemented("RC-001") is Status.NOT_PASSED
    assert judged.effective("RC-001") is Status.NOT_PASSED


def test_a_pass_rises_and_absence_is_no_pass():
    assert graph(verdict(Outcome.PASSED)).implemented("RC-001") is Status.PASSED
    assert graph().status("SRS-001") is Status.NO_EVIDENCE
    assert graph().status("SRS-999") is Status.NO_EVIDENCE


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([], Status.NO_EVIDENCE),
        ([Status.PASSED, Status.PASSED], Status.PASSED),
        ([Status.PASSED, Status.NO_EVIDENCE], Status.NO_EVIDENCE),
        ([Status.PASSED, Status.NO_EVIDENCE, Status.NOT_PASSED], Status.NOT_PASSED),
    ],
)
def test_the_worst_part_decides(parts, whole):
    assert combined(parts) is whole


def test_reverse_tables_are_computed():
    assert graph().sources("SRS-001", Link.VERIFIES) == ("TC",)
    assert graph().targets("TC", Link.VERIFIES) == ("RC-001", "SRS-001")
    assert graph().sources("SRS-001", Link.SERVES) == ()


def test_export_does_not_depend_on_the_order_of_the_input():
    one = graph(verdict(Outcome.PASSED))
    two = Graph(dict(reversed(list(one.nodes.items()))), tuple(reversed(one.edges)), one.verdicts)
    assert to_json(one) == to_json(two)
    control = next(item for item in to_json(one)["items"] if item["id"] == "RC-001")
    assert (control["implemented"], control["effective"]) == ("passed", "passed")
