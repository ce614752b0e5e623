"""`./qms fleet`: exit codes, and the numbers that a scheduler gives its jobs."""

from __future__ import annotations

import json
import subprocess

import pytest
from typer.testing import CliRunner

from pipeline import fleet_cli


@pytest.fixture
def listed(tmp_path):
    path = tmp_path / "list.tsv"
    path.write_text("".join(f"1.2.{number}\tfilm {number}\n" for number in range(9)))
    return path


@pytest.fixture
def call(monkeypatch):
    for name in ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "JOB_COMPLETION_INDEX", "FLEET_JOBS"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: CliRunner().invoke(fleet_cli.fleet, [str(each) for each in arguments])


def test_plan_run_and_merge(call, listed, tmp_path):
    planned = call("plan", listed, "--out", tmp_path / "fleet", "--shards", 3)
    assert json.loads(planned.stdout)["studies"] == 9
    assert json.loads(call("run", tmp_path / "fleet", "--simulate").stdout) == {"shards_done_here": 3, "shards_not_done": 0}
    merged = call("merge", tmp_path / "fleet", "--simulate")
    assert (merged.exit_code, json.loads(merged.stdout)["recorded"]) == (0, 9)


@pytest.mark.parametrize("names", [("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"), ("JOB_COMPLETION_INDEX", "FLEET_JOBS")])
def test_a_scheduler_numbers_the_jobs(call, listed, tmp_path, monkeypatch, names):
    index, count = names
    call("plan", listed, "--out", tmp_path / "fleet", "--shards", 3)
    monkeypatch.setenv(index, "1")
    monkeypatch.setenv(count, "2")
    assert json.loads(call("run", tmp_path / "fleet", "--simulate").stdout) == {"shards_done_here": 1, "shards_not_done": 2}
    monkeypatch.setenv(index, "0")
    assert json.loads(call("run", tmp_path / "fleet", "--simulate").stdout)["shards_not_done"] == 0


def test_what_does_not_hold_is_exit_code_1_and_says_so_on_stderr(call, listed, tmp_path):
    call("plan", listed, "--out", tmp_path / "fleet", "--shards", 3)
    merged = call("merge", tmp_path / "fleet", "--simulate")
    assert merged.exit_code == 1
    assert merged.stdout == ""
    assert "FLT-INCOMPLETE" in merged.stderr


def test_no_bundle_is_exit_code_3(call, listed, tmp_path):
    call("plan", listed, "--out", tmp_path / "fleet", "--shards", 3)
    ran = call("run", tmp_path / "fleet", "--bundle", tmp_path)
    assert ran.exit_code == 3
    assert "no model bundle" in ran.stderr


def test_train_starts_ranks_in_the_folder_of_the_run(call, tmp_path, monkeypatch):
    started = {}

    def torchrun(command, **options):
        started.update(options, command=command)
        return subprocess.CompletedProcess(command, 0)

    (tmp_path / "artifacts" / "training").mkdir(parents=True)
    (tmp_path / "artifacts" / "training" / "training.json").write_text('{"weights_sha256": "abc"}')
    monkeypatch.setattr(fleet_cli.subprocess, "run", torchrun)
    trained = call("train", "--ranks", 3, "--workers", 2, "--run", tmp_path)
    assert (trained.exit_code, trained.stdout) == (0, "abc\n")
    assert started["cwd"] == tmp_path
    assert started["command"][1:] == [
        *("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "3"),
        *("-m", "pipeline.ranks.train"),
    ]
    assert (started["env"]["THORATRACE_WORKERS"], started["env"]["OMP_NUM_THREADS"]) == ("2", "1")


def test_a_training_that_failed_is_exit_code_1(call, tmp_path, monkeypatch):
    monkeypatch.setattr(fleet_cli.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 9))
    assert call("train", "--ranks", 1, "--run", tmp_path).exit_code == 1
