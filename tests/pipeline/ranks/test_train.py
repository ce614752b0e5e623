"""The train stage under torchrun: the bytes that one process writes, and a stop where the ranks are not of one mind."""

from __future__ import annotations

import subprocess
import sys

import pytest

from device_sw.launcher import MARKER, numeric_environment
from pipeline.ranks import train
from pipeline.ranks.errors import RankError
from pipeline.run import REPOSITORY, read_json
from pipeline.stages import train as stage

WRITTEN = ("weights.safetensors", "history.json", "training.json", "loss.png", "ap.png")


def start(folder, module, *launcher):
    environment = numeric_environment() | {
        "PYTHONPATH": str(REPOSITORY),
        "THORATRACE_WORKERS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, *launcher, "-m", module]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300)


def ranks(count):
    return ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count))


def written(folder):
    return {name: (folder / "artifacts" / "training" / name).read_bytes() for name in WRITTEN}


def test_two_ranks_write_what_the_stage_writes_alone(run_folder, monkeypatch):
    monkeypatch.chdir(run_folder)
    monkeypatch.setenv("THORATRACE_WORKERS", "1")
    stage.main()
    expected = written(run_folder)
    shared = start(run_folder, "pipeline.ranks.train", *ranks(2))
    assert shared.returncode == 0, shared.stderr
    assert written(run_folder) == expected
    assert len(read_json(run_folder / "artifacts" / "training" / "history.json")["epochs"]) == 1
    assert not list((run_folder / "artifacts" / "checkpoints").iterdir())


def test_a_process_outside_torchrun_is_told_how_to_start(monkeypatch):
    for name, value in numeric_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(RankError, match=r"RNK-LAUNCH .* no RANK.*torchrun"):
        train.main()


def test_another_numeric_environment_is_refused(monkeypatch):
    monkeypatch.delenv(MARKER, raising=False)
    with pytest.raises(RankError, match="RNK-ENVIRONMENT"):
        train.main()


@pytest.mark.parametrize("name", ["params.yaml", "artifacts/prepared/train.npy"])
def test_one_changed_byte_of_an_input_is_another_digest(run_folder, name):
    before = train.inputs_sha256(run_folder)
    content = bytearray((run_folder / name).read_bytes())
    content[-1] ^= 1
    (run_folder / name).write_bytes(content)
    assert train.inputs_sha256(run_folder) != before


def test_a_shown_run_has_the_inputs_and_none_of_what_is_written(run_folder, tmp_path):
    for name in train.MADE:
        (run_folder / "artifacts" / name).mkdir()
    (run_folder / "artifacts" / "checkpoints" / "training.safetensors").write_bytes(b"state")
    shown = tmp_path / "shown"
    shown.mkdir()
    train.show(run_folder, shown)
    assert (shown / "params.yaml").read_bytes() == (run_folder / "params.yaml").read_bytes()
    assert (shown / "artifacts" / "prepared").is_symlink()
    assert not (shown / "artifacts" / "training").exists()
    (shown / "artifacts" / "checkpoints" / "training.safetensors").write_bytes(b"another")
    assert (run_folder / "artifacts" / "checkpoints" / "training.safetensors").read_bytes() == b"state"
