"""Cucumber JSON of several runners: identity by file and line, backgrounds, hooks, unknown words, and what is no such file."""

import json

import pytest

from verification.trace import features
from verification.trace.cucumber import read_cucumber
from verification.trace.outcomes import Outcome, RecordError

FEATURE = "verification/features/admission.feature"
CHILD = "A child's film is refused"


def step(name, status="passed", **more):
    return {"keyword": "Given ", "name": name, "match": {"location": "x"}, "result": {"status": status}, **more}


STEPS = [step("a film"), step("it is analysed"), step("it is refused")]


def read(project, *elements, uri=FEATURE, single_attempt=True, **feature):
    path = project.root / "c.json"
    path.write_text(json.dumps([{"uri": uri, "elements": list(elements), **feature}]), encoding="utf-8")
    return read_cucumber(path, features.load(project.root)[0], single_attempt=single_attempt)


def child(project, **changes):
    line = project.line(FEATURE, CHILD)
    return {"name": CHILD, "line": line, "keyword": "Scenario", "steps": STEPS, "tags": [{"name": "@RC-001"}], **changes}


def outcome(project, **changes):
    (result,) = read(project, child(project, **changes))
    return result.outcome


def test_a_pass_is_known_by_file_and_line_and_carries_its_tags(project):
    (result,) = read(project, child(project), tags=[{"name": "@SRS-001"}])
    assert result.key == ("admission.feature", CHILD, "")
    assert result.verifies == ("RC-001", "SRS-001")
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")
    assert result.steps[0] == "passed: Given a film"


@pytest.mark.parametrize(("row", "text"), [("| PA ", "view=PA"), ("| LATERAL", "view=LATERAL")])
def test_a_row_is_known_by_its_line(project, row, text):
    views = {"name": "Every view is told", "line": project.line(FEATURE, row), "keyword": "Scenario Outline", "steps": STEPS}
    (result,) = read(project, views)
    assert result.key[2] == text


def test_a_line_or_a_file_that_nobody_wrote_belongs_to_nothing(project):
    (line,) = read(project, child(project, line=999))
    (file,) = read(project, child(project), uri="other.feature")
    assert line.key == ("admission.feature", CHILD, "line 999")
    assert file.key[0] == "other.feature"


def test_steps_of_a_background_belong_to_the_scenario_after_it(project):
    background = {"type": "background", "keyword": "Background", "name": "", "line": 3, "steps": [step("a film", "failed")]}
    (result,) = read(project, background, child(project, steps=[step("b", "skipped"), step("c", "skipped")]))
    assert result.outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("failed", Outcome.FAILED),
        ("skipped", Outcome.SKIPPED),
        ("undefined", Outcome.CALL_ERROR),
        ("pending", Outcome.CALL_ERROR),
        ("ambiguous", Outcome.CALL_ERROR),
        ("flaky", Outcome.ERROR),
        ("", Outcome.ERROR),
        (None, Outcome.ERROR),
    ],
)
def test_every_status_has_one_meaning_and_an_unknown_one_is_an_error(project, status, expected):
    assert outcome(project, steps=[*STEPS[:2], step("c", status)]) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"before": [{"result": {"status": "failed"}}], "steps": [step("a", "skipped")] * 3}, Outcome.SETUP_ERROR),
        ({"before": [{"result": {"status": "skipped"}}], "steps": [step("a", "skipped")] * 3}, Outcome.SKIPPED),
        ({"before": [{"result": {"status": "odd"}}]}, Outcome.ERROR),
        ({"before": [{}]}, Outcome.ERROR),
        ({"after": [{"result": {"status": "failed"}}]}, Outcome.TEARDOWN_ERROR),
        ({"after": [{"result": {"status": "failed"}}], "steps": [step("a", "failed"), *STEPS[1:]]}, Outcome.FAILED),
        ({"steps": [step("a", after=[{"result": {"status": "failed"}}]), *STEPS[1:]]}, Outcome.FAILED),
        ({"steps": []}, Outcome.ERROR),
        ({"steps": STEPS[:2]}, Outcome.ERROR),
        ({"retry": 1}, Outcome.RERUN),
        ({"retry": 0}, Outcome.PASSED),
    ],
)
def test_hooks_retries_and_missing_steps(project, changes, expected):
    assert outcome(project, **changes) is expected


def test_a_retry_may_stand_at_the_feature(project):
    (result,) = read(project, child(project), retry=2)
    assert result.outcome is Outcome.RERUN


def test_the_form_of_pytest_bdd_passes_for_nobody(project):
    steps = [{**each, "match": {"location": ""}} for each in STEPS]
    assert outcome(project, steps=steps) is Outcome.ERROR


@pytest.mark.parametrize(
    "text", ["", "{", "3", "[3]", '[{"elements": [3]}]', '[{"elements": [{"steps": 3}]}]', '[{"elements": [{"line": "x"}]}]']
)
def test_what_is_no_cucumber_json_is_refused(project, text):
    path = project.root / "c.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=r"c\.json"):
        read_cucumber(path, ())


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RecordError, match="unreadable"):
        read_cucumber(tmp_path / "none.json", ())
