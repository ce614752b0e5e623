"""`./qms surveil`: a baseline, then windows; exit codes, and refusals that name no folder."""

import json

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from tests.pipeline.surveillance.sites import RELEASED, WORDS, steady

runner = CliRunner()


@pytest.fixture
def released(monkeypatch):
    """The installation of these sites is a release."""
    monkeypatch.setattr("pipeline.surveillance.installed.releases", lambda _: RELEASED)


def run(*arguments):
    return runner.invoke(app, ["surveil", *map(str, arguments)])


@pytest.fixture
def baseline(site, plan_file, tmp_path, released):
    """A site with 80 inputs and the file of their baseline."""
    site.record([*steady(79), "ADM-VIEW"])
    done = run("baseline", site.folder, "--plan", plan_file, "--looked-through", WORDS, "-o", tmp_path / "baseline.json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"80 inputs, 79 analysed, 1 refused, 0 failed; looked through: {WORDS}" in done.stdout
    return tmp_path / "baseline.json"


def windows(site, plan_file, baseline, *more):
    return run("windows", site.folder, "--plan", plan_file, "--baseline", baseline, "-o", baseline.parent / "out", *more)


def test_unchanged_films_are_inside_with_exit_0(site, plan_file, baseline):
    site.record([*steady(39), "ADM-VIEW"])
    done = windows(site, plan_file, baseline)
    assert done.exit_code == 0
    assert "inside; films of a site" in done.stdout
    assert "values that could not be evaluated: 6; page" in " ".join(done.stdout.split())
    record = json.loads((baseline.parent / "out/surveillance.json").read_text(encoding="utf-8"))
    assert record["verdict"] == "inside"
    again = windows(site, plan_file, baseline, "--earlier", baseline.parent / "out/surveillance.json", "--json")
    assert json.loads(again.stdout) == record


def test_drift_is_exit_1(site, plan_file, baseline):
    site.record([*steady(20), *["ADM-POLARITY"] * 20])
    done = windows(site, plan_file, baseline)
    assert done.exit_code == 1
    assert "PMI-01 Refused films" in done.stdout
    assert "outside; films of a site" in done.stdout


def test_a_broken_chain_is_refused_and_nothing_is_written(site, plan_file, baseline):
    trail = site.folder / "audit.jsonl"
    trail.write_bytes(trail.read_bytes().replace(b"ADM-VIEW", b"ADM-SIZE", 1).replace(b'"index":3,', b'"index":4,', 1))
    done = windows(site, plan_file, baseline)
    assert done.exit_code == 1
    assert done.stderr.startswith("trail 1 of 1 is refused, nothing was summed up\nOUT-AUDIT-CHAIN at audit line ")
    assert str(site.folder) not in done.output
    assert not (baseline.parent / "out").exists()


def test_a_baseline_of_no_release_is_refused(site, plan_file, tmp_path):
    site.record(steady(80))
    done = run("baseline", site.folder, "--plan", plan_file, "-o", tmp_path / "b.json")
    assert (done.exit_code, (tmp_path / "b.json").exists()) == (1, False)
    assert done.stderr.startswith("PMS-BASELINE at baseline: found device 0.1.0, model 0.1.0, bundle bbbbbbbbbbbb is no release")


@pytest.mark.usefixtures("released")
def test_a_baseline_that_nobody_looked_through_says_so(site, plan_file, tmp_path):
    site.record(steady(80))
    done = run("baseline", site.folder, "--plan", plan_file, "-o", tmp_path / "b.json")
    assert "looked through by nobody: no limit rests on it" in done.stdout


def test_too_short_a_trail_gives_no_baseline(site, plan_file, tmp_path):
    site.record(steady(8))
    done = run("baseline", site.folder, "--plan", plan_file, "-o", tmp_path / "b.json")
    assert (done.exit_code, (tmp_path / "b.json").exists()) == (1, False)
    assert done.stderr.startswith("PMS-BASELINE at baseline: found 8 inputs, expected 80")


@pytest.mark.parametrize("words", ["nobody", "a\nb and a role", "x" * 201])
def test_odd_words_are_a_wrong_use(site, plan_file, tmp_path, words):
    done = run("baseline", site.folder, "--plan", plan_file, "--looked-through", words, "-o", tmp_path / "b.json")
    assert done.exit_code == 2


def test_an_earlier_file_that_is_no_json_is_a_wrong_use(site, plan_file, baseline, tmp_path):
    (tmp_path / "odd.json").write_text("{", encoding="utf-8")
    assert windows(site, plan_file, baseline, "--earlier", tmp_path / "odd.json").exit_code == 2


def test_a_plan_that_does_not_hold_is_named(site, plan_file, tmp_path):
    plan_file.write_text(plan_file.read_text(encoding="utf-8").replace("films = 40", "films = 0", 1), encoding="utf-8")
    done = run("baseline", site.folder, "--plan", plan_file, "-o", tmp_path / "b.json")
    assert done.exit_code == 1
    assert done.stderr.startswith("FILE-DATA at ")
