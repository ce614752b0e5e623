"""The verification run: executed once for a state, repeated only when something changed, and never silenced from outside."""

import json

import pytest

from pipeline import verification_run
from verification.trace.evidence import JUNIT, VERDICTS
from verification.trace.identity import read_identity
from verification.trace.records import incomplete, incomplete_run, parse_records, read_record_files

CONFTEST = """
import pytest
from pathlib import Path
from pytest_bdd import given, parsers, then, when
from pytest_bdd.scenario import scenario_wrapper_template_registry


@given("a film")
@when("it is analysed")
@then("it is refused")
def _(): ...


@when(parsers.parse("the view is {view}"))
@then(parsers.parse("the record says {view}"))
def _(view):
    if Path("artifacts/break").exists():
        raise AssertionError("broken")


def pytest_bdd_apply_tag(tag, function):
    pytest.mark.verifies(tag)(function)
    return True


def pytest_collection_modifyitems(items):
    for item in items:
        template = scenario_wrapper_template_registry[item.obj]
        example = item.callspec.params["_pytest_bdd_example"] if hasattr(item, "callspec") else {}
        row = ", ".join(f"{name}={value}" for name, value in example.items())
        place = [("feature", "admission.feature"), ("scenario", template.name), ("row", row)]
        item.user_properties += sorted(("verifies", mark.args[0]) for mark in item.iter_markers("verifies")) + place
"""

OPTIONS = """
[tool.pytest.ini_options]
addopts = ["--import-mode=importlib", "--strict-markers"]
bdd_features_base_dir = "verification/features"
markers = ["verifies(*ids)"]
"""


@pytest.fixture
def runnable(project, monkeypatch):
    """The small project with steps that run, in one process; the gate's own plugin comes from this checkout."""
    project.write("verification/conftest.py", CONFTEST)
    project.write("verification/test_features.py", 'from pytest_bdd import scenarios\n\nscenarios(".")\n')
    project.write("pyproject.toml", project.read("pyproject.toml") + OPTIONS)
    (project.root / "verification/trace/gate.py").unlink()
    (project.root / "verification/trace").rmdir()
    checkout = str(verification_run.__file__).removesuffix("/pipeline/verification_run.py")
    monkeypatch.setattr(verification_run, "available_workers", lambda: 1)
    monkeypatch.setattr(verification_run, "environment", environment_with(checkout, verification_run.environment))
    return project


def environment_with(checkout, original):
    """Return the run's environment with this checkout on the path; the small project has no gate of its own."""
    return lambda root: {**original(root), "PYTHONPATH": checkout}


def run(project, **options):
    steps = []
    return verification_run.run(project.root, lambda done, total, text: steps.append((done, total, text)), **options), steps


def test_run_writes_verdicts_bound_to_the_state_and_repeats_only_when_something_changed(runnable, capsys):
    result, steps = run(runnable)
    assert result.executed
    assert result.passed
    assert steps[-1] == (3, 3, "")
    first = runnable.read(VERDICTS)
    data = json.loads(first)
    assert data["identity"]["sha256"] == read_identity(runnable.root, "verification").sha256
    assert data["counts"] == {"passed": 3}
    book = parse_records(read_record_files(runnable.root))
    assert [lack for record in book.records.values() for lack in incomplete(record)] == []
    assert (list(incomplete_run(book.run)), book.run.tester, len(book.records)) == ([], "automated run, no person", 3)
    assert data["texts"].keys() >= {"SRS-001", "RC-001", "TC:admission.feature::Every view is told"}
    assert "time" not in first
    assert not [code for code in runnable.codes() if not code.startswith("OBL-")], (
        "its conftest is new, which the baseline does not know"
    )

    again, _ = run(runnable)
    assert not again.executed
    assert again.passed
    assert "up to date" in capsys.readouterr().err
    assert runnable.read(VERDICTS) == first

    runnable.write("verification/steps/film.py", "AGE = 16\n")
    assert run(runnable)[0].executed


@pytest.mark.parametrize("lose", ["raw record", "verdicts", "nothing, but by force"])
def test_run_is_repeated_where_the_record_is_not_whole_or_by_force(project, monkeypatch, lose):
    class ExecutedError(Exception):
        pass

    def execute(*_):
        raise ExecutedError("the runner was started")

    monkeypatch.setattr(verification_run, "_execute", execute)
    assert not run(project)[0].executed
    if lose != "nothing, but by force":
        (project.root / {"raw record": JUNIT, "verdicts": VERDICTS}[lose]).unlink()
    with pytest.raises(ExecutedError, match="the runner was started"):
        run(project, force=lose == "nothing, but by force")


def test_a_failed_run_is_repeated(runnable):
    runnable.write("artifacts/break", "")
    result, steps = run(runnable)
    assert not result.passed
    assert result.record.exit_code == 1
    assert [text for _, _, text in steps].count("failed") == 2
    assert "TRC-RESULT-FAILED" in runnable.codes()
    (runnable.root / "artifacts/break").unlink()
    assert run(runnable)[0].passed


def test_the_caller_cannot_leave_scenarios_out(runnable, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k child")
    assert run(runnable)[0].record.counts() == {"passed": 3}


def test_deselection_in_the_project_itself_shows(runnable):
    runnable.replace("pyproject.toml", '"--strict-markers"', '"--strict-markers", "-k child"')
    result, _ = run(runnable)
    assert not result.passed
    assert result.record.counts() == {"deselected": 2, "passed": 1}


def test_a_broken_conftest_leaves_no_verdicts(runnable):
    run(runnable)
    runnable.write("verification/conftest.py", "raise RuntimeError\n")
    result, _ = run(runnable)
    assert not result.passed
    assert result.record is None
    assert "left no record" in result.reason
    assert not (runnable.root / VERDICTS).exists()


def test_a_state_that_changes_during_the_run_gets_no_identity(runnable):
    runnable.write("verification/conftest.py", CONFTEST + "\nPath('device_sw/device.py').write_text('ADULT = 3')\n")
    result, _ = run(runnable)
    assert result.record.identity.sha256 is None
    assert "device_sw/device.py changed" in result.record.identity.reason
    assert not result.passed
