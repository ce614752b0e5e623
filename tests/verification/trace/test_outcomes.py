"""Outcomes through the gate: each has one meaning and one code, and only a clean pass passes. The whole truth table is in test_truth_table."""

from dataclasses import replace

import pytest

from verification.trace import features
from verification.trace.evidence import JUNIT, VERDICTS, Record, write_json
from verification.trace.identity import read_identity
from verification.trace.junit import read_junit
from verification.trace.outcomes import MEANING, Outcome, RecordError, Verdict, judge

CHILD = "A child's film is refused"
VIEWS = "Every view is told"

TABLE = [
    ("", "passed", None),
    ("<failure message='assert 1 == 2'/>", "failed", "TRC-RESULT-FAILED"),
    ("<error message='failed on setup with &quot;boom&quot;'/>", "error in set-up", "TRC-RESULT-SETUP"),
    ("<error message='failed on teardown with &quot;boom&quot;'/>", "error in tear-down", "TRC-RESULT-TEARDOWN"),
    (
        "<error message='failed on setup with &quot;worker crashed while running x&quot;'/>",
        "crashed worker",
        "TRC-RESULT-CRASHED",
    ),
    ("<error message='collection failure'/>", "error", "TRC-RESULT-ERROR"),
    ("<invented/>", "error", "TRC-RESULT-ERROR"),
    ("<skipped type='pytest.skip' message='no data'/>", "skipped", "TRC-RESULT-SKIPPED"),
    ("<skipped type='pytest.xfail' message='known'/>", "xfailed", "TRC-RESULT-XFAILED"),
    ("<skipped message='xfail-marked test passes unexpectedly'/>", "xpassed", "TRC-RESULT-XPASSED"),
    ("<failure message='[XPASS(strict)] known'/>", "xpassed", "TRC-RESULT-XPASSED"),
    ("<rerun message='first try failed'/>", "passed after rerun", "TRC-RESULT-RERUN"),
    ("<flakyFailure message='first try failed'/>", "passed after rerun", "TRC-RESULT-RERUN"),
    ("<rerunFailure message='first try failed'/>", "error", "TRC-RESULT-ERROR"),
    (None, "unbound", "TRC-SCENARIO-UNBOUND"),
]


@pytest.mark.parametrize(("children", "outcome", "code"), TABLE)
def test_each_outcome_has_one_meaning_and_one_code(project, children, outcome, code):
    project.verify({(CHILD, ""): children})
    result = project.check()
    verdicts = result.record.verdicts
    assert [str(v.outcome) for v in verdicts if v.scenario == CHILD] == [outcome]
    found = [problem for problem in result.problems if problem.code.startswith(("TRC-RESULT", "TRC-SCENARIO"))]
    assert [problem.code for problem in found] == ([code] if code else [])
    assert result.passed is (code is None)
    if found:
        assert (
            found[0].where
            == f"verification/features/admission.feature:{project.line('verification/features/admission.feature', CHILD)}"
        )


def test_every_outcome_has_a_meaning():
    assert set(MEANING) == set(Outcome)


def test_expected_failure_that_passed_is_told_by_the_property(tmp_path):
    case = "<testcase classname='c' name='n'><properties><property name='xfail' value='expected'/></properties></testcase>"
    (tmp_path / "j.xml").write_text(f"<testsuites><testsuite>{case}</testsuite></testsuites>")
    assert read_junit(tmp_path / "j.xml")[0].outcome is Outcome.XPASSED


def test_a_missing_row_is_named(project):
    project.verify({(VIEWS, "view=PA"): None})
    problems = project.check().problems
    assert [(p.code, p.item) for p in problems if p.code != "TRC-RISK-RESIDUAL"] == [
        ("TRC-RESULT-MISSING", f"TC:admission.feature::{VIEWS} [view=PA]")
    ]


def test_two_results_for_one_scenario_are_none(project):
    double(project, "")
    assert project.codes() == ["TRC-RESULT-DUPLICATE", "TRC-RISK-RESIDUAL"]


def test_a_pass_does_not_outweigh_a_failure(project):
    double(project, "<failure message='boom'/>")
    assert project.codes() == ["TRC-RESULT-FAILED", "TRC-RISK-RESIDUAL"]


def double(project, children):
    """Add a second result for the first scenario, then take the verdicts again from the record."""
    case = f"<testcase classname='c' name='n'><properties>{properties(CHILD)}</properties>{children}</testcase>"
    project.replace(JUNIT, "</testsuite>", f"{case}</testsuite>")
    scenarios, _ = features.load(project.root)
    verdicts = judge(scenarios, read_junit(project.root / JUNIT))
    write_json(project.root / VERDICTS, Record(read_identity(project.root, "verification"), 0, verdicts).to_json())


def properties(name):
    pairs = [
        ("verifies", "RC-001"),
        ("verifies", "SRS-001"),
        ("feature", "admission.feature"),
        ("scenario", name),
        ("row", ""),
        ("attempts", "1"),
    ]
    return "".join(f'<property name="{key}" value="{value}"/>' for key, value in pairs)


def results_of(tmp_path, *cases):
    (tmp_path / "j.xml").write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    return read_junit(tmp_path / "j.xml")


def test_a_feature_may_be_named_with_its_folder_as_pytest_bdd_does(project, tmp_path):
    scenarios, _ = features.load(project.root)
    named = properties(CHILD).replace('"admission.feature"', '"features/admission.feature"')
    verdicts = judge(
        scenarios[:1], results_of(tmp_path, f"<testcase classname='c' name='n'><properties>{named}</properties></testcase>")
    )
    assert [(v.feature, v.outcome) for v in verdicts] == [("admission.feature", Outcome.PASSED)]


def test_result_of_a_removed_scenario_is_foreign(tmp_path):
    case = f"<testcase classname='c' name='n'><properties>{properties('Gone')}</properties></testcase>"
    verdicts = judge((), results_of(tmp_path, case))
    assert [(v.scenario, v.outcome) for v in verdicts] == [("Gone", Outcome.FOREIGN)]


def test_a_crash_without_properties_is_an_error_and_a_plain_pass_is_nothing(tmp_path):
    crash = "<testcase classname='verification' name='test_features'><error message='collection failure'/></testcase>"
    plain = "<testcase classname='c' name='plain'><properties><property name='attempts' value='1'/></properties></testcase>"
    verdicts = judge((), results_of(tmp_path, crash, plain))
    assert [(v.feature, v.scenario, v.outcome) for v in verdicts] == [("", "verification::test_features", Outcome.ERROR)]


def test_an_outline_without_rows_is_never_passed(project):
    project.replace("verification/features/admission.feature", "      | PA      |\n      | LATERAL |\n", "")
    project.verify()
    assert {"TRC-OUTLINE-EMPTY", "TRC-RISK-RESIDUAL"} <= set(project.codes())


@pytest.mark.parametrize(
    ("text", "reason"),
    [("<a", "unreadable"), ("<html/>", "not test suites"), ("<!DOCTYPE x [<!ENTITY a 'b'>]><testsuites/>", "document type")],
)
def test_what_is_no_junit_is_refused(tmp_path, text, reason):
    (tmp_path / "j.xml").write_text(text)
    with pytest.raises(RecordError, match=reason):
        read_junit(tmp_path / "j.xml")


def test_verdict_survives_the_round_trip():
    verdict = Verdict("a.feature", "A", "x=1", ("SRS-001",), Outcome.FAILED, "boom")
    assert Verdict.from_json(verdict.to_json()) == verdict


def test_a_verdict_says_by_which_bridge_it_counts_and_nothing_where_it_needs_none():
    plain = Verdict("a.feature", "b", "", ("SRS-001",), Outcome.PASSED, "")
    carried = replace(plain, bridge="BR-001").to_json()
    assert carried == {**plain.to_json(), "bridge": "BR-001"}
    assert "bridge" not in plain.to_json()
