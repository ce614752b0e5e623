"""Multi-scale training shows the network films of several sizes, and the boxes stay on what they mark."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from device_sw.detector.architecture import ARCHITECTURES
from pipeline.training.augmentation import Augmentation
from pipeline.training.configuration import NetworkSize
from pipeline.training.scaling import drawn_side, resized
from pipeline.training.worker import GradientTask, Worker, WorkerPlan, flat_weights
from tests.pipeline.training.test_families import SIZES
from tests.pipeline.training.test_transfer import network_of


@given(st.integers(8, 30), st.integers(8, 30), st.integers(8, 24), st.sampled_from([32, 48, 64, 80, 96]))
def test_a_bright_rectangle_stays_in_its_box(x, y, length, side):
    film = np.zeros((64, 64), np.float32)
    film[y : y + length, x : x + length] = 1.0
    moved, boxes = resized(film, np.array([[x, y, x + length, y + length]], np.float32), side)
    assert moved.shape == (side, side)
    rows, columns = np.nonzero(moved > 0.5)
    found = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    assert np.abs(found - boxes[0]).max() <= 1.0


def test_the_own_size_leaves_the_film_as_it_is():
    film, boxes = np.random.default_rng(0).random((64, 64)).astype(np.float32), np.array([[1, 2, 3, 4]], np.float32)
    same, kept = resized(film, boxes, 64)
    assert same is film
    assert kept is boxes


def test_every_scale_is_drawn_about_equally_often_and_again_the_same_for_the_same_key():
    scales = (0.75, 1.0, 1.25)
    drawn = [drawn_side(384, scales, 7, step, film) for step in range(50) for film in range(6)]
    assert drawn == [drawn_side(384, scales, 7, step, film) for step in range(50) for film in range(6)]
    counts = Counter(drawn)
    assert set(counts) == {288, 384, 480}
    assert min(counts.values()) > 70


@pytest.mark.parametrize(("scales", "sides"), [((1.0,), {64}), ((0.5, 1.0, 1.5), {32, 64, 96})])
def test_the_network_is_trained_at_every_scale(prepared, configuration, scales, sides):
    network, architecture = network_of(prepared, configuration)
    weights = flat_weights(network)
    plan = WorkerPlan(prepared, architecture, Augmentation(5.0, 0.1), 5, 4, scales=scales)
    worker = Worker(plan, weights, torch.zeros(len(weights), dtype=torch.int64))
    seen = set()
    worker._network.backbone.register_forward_pre_hook(lambda module, inputs: seen.add(inputs[0].shape[-1]))
    for step in range(4):
        worker.gradients(GradientTask(step, (0, 1, 2, 3)))
    assert seen == sides


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_family_learns_from_films_of_another_size(prepared, configuration, name):
    network, architecture = network_of(prepared, dataclasses.replace(configuration, network=NetworkSize(name, SIZES[name])))
    weights = flat_weights(network)
    plan = WorkerPlan(prepared, architecture, Augmentation(0.0, 0.0), 5, 1, scales=(1.5,))
    worker = Worker(plan, weights, torch.zeros(len(weights), dtype=torch.int64))
    ((_, losses),) = worker.gradients(GradientTask(0, (0,)))
    assert all(np.isfinite(value) for value in losses.values())
    assert worker._total.any()
