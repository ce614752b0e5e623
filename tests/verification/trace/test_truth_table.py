"""The truth table of outcomes: every way a scenario can end, through a live run in one process and over workers, through JUnit XML and through Cucumber JSON.

One row for each situation. Where a format cannot express it, the row says what comes out instead; that is never a pass.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from verification.trace import features
from verification.trace.cucumber import read_cucumber
from verification.trace.junit import read_junit
from verification.trace.outcomes import Outcome, RecordError, judge

ROOT = Path(__file__).resolve().parents[3]
FEATURE = "deep/features/live.feature"


@dataclass(frozen=True)
class Instead:
    """What comes out where the format has no word for the situation."""

    outcome: str
    why: str


@dataclass(frozen=True)
class Situation:
    """One way to end.

    Attributes:
        scenario: name and steps as Gherkin; the row judged, or empty.
        outcome: its meaning.
        junit: children and properties of the JUnit case, as a runner without our plugin (`bare`) and with it; None: no case.
        cucumber: status words of hooks and steps as Cucumber-JVM writes them; None: no element.
        bare, jvm, bdd, serial: what comes out instead, where the format cannot tell.
    """

    name: str
    text: str
    outcome: str
    row: str = ""
    junit: tuple[str, ...] | None = ("", "attempts=1")
    cucumber: dict | None = None
    bare: Instead | None = None
    jvm: Instead | None = None
    bdd: Instead | None = None
    serial: Instead | None = None


def step(status="passed"):
    return {"steps": [status]}


NO_WORD = "pytest alone writes a plain pass"
CALL_ONLY = "pytest-bdd writes elements for calls only"
NO_EXPECTATION = "Cucumber knows no expected failure"

TABLE = [
    Situation("passes", "Then it is well", "passed", cucumber=step(), bare=Instead("error", "attempts are not stated")),
    Situation("fails", "Then it fails", "failed", junit=("<failure message='no'/>",), cucumber=step("failed")),
    Situation(
        "breaks before",
        "Then it is well",
        "error in set-up",
        junit=("<error message='failed on setup with \"x\"'/>",),
        cucumber={"before": ["failed"], "steps": ["skipped"]},
        bdd=Instead("unbound", CALL_ONLY),
    ),
    Situation(
        "breaks inside",
        "Then it breaks",
        "error in call",
        junit=("<failure message='KeyError'/>", "broke=call"),
        cucumber=step("failed"),
        bare=Instead("failed", "pytest calls every exception of a call a failure"),
        jvm=Instead("failed", "Cucumber calls every exception of a step a failure"),
    ),
    Situation(
        "has no step",
        "Then nobody wrote this",
        "error in call",
        junit=("<failure message='StepDefinitionNotFoundError'/>", "broke=call"),
        cucumber=step("undefined"),
        bare=Instead("failed", "pytest calls every exception of a call a failure"),
        bdd=Instead("unbound", "pytest-bdd leaves scenarios without an executed step out"),
    ),
    Situation(
        "has half its steps",
        "Given it is well\n    Then nobody wrote this",
        "error in call",
        junit=("<failure message='StepDefinitionNotFoundError'/>", "broke=call"),
        cucumber={"steps": ["passed", "undefined"]},
        bare=Instead("failed", "pytest calls every exception of a call a failure"),
    ),
    Situation(
        "breaks after",
        "Then it is well",
        "error in tear-down",
        junit=("<error message='failed on teardown with \"x\"'/>",),
        cucumber={"steps": ["passed"], "after": ["failed"]},
    ),
    Situation(
        "skips", "Then it skips", "skipped", junit=("<skipped type='pytest.skip' message='x'/>",), cucumber=step("skipped")
    ),
    Situation(
        "fails as expected",
        "Then it fails as expected",
        "xfailed",
        junit=("<skipped type='pytest.xfail' message='x'/>", "xfail=expected"),
        cucumber=step("failed"),
        jvm=Instead("failed", NO_EXPECTATION),
    ),
    Situation(
        "passes against expectation",
        "Then it is well",
        "xpassed",
        junit=("", "attempts=1", "xfail=expected"),
        cucumber=step(),
        bare=Instead("error", NO_WORD),
        jvm=Instead("error", NO_EXPECTATION),
    ),
    Situation(
        "passes against strict expectation",
        "Then it is well",
        "xpassed",
        junit=("<failure message='[XPASS(strict)] x'/>",),
        cucumber=step("failed"),
        jvm=Instead("failed", NO_EXPECTATION),
    ),
    Situation(
        "passes the second time",
        "Then it fails once",
        "passed after rerun",
        junit=("", "attempts=2"),
        cucumber={"steps": ["passed"], "retry": 1},
        bare=Instead("error", NO_WORD),
        bdd=Instead("unbound", "pytest-bdd 9.0.1 ends in an internal error where a test is rerun"),
    ),
    Situation(
        "is left out",
        "Then it is well",
        "deselected",
        junit=None,
        bare=Instead("unbound", "JUnit has no case for it"),
        jvm=Instead("unbound", "Cucumber JSON has no element for it"),
        bdd=Instead("unbound", "Cucumber JSON has no element for it"),
    ),
    Situation(
        "kills its worker",
        "Then it exits",
        "crashed worker",
        junit=("<error message='failed on setup with \"worker gw0 crashed while running x\"'/>",),
        jvm=Instead("unbound", "the process that died wrote nothing"),
        bdd=Instead("unbound", "the process that died wrote nothing"),
        serial=Instead("no record", "the only process died"),
    ),
    Situation("is bound twice", "Then it is well", "duplicate", cucumber=step()),
    Situation(
        "rows",
        "Then <what>\n    Examples:\n      | what |\n      | it is well |\n      | it is gone |",
        "missing",
        "what=it is gone",
        junit=None,
    ),
    Situation("no rows", "Then it is well\n    Examples:\n      | what |", "empty outline", cucumber=step()),
    Situation("is hidden", "Then it is well", "unbound", junit=None),
]
IDS = [each.name for each in TABLE]
TWICE = "is bound twice"
FILLER = Situation("rows", "", "passed", "what=it is well", cucumber=step())
"""The row beside the one that is missing."""

STEPS = """
import os
from pathlib import Path


@pytest.fixture(autouse=True)
def _surroundings(request):
    if "breaks_before" in request.node.name:
        raise RuntimeError("before")
    yield
    if "breaks_after" in request.node.name:
        raise RuntimeError("after")


@given("it is well")
@then("it is well")
@then("it is gone")
def _(): ...


@then("it fails")
def _():
    raise AssertionError("no")


@then("it breaks")
def _():
    raise KeyError("inside")


@then("it skips")
def _():
    pytest.skip("no data")


@then("it fails as expected")
def _():
    pytest.xfail("known")


@then("it exits")
def _():
    os._exit(7)


@then("it fails once")
def _():
    mark = Path("tried")
    first = not mark.exists()
    mark.write_text("")
    assert not first


@pytest.hookimpl(trylast=True)
def pytest_itemcollected(item):
    if "strict" in item.name:
        item.add_marker(pytest.mark.xfail(strict=True))
    elif "against" in item.name:
        item.add_marker(pytest.mark.xfail(strict=False))


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config, items):
    place(config, items)
    items[:] = [item for item in items if "gone" not in item.nodeid and "hidden" not in item.nodeid]
    yield
"""


def gherkin():
    lines = ["@SRS-001", "Feature: Live"]
    for each in TABLE:
        outline = "Examples:" in each.text
        lines += [f"  Scenario{' Outline' if outline else ''}: {each.name}", f"    {each.text}"]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """A project with the real conftest of the verification, steps of its own, and one feature file two folders deep, one of them named ``features``."""
    root = tmp_path_factory.mktemp("live")
    path = root / "verification" / "features" / FEATURE
    path.parent.mkdir(parents=True)
    path.write_text(gherkin(), encoding="utf-8")
    conftest = (ROOT / "verification/conftest.py").read_text(encoding="utf-8")
    kept = [line for line in conftest.splitlines() if not line.startswith("from verification.steps")]
    assert len(kept) < len(conftest.splitlines())
    text = "\n".join(kept).replace("def pytest_collection_modifyitems(", "def place(")
    head = "from pytest_bdd import given, then\n"
    (root / "verification/conftest.py").write_text(
        text.replace("import pytest\n", f"import pytest\n{head}", 1) + STEPS, encoding="utf-8"
    )
    (root / "verification/test_features.py").write_text((ROOT / "verification/test_features.py").read_text(encoding="utf-8"))
    twice = f'from pytest_bdd import scenario\n\n\n@scenario("{FEATURE}", "{TWICE}")\ndef test_again(): ...\n'
    (root / "verification/test_twice.py").write_text(twice, encoding="utf-8")
    (root / "pytest.ini").write_text(
        "[pytest]\naddopts = --import-mode=importlib --strict-markers\npythonpath = .\nbdd_features_base_dir = verification/features\n"
        "markers =\n    verifies(*ids)\n"
    )
    return root


def run(root, *options, plugin=True):
    """Run pytest in a process of its own and return its exit code; what an earlier run left is removed."""
    for name in ("j.xml", "c.json", "tried"):
        (root / name).unlink(missing_ok=True)
    plugins = ["-p", "no:cacheprovider", *(["-p", "verification.trace.recording"] if plugin else [])]
    command = [sys.executable, "-m", "pytest", "verification", "-q", *plugins, "--junitxml=j.xml", *options]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, check=False, text=True).returncode


def outcomes(root, results):
    scenarios, _ = features.load(root)
    return {(verdict.scenario, verdict.row): str(verdict.outcome) for verdict in judge(scenarios, results)}


@pytest.fixture(scope="module")
def told(live):
    """What each way says, run once: verdicts by the name of the way."""
    left_out = ["-k", "not left_out"]
    found = {}
    run(live, "--reruns", "2", "-k", "not left_out and not kills")
    found["one process"] = outcomes(live, read_junit(live / "j.xml"))
    run(live, "--reruns", "2", *left_out, "-n", "2")
    found["workers"] = outcomes(live, read_junit(live / "j.xml"))
    run(live, "--cucumberjson=c.json", "-k", "not left_out and not kills and not second")
    scenarios, _ = features.load(live)
    found["pytest-bdd"] = outcomes(live, read_cucumber(live / "c.json", scenarios, single_attempt=True))
    found["pytest-bdd, JUnit of the same run"] = outcomes(live, read_junit(live / "j.xml"))
    run(live, "--cucumberjson=c.json", "-k", "not left_out and not kills and not second", plugin=False)
    found["pytest-bdd alone"] = outcomes(live, read_cucumber(live / "c.json", scenarios, single_attempt=True))
    found["JUnit alone"] = outcomes(live, read_junit(live / "j.xml"))
    return found


@pytest.mark.parametrize("situation", TABLE, ids=IDS)
def test_live_in_one_process(told, situation):
    expected = "deselected" if situation.serial else situation.outcome
    assert told["one process"][situation.name, situation.row] == expected


@pytest.mark.parametrize("situation", TABLE, ids=IDS)
def test_live_over_two_workers(told, situation):
    assert told["workers"][situation.name, situation.row] == situation.outcome


def test_a_crash_in_the_only_process_leaves_no_record(live):
    run(live, "-k", "kills or passes")
    with pytest.raises(RecordError, match="unreadable"):
        read_junit(live / "j.xml")


@pytest.mark.parametrize("situation", TABLE, ids=IDS)
def test_live_through_the_cucumber_json_of_pytest_bdd(told, situation):
    expected = situation.bdd.outcome if situation.bdd else situation.outcome
    assert told["pytest-bdd"][situation.name, situation.row] == expected


def test_pytest_bdd_cannot_write_cucumber_json_of_reruns(live):
    assert run(live, "--cucumberjson=c.json", "--reruns", "2", "-k", "second") == 3


def test_without_the_plugin_nothing_counts(told):
    for way in ("pytest-bdd alone", "JUnit alone"):
        assert "passed" not in told[way].values()
        assert told[way]["passes", ""] == "error"


def case(situation, *, bare):
    children, *noted = situation.junit
    pairs = [("feature", FEATURE), ("scenario", situation.name), ("row", situation.row)]
    pairs += [] if bare else [tuple(each.split("=", 1)) for each in noted]
    properties = "".join(f"<property name='{name}' value='{value}'/>" for name, value in pairs)
    return f"<testcase classname='c' name='{situation.name}'><properties>{properties}</properties>{children}</testcase>"


def junit(live, path, situation, *, bare=False):
    cases = [case(each, bare=bare) for each in (situation, FILLER) if each.junit is not None and each.outcome != "unbound"]
    cases += cases[:1] if situation.name == TWICE else []
    left = json.dumps({"node": "n", "properties": [["feature", FEATURE], ["scenario", situation.name], ["row", ""]]})
    deselected = situation.outcome == "deselected" and not bare
    noted = f"<properties><property name='deselected' value='{left}'/></properties>" if deselected else ""
    path.write_text(f"<testsuites><testsuite>{noted}{''.join(cases)}</testsuite></testsuites>", encoding="utf-8")
    return outcomes(live, read_junit(path))[situation.name, situation.row]


@pytest.mark.parametrize("situation", TABLE, ids=IDS)
def test_junit_text_with_our_notes(live, tmp_path, situation):
    assert junit(live, tmp_path / "j.xml", situation) == situation.outcome


@pytest.mark.parametrize("situation", TABLE, ids=IDS)
def test_junit_text_of_a_runner_alone(live, tmp_path, situation):
    found = junit(live, tmp_path / "j.xml", situation, bare=True)
    duplicates = {"duplicate": "error"}
    assert found == (situation.bare.outcome if situation.bare else duplicates.get(situation.outcome, situation.outcome))
    assert found != "passed"


def element(live, situation, *, named):
    """Return an element as Cucumber-JVM (hooks beside steps) or Cucumber-JS (hooks as steps without name) writes it."""
    scenario = next(each for each in features.load(live)[0] if each.name == situation.name)
    line = next((row.line for row in scenario.rows if row.text == situation.row), scenario.line)
    parts = situation.cucumber
    texts = [f"step {number}" for number in range(len(parts["steps"]))]
    steps = [
        {"keyword": "Then ", "name": text, "line": 1, "match": {"location": "a.b()"}, "result": {"status": status}}
        for text, status in zip(texts, parts["steps"], strict=True)
    ]
    hooks = {
        side: [{"match": {"location": "h"}, "result": {"status": each}} for each in parts.get(side, ())]
        for side in ("before", "after")
    }
    whole = {
        "id": "x;y",
        "name": situation.name,
        "line": line,
        "type": "scenario",
        "keyword": "Scenario",
        "tags": [{"name": "@SRS-001"}],
    }
    whole |= {"retry": parts["retry"]} if "retry" in parts else {}
    if named:
        return {**whole, **hooks, "steps": steps}
    hidden = {
        side: [{"keyword": word, "hidden": True, **each} for each in hooks[side]]
        for side, word in (("before", "Before"), ("after", "After"))
    }
    return {**whole, "steps": [*hidden["before"], *steps, *hidden["after"]]}


def cucumber(live, path, situation, *, form="jvm", single_attempt=True):
    elements = [element(live, each, named=form == "jvm") for each in (situation, FILLER) if each.cucumber]
    elements += elements[:1] if situation.name == TWICE else []
    uri = {"jvm": f"file:src/test/resources/{FEATURE}", "js": f"features/{FEATURE}"}[form]
    path.write_text(json.dumps([{"uri": uri, "id": "f", "keyword": "Feature", "name": "Live", "elements": elements}]))
    scenarios, _ = features.load(live)
    return outcomes(live, read_cucumber(path, scenarios, single_attempt=single_attempt))[situation.name, situation.row]


@pytest.mark.parametrize("form", ["jvm", "js"])
@pytest.mark.parametrize("situation", TABLE, ids=IDS)
def test_cucumber_json_of_other_runners(live, tmp_path, situation, form):
    single = situation.jvm is None or situation.jvm.outcome != "error"
    found = cucumber(live, tmp_path / "c.json", situation, form=form, single_attempt=single)
    assert found == (situation.jvm.outcome if situation.jvm else situation.outcome)


@pytest.mark.parametrize("situation", TABLE, ids=IDS)
def test_cucumber_json_whose_runner_nobody_vouches_for_never_passes(live, tmp_path, situation):
    assert cucumber(live, tmp_path / "c.json", situation, single_attempt=False) != "passed"


def test_every_outcome_that_a_record_can_hold_is_in_the_table():
    outside = {Outcome.STALE, Outcome.FOREIGN, Outcome.ERROR}
    assert {each.outcome for each in TABLE} == {str(each) for each in set(Outcome) - outside}


def test_only_the_clean_pass_is_passed(told):
    clean = {("passes", ""), ("rows", "what=it is well")}
    for way in ("one process", "workers", "pytest-bdd", "pytest-bdd, JUnit of the same run"):
        assert {key for key, outcome in told[way].items() if outcome == "passed"} == clean, way
