"""The focal loss weighs each proposal by how wrong the network still is about it, and reaches the training of the network."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from pipeline.training.augmentation import Augmentation
from pipeline.training.configuration import NetworkSize
from pipeline.training.focal import focal_loss, use_focal_loss
from pipeline.training.loop import train
from pipeline.training.worker import GradientTask, Worker, WorkerPlan, flat_weights
from tests.pipeline.training.test_families import SIZES
from tests.pipeline.training.test_transfer import network_of


def logits_of(p):
    """Return two-class logits whose first class has probability p."""
    return torch.tensor([[p, 1 - p]], dtype=torch.float64).log()


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=8))
def test_with_gamma_0_it_is_cross_entropy(probabilities):
    logits = torch.cat([logits_of(p) for p in probabilities])
    labels = torch.zeros(len(probabilities), dtype=torch.int64)
    assert torch.allclose(focal_loss(logits, labels, 0.0), functional.cross_entropy(logits, labels))


@given(st.floats(0.05, 0.95), st.floats(1.0, 5.0))
def test_each_proposal_is_weighed_by_what_is_missing_to_certainty(p, gamma):
    ratio = focal_loss(logits_of(p), torch.tensor([0]), gamma) / functional.cross_entropy(logits_of(p), torch.tensor([0]))
    assert float(ratio) == pytest.approx((1 - p) ** gamma, rel=1e-9)


def test_a_hard_proposal_outweighs_a_hundred_easy_ones():
    easy, hard = focal_loss(logits_of(0.99), torch.tensor([0]), 2.0), focal_loss(logits_of(0.1), torch.tensor([0]), 2.0)
    assert float(hard) > 100 * float(easy)


def test_certainty_has_a_finite_gradient():
    logits = torch.tensor([[200.0, -200.0]], requires_grad=True)
    focal_loss(logits, torch.tensor([0]), 2.0).backward()
    assert torch.isfinite(logits.grad).all()


def test_a_network_without_proposals_is_refused():
    with pytest.raises(ValueError, match="no classifier of region proposals"):
        use_focal_loss(nn.Linear(1, 1), 2.0)


def losses_of(prepared, configuration, gamma):
    network, architecture = network_of(prepared, configuration)
    weights = flat_weights(network)
    plan = WorkerPlan(prepared, architecture, Augmentation(5.0, 0.1), 5, 4, focal_gamma=gamma)
    worker = Worker(plan, weights, torch.zeros(len(weights), dtype=torch.int64))
    ((_, losses),) = worker.gradients(GradientTask(0, (0,)))
    return losses, worker._total.clone()


def test_training_takes_the_focal_loss_of_the_classifier_and_leaves_the_other_losses(prepared, configuration):
    plain, plain_gradient = losses_of(prepared, configuration, 0.0)
    focal, focal_gradient = losses_of(prepared, configuration, 2.0)
    # An undecided network gives each of three classes about 1/3: the loss is log 3, and (2/3)^2 of it under gamma = 2.
    assert plain["loss_classifier"] == pytest.approx(1.0986, abs=0.15)
    assert focal["loss_classifier"] == pytest.approx(plain["loss_classifier"] * (2 / 3) ** 2, rel=0.15)
    assert {n: v for n, v in focal.items() if n != "loss_classifier"} == {
        n: v for n, v in plain.items() if n != "loss_classifier"
    }
    assert not torch.equal(plain_gradient, focal_gradient)


@pytest.mark.parametrize("name", ["retinanet", "fcos", "ssd", "ssdlite", "yolo"])
def test_a_training_of_another_kind_of_family_is_refused_before_it_starts(prepared, configuration, name):
    asked = dataclasses.replace(configuration, network=NetworkSize(name, SIZES[name]), focal_gamma=2.0)
    with pytest.raises(ValueError, match=r"train\.focal_gamma is 2\.0, but .* has no classifier of region proposals"):
        train(prepared, asked, score_floor=0.02, workers=1, evaluate=None, progress=None)
