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


def test_a_feature_that_ran_nothing_has_no_results(project):
    path = project.root / "c.json"
    path.write_text(json.dumps([{"uri": FEATURE}]), encoding="utf-8")
    assert read_cucumber(path, features.load(project.root)[0]) == ()
    assert read(project) == ()


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


def tagged(*names):
    return {"tags": [{"name": f"@{name}"} for name in names]}


BROKEN, ODD, SKIPPED = ({"result": {"status": word}} for word in ("failed", "odd", "skipped"))
WORDS = {
    "a pass": ({}, Outcome.PASSED, ""),
    "a step": ({"steps": [step("a", "failed"), *STEPS[1:]]}, Outcome.FAILED, "a: failed"),
    "a step with words": (
        {"steps": [step("a", result={"status": "failed", "error_message": "\n  no film\nat line 3"}), *STEPS[1:]]},
        Outcome.FAILED,
        "no film",
    ),
    "many words": (
        {"steps": [step("a", result={"status": "failed", "error_message": "x" * 400}), *STEPS[1:]]},
        Outcome.FAILED,
        "x" * 300,
    ),
    "a hook before": ({"before": [BROKEN]}, Outcome.SETUP_ERROR, "a hook: failed"),
    "a hook after": ({"after": [BROKEN]}, Outcome.TEARDOWN_ERROR, "a hook: failed"),
    "a hook after that skips": ({"after": [SKIPPED]}, Outcome.SKIPPED, "a hook: skipped"),
    "an unknown word of a hook": ({"after": [ODD]}, Outcome.ERROR, "a hook: odd"),
    "hooks before decide": ({"before": [SKIPPED], "after": [BROKEN]}, Outcome.SKIPPED, "a hook: skipped"),
    "an unknown word before a failure": ({"steps": [step("a", "failed"), step("b", "odd"), STEPS[2]]}, Outcome.ERROR, "b: odd"),
    "undefined before failed": (
        {"steps": [step("a", "failed"), step("b", "undefined"), STEPS[2]]},
        Outcome.CALL_ERROR,
        "b: undefined",
    ),
    "failed before skipped": ({"steps": [step("a", "skipped"), step("b", "failed"), STEPS[2]]}, Outcome.FAILED, "b: failed"),
    "capitals": ({"steps": [step("a", "FAILED"), *STEPS[1:]]}, Outcome.FAILED, "a: failed"),
    "a hook before a step": ({"steps": [step("a", before=[BROKEN]), *STEPS[1:]]}, Outcome.FAILED, "a hook: failed"),
    "hooks as steps before": ({"steps": [{"keyword": "Before ", **BROKEN}, *STEPS]}, Outcome.SETUP_ERROR, "a hook: failed"),
    "hooks as steps after": ({"steps": [*STEPS, {"keyword": "After", **BROKEN}]}, Outcome.TEARDOWN_ERROR, "a hook: failed"),
    "no step": ({"steps": []}, Outcome.ERROR, "no step was executed"),
    "a step less": ({"steps": STEPS[:2]}, Outcome.ERROR, "other steps passed than the scenario has"),
    "a step more": ({"steps": [*STEPS, STEPS[0]]}, Outcome.ERROR, "other steps passed than the scenario has"),
    "a retry": ({"retry": 1}, Outcome.RERUN, "passed in attempt 2"),
    "attempts": (tagged("attempts=3"), Outcome.RERUN, "passed in attempt 3"),
    "one attempt": (tagged("attempts=1"), Outcome.PASSED, ""),
    "ended inside": (tagged("ended=skipped"), Outcome.SKIPPED, "ended inside a step"),
    "expected, ended inside": (tagged("ended=skipped", "xfail"), Outcome.XFAILED, "ended inside a step"),
    "expected, passed": (tagged("xfail"), Outcome.XPASSED, "expected to fail, passed"),
    "expected, failed": ({**tagged("xfail"), "steps": [step("a", "failed"), *STEPS[1:]]}, Outcome.XFAILED, "a: failed"),
    "expected, skipped": ({**tagged("xfail"), "steps": [step("a", "skipped"), *STEPS[1:]]}, Outcome.XFAILED, "a: skipped"),
    "expected, undefined": (
        {**tagged("xfail"), "steps": [step("a", "undefined"), *STEPS[1:]]},
        Outcome.CALL_ERROR,
        "a: undefined",
    ),
    "broken in call": ({**tagged("broke=call"), "steps": [step("a", "failed"), *STEPS[1:]]}, Outcome.CALL_ERROR, "a: failed"),
    "broken in call, skipped": (
        {**tagged("broke=call"), "steps": [step("a", "skipped"), *STEPS[1:]]},
        Outcome.SKIPPED,
        "a: skipped",
    ),
    "the scenario failed": (tagged("ended=failed"), Outcome.ERROR, "no step failed, the scenario did"),
    "the scenario broke": (tagged("ended=failed", "broke=call"), Outcome.CALL_ERROR, "no step failed, the scenario did"),
}


@pytest.mark.parametrize("case", WORDS)
def test_an_outcome_is_told_with_its_reason(project, case):
    changes, expected, reason = WORDS[case]
    (result,) = read(project, child(project, **changes))
    assert (result.outcome, result.reason) == (expected, reason)


def test_without_a_word_of_attempts_a_pass_is_none(project):
    unsure = "the file does not say in how many attempts it passed, nor that its tear-down did"
    (result,) = read(project, child(project), single_attempt=False)
    assert (result.outcome, result.reason) == (Outcome.ERROR, unsure)
    written = [{**each, "match": {"location": ""}} for each in STEPS]
    (result,) = read(project, child(project, steps=written))
    assert (result.outcome, result.reason) == (Outcome.ERROR, unsure)
    mixed = [*written[:2], STEPS[2]]
    assert outcome(project, steps=mixed) is Outcome.PASSED
    (result,) = read(project, child(project, **tagged("attempts=1")), single_attempt=False)
    assert result.outcome is Outcome.PASSED


def test_a_result_names_its_node_its_steps_and_only_ids_of_items(project):
    (result,) = read(project, child(project, **tagged("SRS-001", "slow", "RC-001", "attempts=1"), id="admission;child"))
    assert result.node == f"{FEATURE}::admission;child"
    assert result.verifies == ("RC-001", "SRS-001")
    assert result.steps == ("passed: Given a film", "passed: Given it is analysed", "passed: Given it is refused")
    (result,) = read(project, child(project))
    assert result.node == f"{FEATURE}::{CHILD}"


def test_the_steps_of_a_background_stand_before_those_of_the_next_scenario_only(project):
    background = {"type": "background", "name": "", "line": 3, "steps": [step("x")]}
    named = {"keyword": "Background ", "name": "", "line": 3, "steps": [step("y")]}
    first, second, third = read(project, background, child(project), named, child(project), child(project))
    assert [len(each.steps) for each in (first, second, third)] == [4, 4, 3]
    assert (first.steps[0], second.steps[0]) == ("passed: Given x", "passed: Given y")


def test_what_the_plugin_noted_decides_over_line_and_uri(project):
    (result,) = read(project, child(project, **tagged("feature=other.feature", "row=view=PA", "attempts=1")), uri="x.feature")
    assert result.key == ("other.feature", CHILD, "view=PA")


def test_a_scenario_of_another_name_or_an_outline_without_row_belongs_to_nothing(project):
    line = project.line(FEATURE, CHILD)
    (result,) = read(project, child(project, name="Another"))
    assert result.key == ("admission.feature", "Another", f"line {line}")
    outline = project.line(FEATURE, "Scenario Outline:")
    (result,) = read(project, {"name": "Every view is told", "line": outline, "steps": STEPS})
    assert result.key == ("admission.feature", "Every view is told", f"line {outline}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"c\.json is unreadable \(JSONDecodeError\)$"),
        ("[3]", r"^c\.json holds something other than features with elements \(AttributeError: 'int'"),
    ],
)
def test_what_is_no_cucumber_json_is_told(project, text, words):
    path = project.root / "c.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=words):
        read_cucumber(path, ())


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
