"""A trial goes on where it stopped, and starts a stage again as soon as something changed that decides its result."""

from __future__ import annotations

import subprocess

import pytest

from pipeline.compare import trial as module
from pipeline.compare.errors import ComparisonError
from pipeline.compare.material import gather
from pipeline.compare.trial import STAGES, Trial
from pipeline.run import Run


@pytest.fixture
def performed(monkeypatch):
    """The stages that were run, in order; ``broken`` names those that fail."""
    done = []

    def run(command, *, stdout, **_rest):
        stage = command[-1].rpartition(".")[2]
        done.append(stage)
        stdout.write(f"first\nsecond\n{stage} ends\nlast words\n")
        return subprocess.CompletedProcess(command, 3 if stage in broken else 0)

    broken = set()
    monkeypatch.setattr(module.subprocess, "run", run)
    return done, broken


def trial_of(source, tmp_path, **changes):
    material = gather(source, tmp_path / "material", 1.0)
    params = source.params()
    for name, value in changes.items():
        params[name] = {**params[name], **value}
    return Trial("small", Run(tmp_path / "small"), material, params)


def test_a_finished_trial_does_nothing_again(source, tmp_path, performed):
    done, _ = performed
    trial = trial_of(source, tmp_path)
    trial.execute()
    trial.execute()
    assert done == list(STAGES)
    assert set(trial.seconds()) == set(STAGES)


def test_each_stage_finds_the_films_and_the_parameters_of_the_comparison(source, tmp_path, performed):
    trial = trial_of(source, tmp_path)
    trial.execute()
    assert trial.run.params() == trial.params
    assert (trial.run.artifact("prepared") / "train.npy").exists()
    assert (trial.run.artifact("cohort") / "cohort.json").exists()


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ({"train": {"epochs": 99}}, ["train", "package", "predict"]),
        ({"package": {"golden_films": 9}}, ["package", "predict"]),
        ({"predict": {"policy": "research"}}, ["predict"]),
        ({"cohort": {"matrix": 512}}, []),
    ],
)
def test_a_changed_parameter_repeats_its_stage_and_those_after_it(source, tmp_path, performed, changes, again):
    done, _ = performed
    trial_of(source, tmp_path).execute()
    done.clear()
    trial_of(source, tmp_path, **changes).execute()
    assert done == again


def test_changed_code_repeats_the_stages_that_it_is_part_of(source, tmp_path, performed, monkeypatch):
    done, _ = performed
    trial = trial_of(source, tmp_path)
    trial.execute()
    done.clear()
    plain = module._code_sha256
    monkeypatch.setattr(module, "_code_sha256", lambda path: plain(path) + (" changed" if path.name == "calibration.py" else ""))
    trial.execute()
    assert done == ["package", "predict"]


def test_a_failed_stage_says_its_last_words_and_is_tried_again_alone(source, tmp_path, performed):
    done, broken = performed
    broken.add("package")
    trial = trial_of(source, tmp_path)
    with pytest.raises(
        ComparisonError, match=r"CMP-TRIAL at small, stage package: found exit code 3: second \| package ends \| last words"
    ):
        trial.execute()
    broken.clear()
    done.clear()
    trial.execute()
    assert done == ["package", "predict"]
