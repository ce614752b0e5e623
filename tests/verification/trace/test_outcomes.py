"""The truth table of outcomes: from JUnit text, and through a live pytest run of every kind; only a clean pass passes."""

import subprocess
import sys
from pathlib import Path

import pytest

from verification.trace import features
from verification.trace.evidence import JUNIT, VERDICTS, Record, write_json
from verification.trace.identity import read_identity
from verification.trace.junit import read_junit
from verification.trace.outcomes import MEANING, Outcome, RecordError, Verdict, judge

ROOT = Path(__file__).resolve().parents[3]
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


LIVE_FEATURE = """\
@SRS-001
Feature: Live
  Scenario: passes
    Then it is well
  Scenario: fails
    Then it fails
  Scenario: breaks before
    Given a broken fixture
    Then it is well
  Scenario: breaks after
    Given a fixture that breaks at its end
    Then it is well
  Scenario: skips
    Then it skips
  Scenario: fails as expected
    Then it fails as expected
  @hopeless
  Scenario: passes against expectation
    Then it is well
  @strictly_hopeless
  Scenario: passes against strict expectation
    Then it is well
  Scenario: has no step
    Then nobody wrote this
  Scenario Outline: rows
    Then <what>
    Examples:
      | what       |
      | it is well |
      | it fails   |
  Scenario Outline: no rows
    Then it is well
    Examples:
      | what |
  Scenario: twice
    Then it fails
  Scenario: twice
    Then it is well
"""

LIVE_CONFTEST = """
import pytest
from pytest_bdd import given, then
from pytest_bdd.scenario import scenario_wrapper_template_registry


@pytest.fixture
def broken():
    raise RuntimeError("before")


@pytest.fixture
def breaking():
    yield
    raise RuntimeError("after")


@given("a broken fixture")
def _(broken): ...


@given("a fixture that breaks at its end")
def _(breaking): ...


@then("it is well")
def _(): ...


@then("it fails")
def _():
    raise AssertionError("no")


@then("it skips")
def _():
    pytest.skip("no data")


@then("it fails as expected")
def _():
    pytest.xfail("known")


def pytest_bdd_apply_tag(tag, function):
    if tag.startswith("SRS-"):
        pytest.mark.verifies(tag)(function)
        return True


def pytest_collection_modifyitems(items):
    for item in items:
        template = scenario_wrapper_template_registry[item.obj]
        example = item.callspec.params["_pytest_bdd_example"] if hasattr(item, "callspec") else {}
        row = ", ".join(f"{name}={value}" for name, value in example.items())
        place = [("feature", "live.feature"), ("scenario", template.name), ("row", row)]
        item.user_properties += [("verifies", mark.args[0]) for mark in item.iter_markers("verifies")] + place
        if item.get_closest_marker("hopeless"):
            item.add_marker(pytest.mark.xfail(strict=False))
        if item.get_closest_marker("strictly_hopeless"):
            item.add_marker(pytest.mark.xfail(strict=True))
"""

LIVE = {
    ("passes", ""): "passed",
    ("fails", ""): "failed",
    ("breaks before", ""): "error in call",
    ("breaks after", ""): "error in tear-down",
    ("skips", ""): "skipped",
    ("fails as expected", ""): "xfailed",
    ("passes against expectation", ""): "xpassed",
    ("passes against strict expectation", ""): "xpassed",
    ("has no step", ""): "error in call",
    ("rows", "what=it is well"): "passed",
    ("rows", "what=it fails"): "failed",
    ("no rows", ""): "empty outline",
}


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """A project whose scenarios end in every way, with the properties that the contract asks of verification/conftest.py."""
    root = tmp_path_factory.mktemp("live")
    folder = root / "verification" / "features"
    folder.mkdir(parents=True)
    (folder / "live.feature").write_text(LIVE_FEATURE)
    (root / "verification" / "test_features.py").write_text('from pytest_bdd import scenarios\n\nscenarios(".")\n')
    (root / "verification" / "conftest.py").write_text(LIVE_CONFTEST)
    (root / "pytest.ini").write_text(
        "[pytest]\naddopts = --import-mode=importlib --strict-markers\npythonpath = .\nbdd_features_base_dir = verification/features\n"
        "markers =\n    verifies(*ids)\n    hopeless\n    strictly_hopeless\n"
    )
    return root


@pytest.mark.parametrize("spread", [[], ["-n", "2"]], ids=["one process", "xdist"])
def test_live_run_tells_every_outcome(live, spread):
    (live / "j.xml").unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "verification",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "verification.trace.recording",
        "--junitxml=j.xml",
        *spread,
    ]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(command, cwd=live, env=environment, capture_output=True, check=False, text=True)
    scenarios, problems = features.load(live)
    found = {(v.scenario, v.row): str(v.outcome) for v in judge(scenarios, read_junit(live / "j.xml")) if v.scenario != "twice"}
    assert found == LIVE
    assert [problem.code for problem in problems] == ["TRC-SCENARIO-DUPLICATE"] * 2
