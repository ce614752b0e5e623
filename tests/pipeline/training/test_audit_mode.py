"""Audit mode: one SHA-256 of the weights, whatever the number of workers and however often it runs."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
import torch
from safetensors.torch import save

from device_sw.detector.families.registry import build, family_of
from pipeline.training.augmentation import Augmentation
from pipeline.training.dataset import read_split
from pipeline.training.evaluation import validation_figures
from pipeline.training.initialisation import initialise
from pipeline.training.loop import Validation, fit_architecture, train
from pipeline.training.worker import GradientTask, Worker, WorkerPlan, flat_weights


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


def test_sharing_out_changes_no_gradient_with_every_option_on(prepared, configuration):
    architecture = fit_architecture(read_split(prepared, "train"), configuration, 0.02)
    network = build(architecture)
    initialise(network, family_of(architecture), 5)
    weights, frozen = flat_weights(network), ("backbone.stem.conv.weight",)
    plan = WorkerPlan(prepared, architecture, Augmentation(5.0, 0.1), 5, 4, scales=(0.5, 1.0), focal_gamma=2.0, frozen=frozen)
    totals = [torch.zeros(len(weights), dtype=torch.int64) for _ in range(3)]
    alone, first, second = (Worker(plan, weights, total) for total in totals)
    alone.gradients(GradientTask(0, (0, 1, 2, 3)))
    first.gradients(GradientTask(0, (3, 1)))
    second.gradients(GradientTask(0, (2, 0)))
    assert torch.equal(totals[0], totals[1] + totals[2])
    stem = network.backbone.stem.conv.weight.numel()
    assert not totals[0][:stem].any()


def scripted(values):
    """Return an evaluator that says these AP50, epoch by epoch, whatever the network does."""
    said = iter(values)
    return lambda split, detections: Validation(next(said), 0.0, {})


def stopped(prepared, configuration, values, patience):
    return train(
        prepared,
        dataclasses.replace(configuration, epochs=len(values), patience=patience),
        score_floor=0.02,
        workers=1,
        evaluate=scripted(values),
        progress=lambda done, total, text: None,
    )


def test_the_weights_of_the_best_epoch_are_kept_however_long_the_training_waits(prepared, configuration):
    values = [0.1, 0.5, 0.4, 0.5, 0.3]
    early, late = (stopped(prepared, configuration, values, patience) for patience in (2, 5))
    assert [len(run.history) for run in (early, late)] == [4, 5]
    assert [run.best_epoch for run in (early, late)] == [1, 1]
    assert save(early.state) == save(late.state)


def test_an_undefined_figure_is_no_improvement(prepared, configuration):
    trained = stopped(prepared, configuration, [0.2, None, None, 0.9], patience=2)
    assert (len(trained.history), trained.best_epoch) == (3, 0)
