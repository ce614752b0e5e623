"""A training that was cut off goes on to the same weights; a checkpoint of something else is not there."""

from __future__ import annotations

import hashlib

import pytest
from safetensors.torch import save

from pipeline.training.checkpoint import Checkpoint
from pipeline.training.evaluation import validation_figures
from pipeline.training.loop import train


class CutOff(Exception):
    """Stands for a machine that goes away."""


def run(prepared, configuration, checkpoint, fail_after=None):
    seen = 0

    def progress(done, total, text):
        nonlocal seen
        seen = done
        if fail_after is not None and done > fail_after:
            raise CutOff("machine gone")

    evaluate = validation_figures(configuration.findings)
    trained = train(
        prepared, configuration, score_floor=0.02, workers=1, evaluate=evaluate, progress=progress, checkpoint=checkpoint
    )
    return hashlib.sha256(save(trained.state)).hexdigest(), trained.history


def test_a_cut_off_training_reaches_the_same_weights_and_history(prepared, configuration, tmp_path):
    whole = run(prepared, configuration, None)
    kept = Checkpoint(tmp_path / "training.safetensors", "key")
    with pytest.raises(CutOff, match="machine gone"):
        run(prepared, configuration, kept, fail_after=2)
    assert kept.path.exists()
    assert run(prepared, configuration, kept) == whole


def test_a_checkpoint_of_other_data_is_not_taken_up(prepared, configuration, tmp_path):
    run(prepared, configuration, Checkpoint(tmp_path / "training.safetensors", "one"))
    whole = run(prepared, configuration, None)
    assert run(prepared, configuration, Checkpoint(tmp_path / "training.safetensors", "other")) == whole


def test_removing_leaves_nothing(tmp_path):
    checkpoint = Checkpoint(tmp_path / "training.safetensors", "key")
    checkpoint.path.write_bytes(b"")
    checkpoint.remove()
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []
