"""The workspace: the commit, with parameters, lock and results of the run; used again by a build that goes on."""

from __future__ import annotations

import json

import pytest

from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.honest_stages import SEALS
from pipeline.release.provenance.source import read_source, require_clean
from pipeline.release.sealing import workspace as module
from pipeline.release.sealing.workspace import OF_THE_RUN, close_workspace, open_workspace
from pipeline.run import Run
from tests.pipeline.release.bench import git

LOCK = {"schema": "2.0", "stages": {"train": {"cmd": "x", "outs": [{"path": "artifacts/training", "md5": "0", "size": 1}]}}}


def quiet(*_):
    pass


@pytest.fixture
def run(bench):
    found = Run(bench.root / "artifacts/runs/phantom-release")
    found.artifact("training").mkdir(parents=True)
    (found.artifact("training") / "weights").write_bytes(b"one")
    (found.root / "params.yaml").write_text("profile: phantom\nbudget: release\n", encoding="utf-8")
    (found.root / "dvc.lock").write_text(json.dumps(LOCK), encoding="utf-8")
    return found


def opened(bench, run):
    return open_workspace(bench.root, run, git(bench.root, "rev-parse", "HEAD"), quiet)


def test_the_workspace_is_the_commit_with_what_the_run_made(bench, run):
    (bench.root / "dvc.lock").write_text("{}", encoding="utf-8")
    bench.commit()
    made = opened(bench, run)
    assert Run(made).params()["budget"] == "release"
    assert (made / "dvc.lock").read_bytes() == (run.root / "dvc.lock").read_bytes()
    assert (made / "artifacts/training/weights").read_bytes() == b"one"
    assert (made / "people.toml").read_bytes() == (bench.root / "people.toml").read_bytes()
    require_clean(made, read_source(made)[1], OF_THE_RUN)


def test_the_repository_itself_stays_clean(bench, run):
    opened(bench, run)
    assert git(bench.root, "status", "--porcelain") == ""
    assert Run(bench.root).params()["budget"] == "quick"


def test_a_workspace_is_used_again_with_what_the_run_holds_now(bench, run):
    made = opened(bench, run)
    (made / "artifacts/verification").mkdir()
    (made / "params.yaml").write_text("budget: edited\n", encoding="utf-8")
    (run.artifact("training") / "weights").write_bytes(b"two")
    assert opened(bench, run) == made
    assert (made / "artifacts/verification").is_dir()
    assert (made / "artifacts/training/weights").read_bytes() == b"two"
    assert Run(made).params()["budget"] == "release"


def test_the_seals_of_the_run_come_with_it(bench, run):
    seal = run.root / SEALS / "train.json"
    seal.parent.mkdir(parents=True)
    seal.write_text("{}", encoding="utf-8")
    made = opened(bench, run)
    assert (made / SEALS / "train.json").read_text(encoding="utf-8") == "{}"
    seal.write_text('{"again": 1}', encoding="utf-8")
    opened(bench, run)
    assert (made / SEALS / "train.json").read_text(encoding="utf-8") == '{"again": 1}'


def test_a_copy_that_died_is_made_again(bench, run):
    made = opened(bench, run)
    (made / "artifacts/training/weights").write_bytes(b"on")
    (made / "artifacts/training.part").mkdir()
    opened(bench, run)
    assert (made / "artifacts/training/weights").read_bytes() == b"one"


def test_what_lies_there_and_is_no_working_tree_is_made_anew(bench, run):
    made = opened(bench, run)
    close_workspace(bench.root, made)
    made.mkdir(parents=True)
    (made / "left").write_bytes(b"x")
    opened(bench, run)
    assert not (made / "left").exists()
    assert (made / "people.toml").exists()


def test_the_registry_is_shared_and_outlives_the_workspace(bench, run):
    made = opened(bench, run)
    (made / "artifacts/mlflow/mlflow.db").write_bytes(b"x")
    close_workspace(bench.root, made)
    assert not made.exists()
    assert (bench.root / "artifacts/mlflow/mlflow.db").read_bytes() == b"x"
    assert git(bench.root, "worktree", "list").count("\n") == 0


def test_the_workspace_moves_to_another_commit_and_keeps_what_was_made_in_it(bench, run):
    made = opened(bench, run)
    (made / "artifacts/verification").mkdir()
    (made / "left_behind.txt").write_bytes(b"")
    (bench.root / "new.txt").write_bytes(b"")
    commit = bench.commit()
    assert opened(bench, run) == made
    assert git(made, "rev-parse", "HEAD") == commit
    assert (made / "new.txt").exists()
    assert (made / "artifacts/verification").is_dir()
    require_clean(made, read_source(made)[1], OF_THE_RUN)


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (lambda run: (run.root / "dvc.lock").unlink(), r"no dvc\.lock"),
        (lambda run: (run.root / "dvc.lock").write_text("x: 1"), r"dvc\.lock is unreadable"),
        (
            lambda run: (run.artifact("training") / "weights").unlink() or run.artifact("training").rmdir(),
            "no artifacts/training",
        ),
    ],
)
def test_a_run_that_is_not_finished_is_refused(bench, run, harm, found):
    harm(run)
    with pytest.raises(ReleaseRefused, match=f"REL-RUN at the release run: found {found}.*./qms pipeline"):
        opened(bench, run)


def test_a_commit_that_is_not_there_is_refused(bench, run):
    with pytest.raises(ReleaseRefused, match="REL-WORKSPACE at artifacts/workspaces"):
        open_workspace(bench.root, run, "0" * 40, quiet)


def test_the_folder_of_workspaces_is_ignored_by_git():
    assert module.FOLDER.startswith("artifacts/")
