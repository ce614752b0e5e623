"""Audit mode: one SHA-256 of the weights, whatever the number of workers and however often it runs."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
from safetensors.torch import save

from pipeline.training.evaluation import validation_figures
from pipeline.training.loop import train


def weights_sha256(prepared, configuration, workers):
    trained = train(
        prepared,
        configuration,
        score_floor=0.02,
        workers=workers,
        evaluate=validation_figures(configuration.findings),
        progress=lambda done, total, text: None,
    )
    return hashlib.sha256(save(trained.state)).hexdigest(), trained


@pytest.fixture(scope="module")
def reference(prepared, configuration):
    return weights_sha256(prepared, configuration, workers=1)


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_do_not_change_the_weights(prepared, configuration, reference, workers):
    assert weights_sha256(prepared, configuration, workers)[0] == reference[0]


def test_a_second_clean_run_gives_the_same_weights_and_history(prepared, configuration, reference):
    sha256, trained = weights_sha256(prepared, configuration, workers=1)
    assert sha256 == reference[0]
    assert trained.history == reference[1].history


def test_another_seed_gives_other_weights(prepared, configuration, reference):
    assert weights_sha256(prepared, dataclasses.replace(configuration, seed=6), workers=1)[0] != reference[0]


def test_history_holds_the_four_losses_and_ap_and_ar_of_every_epoch(reference, configuration):
    history = reference[1].history
    assert [row["epoch"] for row in history] == [1, 2]
    for row in history:
        assert sorted(row["losses"]) == ["loss_box_reg", "loss_classifier", "loss_objectness", "loss_rpn_box_reg"]
        assert all(value > 0 for value in row["losses"].values())
        assert set(row["validation"]["ap50_by_finding"]) == set(configuration.findings)


def test_training_stops_early_when_validation_no_longer_improves(prepared, configuration):
    never_better = dataclasses.replace(configuration, epochs=6, patience=2, learning_rate=1e-9)
    _, trained = weights_sha256(prepared, never_better, workers=1)
    assert len(trained.history) == 3
    assert trained.best_epoch == 0
