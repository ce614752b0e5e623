"""The detector that is written here, by numbers that a hand can follow."""

from __future__ import annotations

import pytest
import torch

from device_sw.detector.families.yolo import Anchored, Yolo, responsible

from .small_architectures import SMALL_ARCHITECTURES, undecided

SIDE = 96


@pytest.fixture(scope="module")
def network():
    return undecided(SMALL_ARCHITECTURES["yolo"])


@pytest.fixture(scope="module")
def anchored(network):
    batch, _ = network.transform([torch.zeros(1, SIDE, SIDE)])
    return network.anchored(batch, [torch.zeros(1, 1, side, side) for side in network_sides()])


def network_sides():
    return SMALL_ARCHITECTURES["yolo"].sides


def offsets_for(box, anchored, index):
    """Return what the network has to answer at an anchor for a box."""
    anchor, cell = anchored.boxes[index], anchored.cells[index]
    place = ((box[:2] + box[2:]) / 2 - (anchor[:2] + anchor[2:]) / 2) / cell + 0.5
    return torch.cat([torch.logit(place), ((box[2:] - box[:2]) / (anchor[2:] - anchor[:2])).log()])


def test_anchors_stand_around_the_middle_of_their_cells(anchored):
    assert anchored.boxes[0].tolist() == [0.0, 1.0, 8.0, 7.0]
    assert anchored.cells[0].tolist() == [8.0, 8.0]
    assert anchored.cells[-1].tolist() == [32.0, 32.0]
    assert len(anchored.boxes) == 2 * sum(side * side for side in network_sides())


def test_the_anchor_of_the_best_shape_in_the_cell_of_the_centre_answers_for_a_box(anchored):
    box = torch.tensor([40.0, 34.0, 57.0, 46.0])
    index = int(responsible(box[None], anchored)[0])
    anchor = anchored.boxes[index]
    assert (anchor[2:] - anchor[:2]).tolist() == [16.0, 12.0]
    assert ((anchor[:2] + anchor[2:]) / 2).tolist() == [56.0, 40.0]


def test_a_box_comes_back_from_the_answer_that_means_it(anchored):
    box = torch.tensor([40.0, 34.0, 57.0, 46.0])
    index = int(responsible(box[None], anchored)[0])
    answers = torch.zeros(len(anchored.boxes), 4)
    answers[index] = offsets_for(box, anchored, index)
    assert torch.allclose(Yolo.decoded(answers, anchored)[index], box, atol=1e-4)


def answers_of(network, anchored):
    """Answers of a network that says nothing: every box its anchor, every score one half."""
    count = len(anchored.boxes)
    return {
        "bbox_regression": torch.zeros(1, count, 4),
        "objectness": torch.zeros(1, count, 1),
        "cls_logits": torch.zeros(1, count, 3),
    }


def test_a_film_without_a_finding_teaches_objectness_only(network, anchored):
    target = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    losses = network._film_losses(answers_of(network, anchored), anchored, 0, target)
    assert float(losses["loss_box"]) == float(losses["loss_classifier"]) == 0.0
    assert float(losses["loss_objectness"]) == pytest.approx(0.5 * len(anchored.boxes) * 0.6931472, rel=1e-5)


def test_the_loss_of_an_undecided_network_is_that_of_coins(network, anchored):
    target = {"boxes": torch.tensor([[4.0, 5.0, 12.0, 11.0]]), "labels": torch.tensor([2])}
    losses = network._film_losses(answers_of(network, anchored), anchored, 0, target)
    assert float(losses["loss_classifier"]) == pytest.approx(2 * 0.6931472, rel=1e-5)
    assert float(losses["loss_box"]) == pytest.approx((2 - 48 / SIDE**2) * 2 * 0.6931472, rel=1e-4)


def test_what_overlaps_a_true_box_is_not_held_against_the_network(anchored, network):
    box = anchored.boxes[2:3].clone()
    own = responsible(box, anchored)
    other = int(own[0]) ^ 1  # the other shape of the same cell
    answers = torch.zeros(len(anchored.boxes), 4)
    answers[other] = offsets_for(box[0], anchored, other)
    told = torch.full((len(anchored.boxes),), -20.0)
    told[own], told[other] = 20.0, 20.0
    assert float(network._objectness_loss(told, answers, anchored, own, box)) < 1e-3
    told[-1] = 20.0
    assert float(network._objectness_loss(told, answers, anchored, own, box)) == pytest.approx(10.0, rel=1e-3)


def test_a_detection_has_the_score_of_both_sigmoids_and_a_finding(network):
    found = network.eval()([torch.rand(1, SIDE, SIDE)])[0]
    assert len(found["boxes"])
    assert set(found["labels"].tolist()) <= {1, 2}
    assert found["scores"].tolist() == sorted(found["scores"].tolist(), reverse=True)


def test_cells_and_anchors_are_values():
    with pytest.raises(AttributeError, match="cannot assign"):
        Anchored(torch.zeros(1, 4), torch.zeros(1, 2)).boxes = torch.ones(1, 4)
