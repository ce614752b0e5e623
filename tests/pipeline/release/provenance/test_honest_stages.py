"""A stage counts only if everything it is made from was the same before, after and now."""

import dataclasses
import os
import subprocess
import sys

import pytest
import yaml

from pipeline.dvc_runs import KEPT_MEMORY
from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance import honest_stages
from pipeline.release.provenance.honest_stages import (
    as_they_lie,
    environment_of,
    run_honestly,
    sealed_stages,
    stages_of,
    variables,
)
from pipeline.run import Run, read_json, write_json

LIBRARIES = {"variable OMP_NUM_THREADS": "1", "library torch": "a" * 64}


def environment():
    return dict(LIBRARIES)


@pytest.fixture
def run(tmp_path):
    """Two stages, written in the wrong order: the second reads a file of the first one's output."""
    stages = {
        "learn": {
            "cmd": "python learn.py",
            "deps": ["artifacts/films/a", "learn.py"],
            "params": ["seed"],
            "outs": ["artifacts/weights"],
        },
        "film": {"cmd": "python film.py", "deps": ["film.py"], "outs": ["artifacts/films"]},
    }
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False), encoding="utf-8")
    (tmp_path / "params.yaml").write_text("seed: 7\nother: 1\n", encoding="utf-8")
    made = "from pathlib import Path\nPath('artifacts/{0}').mkdir(parents=True, exist_ok=True)\nPath('artifacts/{0}/a').write_text('{0}')\n"
    (tmp_path / "film.py").write_text(made.format("films"), encoding="utf-8")
    (tmp_path / "learn.py").write_text(made.format("weights"), encoding="utf-8")
    return Run(tmp_path)


class Stages:
    """Runs a stage's script as DVC would, and does something meanwhile."""

    def __init__(self, meanwhile=None):
        self.ran, self.meanwhile = [], meanwhile or {}

    def __call__(self, run, stage, *_):
        self.ran.append(stage)
        code = subprocess.run([sys.executable, f"{stage}.py"], cwd=run.root, check=False).returncode
        self.meanwhile.get(stage, lambda: None)()
        return code


def test_stages_come_after_what_they_read(run):
    assert list(stages_of(run.root)) == ["film", "learn"]


def test_every_stage_runs_once_and_its_seal_holds(run):
    stages = Stages()
    made = run_honestly(run, environment, stages)
    assert stages.ran == ["film", "learn"]
    assert set(made["learn"].before.files) == {"artifacts/films/a", "learn.py", "dvc.yaml", "params.yaml"}
    assert made["learn"].before == made["learn"].after
    assert run_honestly(run, environment, stages) == made
    assert sealed_stages(run, environment()) == made
    assert stages.ran == ["film", "learn"]


def test_each_stage_gets_a_cache_of_compiled_code_of_its_own(run):
    given = []
    run_honestly(run, environment, lambda run, stage, caches: given.append(caches) or Stages()(run, stage))
    assert len(set(given)) == 2


def test_a_killed_run_goes_on_where_it_was(run):
    with pytest.raises(ReleaseRefused, match="REL-STAGE-FAILED at stage learn: found exit code 3"):
        run_honestly(run, environment, lambda run, stage, caches: 3 if stage == "learn" else Stages()(run, stage, caches))
    stages = Stages()
    run_honestly(run, environment, stages)
    assert stages.ran == ["learn"]


@pytest.mark.parametrize(
    ("path", "text", "where"),
    [
        ("learn.py", "# edited", r"learn\.py"),
        ("artifacts/films/a", "edited", "artifacts/films/a"),
        ("params.yaml", "seed: 8\n", r"params\.yaml"),
    ],
)
def test_what_is_edited_while_a_stage_runs_is_refused(run, path, text, where):
    edit = {"learn": lambda: (run.root / path).write_text(text, encoding="utf-8")}
    with pytest.raises(ReleaseRefused, match=rf"REL-STAGE-CHANGED at stage learn, {where}: found"):
        run_honestly(run, environment, Stages(edit))
    with pytest.raises(ReleaseRefused, match=r"REL-STAGE-(UNSEALED|OUTPUT)"):
        sealed_stages(run, environment())


def test_an_edit_that_keeps_date_and_size_is_refused_too(run):
    def edit():
        dates = (run.root / "learn.py").stat()
        text = (run.root / "learn.py").read_text(encoding="utf-8")
        (run.root / "learn.py").write_text(text.replace("weights", "weightz"), encoding="utf-8")
        os.utime(run.root / "learn.py", ns=(dates.st_atime_ns, dates.st_mtime_ns))

    with pytest.raises(ReleaseRefused, match=r"REL-STAGE-CHANGED at stage learn, learn\.py"):
        run_honestly(run, environment, Stages({"learn": edit}))


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_a_variable_or_library_that_changes_meanwhile_is_refused(run, name):
    now = environment()
    with pytest.raises(ReleaseRefused, match=f"REL-STAGE-CHANGED at stage film, {name}: found b instead of"):
        run_honestly(run, lambda: dict(now), Stages({"film": lambda: now.update({name: "b"})}))


def test_a_parameter_of_another_stage_may_change(run):
    run_honestly(run, environment, Stages())
    (run.root / "params.yaml").write_text("seed: 7\nother: 2\n", encoding="utf-8")
    assert set(sealed_stages(run, environment())) == {"film", "learn"}


@pytest.mark.parametrize(
    ("path", "code", "where"),
    [
        ("film.py", "STALE", r"stage film, film\.py"),
        ("artifacts/weights/a", "OUTPUT", "stage learn, artifacts/weights"),
        ("artifacts/films/b", "OUTPUT", "stage film, artifacts/films"),
        ("artifacts/honest_stages/film.json", "UNSEALED", "stage film"),
    ],
)
def test_what_changes_after_a_run_breaks_its_seal(run, path, code, where):
    run_honestly(run, environment, Stages())
    (run.root / path).write_text("edited", encoding="utf-8")
    with pytest.raises(ReleaseRefused, match=f"REL-STAGE-{code} at {where}: found"):
        sealed_stages(run, environment())


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_another_environment_breaks_the_seal_that_dvc_would_keep(run, name):
    run_honestly(run, environment, Stages())
    with pytest.raises(ReleaseRefused, match=f"REL-STAGE-ENVIRONMENT at stage film, {name}: found 2 instead of"):
        sealed_stages(run, environment() | {name: "2"})


def test_a_journal_whose_readings_differ_is_refused(run):
    run_honestly(run, environment, Stages())
    journal = run.artifact("honest_stages") / "film.json"
    value = read_json(journal)
    value["before"]["files"]["film.py"] = "0" * 64
    write_json(journal, value)
    with pytest.raises(ReleaseRefused, match=r"REL-STAGE-CHANGED at stage film, film\.py"):
        sealed_stages(run, environment())


def test_the_journal_of_another_stage_is_refused(run):
    run_honestly(run, environment, Stages())
    folder = run.artifact("honest_stages")
    (folder / "film.json").write_bytes((folder / "learn.json").read_bytes())
    with pytest.raises(ReleaseRefused, match="REL-STAGE-UNSEALED at stage film: found the journal of something else"):
        sealed_stages(run, environment())


def test_a_missing_dependency_is_refused_before_anything_runs(run):
    (run.root / "film.py").unlink()
    stages = Stages()
    with pytest.raises(ReleaseRefused, match=r"REL-STAGE-MISSING at film\.py: found nothing there"):
        run_honestly(run, environment, stages)
    assert stages.ran == []


def test_a_run_that_nobody_watched_is_read_as_it_lies(run):
    run_honestly(run, environment, Stages())
    made = sealed_stages(run, environment())
    assert as_they_lie(run, environment()) == made
    assert dataclasses.asdict(made["film"])["before"]["environment"] == LIBRARIES


def test_a_stage_gets_the_numeric_variables_and_nothing_that_could_decide_a_number(run, tmp_path, monkeypatch):
    for name in ("SEED", "LD_PRELOAD", "OMP_SCHEDULE", "PYTHONSTARTUP", "TORCH_COMPILE_DEBUG"):
        monkeypatch.setenv(name, "2")
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    given = variables(run, tmp_path / "caches")
    assert {"SEED", "LD_PRELOAD", "OMP_SCHEDULE", "PYTHONSTARTUP", "TORCH_COMPILE_DEBUG"} & set(given) == set()
    assert given["OMP_NUM_THREADS"] == "1"
    assert given["PYTHONPYCACHEPREFIX"] == str(tmp_path / "caches")
    assert given.items() >= KEPT_MEMORY.items()


def test_the_environment_names_variables_interpreter_lock_and_libraries():
    found = environment_of({"torch": "a"}, "b")
    assert found["variable ATEN_CPU_CAPABILITY"] == "avx2"
    assert (found["library torch"], found["requirements.lock"], found["interpreter"]) == ("a", "b", sys.version)


def test_dvc_runs_a_stage_that_looks_up_to_date(run):
    subprocess.run(
        [sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"],
        cwd=run.root,
        check=True,
        env={**os.environ, "DVC_NO_ANALYTICS": "1"},
    )
    assert honest_stages.execute(run, "film", run.root / "caches") == 0
    (run.root / "artifacts" / "films" / "a").unlink()
    assert honest_stages.execute(run, "film", run.root / "caches") == 0
    assert (run.root / "artifacts" / "films" / "a").read_text(encoding="utf-8") == "films"
