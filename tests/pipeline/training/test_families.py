"""Every family trains in our loop: its loss falls on a handful of films, and sharing out the films changes no bit of a gradient."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from device_sw.detector.architecture import ARCHITECTURES
from device_sw.detector.families.registry import build, family_of
from pipeline.training.augmentation import Augmentation
from pipeline.training.configuration import NetworkSize
from pipeline.training.dataset import read_split
from pipeline.training.fixed_point import mean
from pipeline.training.initialisation import initialise
from pipeline.training.loop import fit_architecture
from pipeline.training.optimiser import MomentumDescent
from pipeline.training.worker import GradientTask, Worker, WorkerPlan, flat_weights

RESIDUAL = {"name": "residual", "widths": [8, 16, 16, 16, 16], "blocks": 1}
TWO_STAGE = {"norm": "group", "pyramid": 16, "box_head": 16, "proposals_train": 40, "proposals_test": 20, "anchors_per_level": 2}
SIZES = {
    "faster_rcnn_small": {**TWO_STAGE, "widths": [8, 16, 16, 16], "blocks": 1, "anchors_per_level": 2},
    "faster_rcnn_mobilenet": TWO_STAGE,
    "faster_rcnn_resnet50": TWO_STAGE,
    "retinanet": {"backbone": RESIDUAL, "pyramid": 16, "anchors_per_level": 2},
    "fcos": {"backbone": RESIDUAL, "pyramid": 16},
    "ssd": {"widths": [8, 8, 16, 16, 16, 16], "convolutions": 1, "anchors_per_level": 2},
    "ssdlite": {"norm": "group", "anchors_per_level": 2},
    "yolo": {"widths": [8, 16, 32, 32, 32], "blocks": 1, "anchors_per_level": 2},
}
SIZES["faster_rcnn_small"].pop("norm")
FILMS = (0, 1)
STEPS = {"faster_rcnn_resnet50": 3, "faster_rcnn_mobilenet": 5, "ssdlite": 5}
"""Shorter for the large networks; 15 for the others."""


class Trained:
    """A few steps of one worker on the same two films, then the same gradient once more, shared out."""

    def __init__(self, prepared, configuration, name):
        asked = dataclasses.replace(configuration, network=NetworkSize(name, SIZES[name]))
        self.architecture = fit_architecture(read_split(prepared, "train"), asked, 0.02)
        network = build(self.architecture)
        initialise(network, family_of(self.architecture), 5)
        weights = flat_weights(network)
        plan = WorkerPlan(prepared, self.architecture, Augmentation(0.0, 0.0), 5, len(FILMS))
        worker = Worker(plan, weights, torch.zeros(len(weights), dtype=torch.int64))
        descent = MomentumDescent(
            weights,
            torch.ones(len(weights), dtype=torch.bool),
            momentum=0.9,
            weight_decay=0.0,
            clip_norm=5.0,
            average_decay=0.9,
        )
        self.losses = []
        for _ in range(STEPS.get(name, 15)):
            answers = worker.gradients(GradientTask(0, FILMS))
            self.losses.append(sum(sum(losses.values()) for _, losses in answers))
            self.alone, before = worker._total.clone(), weights.clone()
            descent.step(mean(worker._total, len(FILMS)), 0.01)
            weights.copy_(descent.weights)
        self.names = [set(losses) for _, losses in answers]
        weights.copy_(before)
        other = Worker(plan, weights, torch.zeros(len(weights), dtype=torch.int64))
        other.gradients(GradientTask(0, FILMS[1:]))
        worker.gradients(GradientTask(0, FILMS[:1]))
        self.shared = worker._total + other._total


@pytest.fixture(scope="module", params=sorted(ARCHITECTURES))
def trained(request, prepared, configuration):
    return Trained(prepared, configuration, request.param)


def test_the_loss_falls(trained):
    assert trained.losses[-1] < 0.9 * trained.losses[0]


def test_the_losses_are_those_that_the_family_names(trained):
    assert trained.names == [set(family_of(trained.architecture).losses)] * len(FILMS)


def test_sharing_out_the_films_changes_no_bit(trained):
    assert bool(trained.alone.any())
    assert torch.equal(trained.alone, trained.shared)
