"""A watching gate says after every edit what the gate says that reads everything, and says nothing where nothing changed."""

import pytest

from verification.trace import gate, watch
from verification.trace.baseline import BASELINE
from verification.trace.case import Level
from verification.trace.evidence import JUNIT, VERDICTS
from verification.trace.watch import Watch

EDITS = {
    "a requirement's text": lambda project: project.replace(project.requirements, "shall", "should"),
    "a feature file": lambda project: project.replace("verification/features/admission.feature", "it is refused", "it is kept"),
    "a severity": lambda project: project.replace("risk/data/hazards.toml", "severity = 3", "severity = 2"),
    "a broken data file": lambda project: project.replace("requirements_spec/data/user_needs.toml", "[[need]]", "[[need"),
    "the verdicts": lambda project: project.replace(VERDICTS, '"passed"', '"failed"'),
    "the raw record": lambda project: project.write(JUNIT, ""),
    "the verdicts gone": lambda project: (project.root / VERDICTS).unlink(),
    "the baseline": lambda project: project.write(BASELINE, "{}"),
    "the pipeline's lock": lambda project: project.write("dvc.lock", "schema: '2.0'\nstages: {}\n"),
    "a page of the technical file": lambda project: (project.root / "docs/software-requirements.md").unlink(),
    "a new feature file": lambda project: project.write(
        "verification/features/new.feature", "Feature: N\n  Scenario: S\n    Then it is\n"
    ),
    "a source of the device": lambda project: project.write("device_sw/new.py", '"""New."""\n'),
    "people": lambda project: project.write("people.toml", "x = 1\n"),
}


@pytest.fixture
def edited(project):
    folder = project.root / "requirements_spec/data/software_requirements"
    project.requirements = next(folder.glob("*.toml")).relative_to(project.root).as_posix()
    return project


@pytest.mark.parametrize("edit", EDITS)
def test_the_verdict_after_an_edit_is_that_of_the_whole_gate(edited, edit):
    watching = Watch(edited.root, Level.DEVELOPMENT)
    before = watching.result.problems
    EDITS[edit](edited)
    result = watching.again()
    assert result is not None
    assert result.problems == gate.check(edited.root, write=False).problems
    assert result.problems != before


def test_several_edits_one_after_the_other(edited):
    watching = Watch(edited.root, Level.DEVELOPMENT)
    kept = edited.read(edited.requirements)
    edited.replace(edited.requirements, "shall", "should")
    assert watching.again().problems
    edited.replace("risk/data/hazards.toml", "severity = 3", "severity = 2")
    assert watching.again().problems == gate.check(edited.root, write=False).problems
    edited.replace("risk/data/hazards.toml", "severity = 2", "severity = 3")
    edited.write(edited.requirements, kept)
    assert watching.again().problems == ()


def test_without_a_change_nothing_is_said(project):
    watching = Watch(project.root, Level.DEVELOPMENT)
    assert watching.again() is None


def test_verdicts_come_at_once_and_after_each_change(edited, monkeypatch):
    monkeypatch.setattr(watch, "PAUSE", 0.0)
    told = watch.verdicts(edited.root, Level.DEVELOPMENT)
    first, _ = next(told)
    edited.replace("risk/data/hazards.toml", "severity = 3", "severity = 2")
    second, seconds = next(told)
    assert (first.passed, second.passed) == (True, False)
    assert seconds >= 0.0


def test_the_level_is_the_one_that_was_asked_for(project):
    found = [len(Watch(project.root, level).result.problems) for level in (Level.DEVELOPMENT, Level.RELEASE)]
    assert found[0] < found[1]


def test_a_folder_in_which_a_file_appears_is_no_file(project):
    project.write("device_sw/detector/one.py", '"""One."""\n')
    watching = Watch(project.root, Level.DEVELOPMENT)
    project.write("device_sw/detector/two.py", '"""Two."""\n')
    assert watching.again().problems == gate.check(project.root, write=False).problems


def test_a_lock_that_is_half_written_is_waited_for(project):
    lock = project.read("dvc.lock")
    watching = Watch(project.root, Level.DEVELOPMENT)
    project.write("dvc.lock", lock[: len(lock) // 2])
    assert watching.again().problems == gate.check(project.root, write=False).problems
    project.write("dvc.lock", lock)
    assert watching.again().problems == ()
