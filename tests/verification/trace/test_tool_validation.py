"""The tool's own validation: the plan names tests that exist, the worst case of a test counts, and a record belongs to one tool."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from verification.trace import gate
from verification.trace.case import Level
from verification.trace.identity import Identity, digest
from verification.trace.junit import read_junit
from verification.trace.outcomes import Outcome, Result
from verification.trace.tool_validation import (
    KIT,
    SHOWN,
    Kit,
    PotentialError,
    Shown,
    ToolRecord,
    ToolState,
    absent_tests,
    judge,
    read_kit,
    read_shown,
    read_state,
    unshown,
)

ROOT = Path(__file__).resolve().parents[3]
TEST = "tests/verification/trace/test_gate.py::test_sealed_project_passes"
ERROR = PotentialError("PE-001", "a pass that is none", "belief", "care", (TEST,), f"{KIT}:9")
KIT_OF_ONE = Kit("use", "risk", "approach", ("people",), (ERROR,))
TOOL = Identity("tool", digest("tool", {"a": "1"}, {}), files={"a": "1"})


def result(node, outcome=Outcome.PASSED):
    return Result(("", "", ""), node, (), outcome, "")


def case(name="test_sealed_project_passes", outcome=Outcome.PASSED):
    return result(f"tests.verification.trace.test_gate::{name}", outcome)


def found(state):
    return [(each.code, each.item, each.found) for each in unshown(state)]


def test_the_shipped_plan_is_sound_and_names_at_least_thirty_potential_errors():
    state, problems = read_state(ROOT)
    assert problems == ()
    assert len(state.kit.errors) >= 30
    assert len({error.title for error in state.kit.errors}) == len(state.kit.errors)


def test_each_shipped_potential_error_says_everything():
    kit, _ = read_kit(ROOT)
    assert all(len(text.split()) > 5 for text in (kit.intended_use, kit.risk, kit.approach))
    for error in kit.errors:
        assert error.consequence.endswith(".")
        assert error.safeguard.endswith(".")
        assert re.fullmatch(rf"{re.escape(KIT)}:\d+", error.where)


@pytest.mark.parametrize(
    ("results", "outcome"),
    [
        ([case()], Outcome.PASSED),
        ([case("test_sealed_project_passes[a]"), case("test_sealed_project_passes[b]")], Outcome.PASSED),
        ([case("test_sealed_project_passes[a]"), case("test_sealed_project_passes[b]", Outcome.FAILED)], Outcome.FAILED),
        ([case(outcome=Outcome.SKIPPED)], Outcome.SKIPPED),
        ([case("test_another")], Outcome.MISSING),
        ([], Outcome.MISSING),
    ],
)
def test_a_test_counts_by_the_worst_of_its_cases_and_not_at_all_without_one(results, outcome):
    assert judge(KIT_OF_ONE, results) == (Shown("PE-001", {TEST: outcome}),)


def test_only_clean_passes_exclude_an_error():
    assert Shown("PE-001", {TEST: Outcome.PASSED}).excluded
    assert not Shown("PE-001", {TEST: Outcome.PASSED, "other": Outcome.XFAILED}).excluded
    assert not Shown("PE-001", {}).excluded


def test_a_record_without_identity_or_without_errors_is_no_pass():
    good = (Shown("PE-001", {TEST: Outcome.PASSED}),)
    assert ToolRecord(TOOL, good).passed
    assert not ToolRecord(Identity("tool", None, "changed during the run"), good).passed
    assert not ToolRecord(TOOL, ()).passed


def test_a_test_that_does_not_exist_is_named(tmp_path):
    file = tmp_path / "tests/verification/trace/test_gate.py"
    file.parent.mkdir(parents=True)
    file.write_text("def helper():\n    def test_sealed_project_passes(): ...\n")
    problems = list(absent_tests(tmp_path, KIT_OF_ONE))
    assert [(each.code, each.where, each.found) for each in problems] == [("TRC-TOOL-TEST", f"{KIT}:9", f"no test {TEST}")]
    file.write_text("def test_sealed_project_passes(project):\n    pass\n")
    assert list(absent_tests(tmp_path, KIT_OF_ONE)) == []
    file.unlink()
    assert len(list(absent_tests(tmp_path, KIT_OF_ONE))) == 1


def test_a_clean_run_of_this_tool_stands_against_nothing():
    record = ToolRecord(TOOL, (Shown("PE-001", {TEST: Outcome.PASSED}),))
    assert found(ToolState(KIT_OF_ONE, record, TOOL)) == []


@pytest.mark.parametrize(
    ("state", "item", "words"),
    [
        (ToolState(), "tool", "no plan of the tool's validation"),
        (ToolState(KIT_OF_ONE, None, TOOL), "tool", "no record of a validation run"),
        (ToolState(KIT_OF_ONE, ToolRecord(Identity("tool", "0", files={"a": "0"}), ()), TOOL), "tool", "a changed"),
        (ToolState(KIT_OF_ONE, ToolRecord(TOOL, ()), TOOL), "PE-001", "not what the run was about"),
        (
            ToolState(KIT_OF_ONE, ToolRecord(TOOL, (Shown("PE-001", {"other": Outcome.PASSED}),)), TOOL),
            "PE-001",
            "not what the run was about",
        ),
        (ToolState(KIT_OF_ONE, ToolRecord(TOOL, (Shown("PE-001", {TEST: Outcome.FAILED}),)), TOOL), "PE-001", f"{TEST} failed"),
    ],
)
def test_what_keeps_the_tool_from_being_validated_is_named(state, item, words):
    assert found(state) == [("TRC-TOOL-EVIDENCE", item, words)]


def test_a_record_survives_the_round_trip_and_a_broken_one_is_none(tmp_path):
    record = ToolRecord(TOOL, (Shown("PE-001", {TEST: Outcome.PASSED}),))
    assert read_shown(tmp_path) is None
    path = tmp_path / SHOWN
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(record.to_json()))
    assert read_shown(tmp_path) == record
    for broken in ("", "[]", "{}", '{"schema": "other/1"}', json.dumps(record.to_json()).replace('"passed"', '"fine"')):
        path.write_text(broken)
        assert read_shown(tmp_path) is None


def test_tests_of_folders_with_a_conftest_each_are_run_and_recorded(tmp_path):
    """pytest puts aside the plugins of the other folders then, and has to be able to hash ours."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "conftest.py").write_text("")
        (tmp_path / name / f"test_{name}.py").write_text("def test_it():\n    pass\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "verification.trace.recording",
        "--junitxml=raw.xml",
        "one",
        "two",
    ]
    finished = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout
    assert [each.outcome for each in read_junit(tmp_path / "raw.xml")] == [Outcome.PASSED, Outcome.PASSED]


def test_the_gate_asks_for_the_validation_from_release_on(project):
    assert "TRC-TOOL-EVIDENCE" not in project.codes()
    assert "TRC-TOOL-EVIDENCE" in project.codes(Level.RELEASE)


def test_an_error_without_a_test_shuts_the_gate_at_every_level(project):
    project.write(
        KIT,
        'schema = "thoratrace/tool-validation/1"\nauthor = "DEMO-author"\nstatus = "draft"\nintended_use = "u"\nrisk = "r"\napproach = "a"\n'
        'procedural = ["p"]\n[[potential_error]]\nid = "PE-001"\ntitle = "t"\nconsequence = "c"\nsafeguard = "s"\n'
        'tests = ["tests/test_x.py::test_y"]\n',
    )
    problems = [each for each in gate.check(project.root).problems if each.code == "TRC-TOOL-TEST"]
    assert [(each.where, each.item) for each in problems] == [(f"{KIT}:8", "PE-001")]


def test_a_plan_that_does_not_fit_is_named_with_its_line(project):
    project.write(KIT, 'schema = "thoratrace/tool-validation/1"\n[[potential_error]]\nid = "X-1"\n')
    problems = [each for each in gate.check(project.root).problems if each.where.startswith(KIT)]
    assert {"SPC-MISSING-KEY", "SPC-VALUE"} <= {each.code for each in problems}
