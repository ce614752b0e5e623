"""`./qms mutate`, run as a person would on the small project: the table, JSON, what is kept, and an exit code that can be 1."""

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from pipeline import dvc_runs, mutation_run
from pipeline.cli import app
from pipeline.mutation_run import EVIDENCE, RESULT, MutationRun, operators_of
from tests.verification.trace.conftest import project, sealed  # noqa: F401  fixtures of the small project
from verification.trace.case import Level
from verification.trace.checks import orphans
from verification.trace.checks.register import CHECKS
from verification.trace.identity import Identity
from verification.trace.mutants import campaign
from verification.trace.mutants.catalogue import OPERATORS
from verification.trace.mutants.mutant import Part
from verification.trace.seeded import FaultRecord, Trial

runner = CliRunner()


@pytest.fixture
def here(project, monkeypatch):  # noqa: F811
    """The small project as the place where the command runs, in one process."""
    monkeypatch.setattr(dvc_runs, "canonical", lambda: SimpleNamespace(root=project.root))
    monkeypatch.setattr(campaign, "WORKERS", 1)
    return project


def test_one_operator_is_judged_and_its_table_printed(here):
    done = runner.invoke(app, ["mutate", "--operator", "duplicate-id"])
    assert done.exit_code == 0, done.output
    assert "duplicate-id" in done.stdout
    assert "SPC-DUPLICATE-ID" in done.stdout
    assert "mutants caught (100.00 %)" in done.stdout
    assert json.loads(here.read(RESULT))["campaign"]["survivors"] == []


def test_json_is_alone_on_stdout_and_a_summary_is_kept(here):
    done = runner.invoke(app, ["mutate", "--operator", "level-lowered", "--sample", "1", "--seed", "3", "--json", "--keep"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["campaign"]["mutants"] == 1
    kept = json.loads(here.read(EVIDENCE))
    assert kept["operators"]["level-lowered"]["codes"] == {"CHG-UNRECORDED": 1}
    assert set(kept) >= {"date", "seconds", "workers", "cores", "project", "outstanding"}


def test_a_survivor_is_exit_code_1(here, monkeypatch):
    kept = tuple(check for check in CHECKS[Level.DEVELOPMENT] if check is not orphans.requirements_have_scenarios)
    monkeypatch.setitem(CHECKS, Level.DEVELOPMENT, kept)
    done = runner.invoke(app, ["mutate", "--operator", "tag-deleted"])
    assert done.exit_code == 1
    assert "SURVIVED  tag-deleted" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--part", "device"], "found 'device', expected one of graph, evidence, controls, all"),
        (["--operator", "everything"], "found 'everything', expected one of"),
        (["--sample", "0"], "greater than or equal to 1"),
    ],
)
def test_wrong_input_is_usage(arguments, said):
    done = runner.invoke(app, ["mutate", *arguments])
    assert done.exit_code == 2
    assert said in " ".join(done.output.replace("│", " ").split())
    assert "Traceback" not in done.output


def test_without_a_run_it_names_the_demo(here):
    (here.root / "dvc.lock").unlink()
    done = runner.invoke(app, ["mutate", "--operator", "duplicate-id"])
    assert done.exit_code == 1
    assert "./qms demo" in done.stderr


def test_parts_share_out_the_operators():
    assert set(operators_of("all")) == set(OPERATORS)
    assert set(operators_of("graph")) | set(operators_of("evidence")) == set(OPERATORS)
    assert not set(operators_of("graph")) & set(operators_of("evidence"))


def trial(*, shown):
    killed = ("TC:a",) if shown else ()
    return Trial("SD-001", "RC-001", shown, "" if shown else "not noticed", killed, "", "", {"failed": 1}, (), ())


@pytest.mark.parametrize(("trials", "good"), [((), False), ((True,), True), ((True, False), False)])
def test_controls_count_only_where_every_defect_was_noticed(trials, good):
    record = FaultRecord(Identity("verification", "0" * 64), tuple(trial(shown=each) for each in trials))
    assert bool(MutationRun(None, record)) is good
    assert ("SURVIVED" in MutationRun(None, record).to_text()) is (False in trials)


def test_controls_are_tried_by_the_runner_of_seeded_defects(here, monkeypatch):
    record = FaultRecord(Identity("verification", "0" * 64), (trial(shown=True),))
    monkeypatch.setattr(mutation_run, "run_seeded_defects", lambda root, report: record)
    done = runner.invoke(app, ["mutate", "--part", str(Part.CONTROLS)])
    assert done.exit_code == 0, done.output
    assert "1 of 1 seeded defects noticed, 1 controls shown" in done.stdout
