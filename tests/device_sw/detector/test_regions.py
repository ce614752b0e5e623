"""The box arithmetic against torchvision's, which the network was trained with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import nms
from torchvision.ops.poolers import LevelMapper

from device_sw.detector.engine import PyramidMaps, RegionAnswers
from device_sw.detector.families.anchors import FittedAnchors
from device_sw.detector.regions import _pyramid_level, anchor_boxes, answered, moved, proposals, without_overlaps

from .conftest import ARCHITECTURE

SHAPE = ARCHITECTURE
seeds = st.integers(0, 2**32 - 1)


def boxes(random, count, side=64.0):
    corners = random.random((count, 2), dtype=np.float32) * np.float32(side * 0.8)
    return np.concatenate([corners, corners + random.random((count, 2), dtype=np.float32) * np.float32(side * 0.4)], axis=1)


def test_anchors_are_torchvisions():
    image = torch.zeros(1, 1, 64, 64)
    features = [torch.zeros(1, 8, side, side) for side in SHAPE.sides]
    expected = FittedAnchors(ARCHITECTURE.anchors)(ImageList(image, [(64, 64)]), features)[0].numpy()
    assert np.array_equal(np.concatenate(anchor_boxes(SHAPE)), expected)


@settings(deadline=None)
@given(seeds)
def test_moved_boxes_are_torchvisions(seed):
    random = np.random.default_rng(seed)
    start, offsets = boxes(random, 9), random.normal(0, 3, (9, 4)).astype(np.float32)
    expected = BoxCoder((10.0, 10.0, 5.0, 5.0)).decode_single(torch.from_numpy(offsets), torch.from_numpy(start)).numpy()
    assert np.allclose(moved(start, offsets, (10.0, 10.0, 5.0, 5.0)), expected, rtol=1e-5, atol=1e-3)


@settings(deadline=None)
@given(seeds, st.sampled_from([0.4, 0.7]))
def test_overlaps_are_dropped_as_torchvision_drops_them(seed, limit):
    random = np.random.default_rng(seed)
    some = boxes(random, 60)
    scores = torch.arange(60, 0, -1, dtype=torch.float32)
    assert without_overlaps(some, limit).tolist() == sorted(nms(torch.from_numpy(some), scores, limit).tolist())


def test_no_boxes_overlap_nothing():
    assert without_overlaps(np.zeros((0, 4), np.float32), 0.5).tolist() == []


@settings(deadline=None)
@given(seeds)
def test_regions_are_pooled_from_torchvisions_level(seed):
    some = boxes(np.random.default_rng(seed), 40, side=400.0)
    expected = LevelMapper(2, 4, canonical_scale=48, canonical_level=3)([torch.from_numpy(some)])
    assert _pyramid_level(some).tolist() == expected.tolist()


def test_an_empty_region_is_of_the_finest_level():
    assert _pyramid_level(np.zeros((1, 4), np.float32)).tolist() == [0]


def maps(random, scale=1.0):
    def part(channels):
        return tuple(random.normal(0, scale, (channels, side, side)).astype(np.float32) for side in SHAPE.sides)

    features = tuple(np.zeros((side, side, 8), np.float32) for side in SHAPE.sides)
    return PyramidMaps(features, part(1), part(4), np.zeros(1, np.float32))


@pytest.mark.parametrize("scale", [0.0, 1.0, 50.0])
def test_proposals_are_always_as_many_and_on_the_input(scale):
    regions = proposals(maps(np.random.default_rng(4), scale), anchor_boxes(SHAPE), SHAPE)
    assert regions.boxes.shape == (SHAPE.proposals_test, 4)
    assert regions.boxes.dtype == np.float32
    assert regions.boxes.min() >= 0.0
    assert regions.boxes.max() <= 64.0
    assert [len(level) for level in regions.by_level] == np.bincount(_pyramid_level(regions.boxes), minlength=3).tolist()


def test_empty_regions_answer_nothing():
    regions = np.zeros((SHAPE.proposals_test, 4), np.float32)
    logits = np.tile(np.float32([-9, 9, 9]), (len(regions), 1))
    found = answered(
        RegionAnswers(logits, np.zeros((len(regions), 12), np.float32), np.zeros((1, 2), np.float32)), regions, SHAPE
    )
    assert len(found.boxes) == len(found.labels) == len(found.scores) == 0


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_answers_are_above_the_floor_best_first_and_apart(seed):
    random = np.random.default_rng(seed)
    regions = boxes(random, SHAPE.proposals_test)
    answers = RegionAnswers(
        random.normal(0, 2, (len(regions), 3)).astype(np.float32),
        random.normal(0, 1, (len(regions), 12)).astype(np.float32),
        np.zeros((1, 2), np.float32),
    )
    found = answered(answers, regions, SHAPE)
    assert (found.scores > SHAPE.score_floor).all()
    assert (np.diff(found.scores) <= 0).all()
    assert set(found.labels.tolist()) <= {1, 2}
    assert len(found.boxes) <= 50
    for label in (1, 2):
        of_one = found.boxes[found.labels == label]
        assert len(without_overlaps(of_one, SHAPE.nms_iou)) == len(of_one)
