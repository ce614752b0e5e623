"""The stage that prepares films: which of them may be learned from, and where their boxes lie in the network's picture."""

import pytest

from pipeline.stages.prepare import is_usable, network_truth

HEART, SPINE = "cardiac_hypertrophy", "scoliosis"


def film(**changes):
    boxes = [{"finding": HEART, "box": [100.0, 200.0, 300.0, 400.0]}]
    return {"film_id": "f", "rows": 768, "columns": 384, "scored": True, "status": {HEART: 1, SPINE: 0}, "boxes": boxes} | changes


@pytest.mark.parametrize(
    ("changes", "usable"),
    [
        ({}, True),
        ({"scored": False}, False),
        ({"status": {HEART: 1, SPINE: None}}, False),
        ({"boxes": []}, False),
        ({"status": {HEART: 1, SPINE: 1}}, False),
        ({"status": {HEART: 0, SPINE: 0}, "boxes": []}, True),
    ],
)
def test_a_film_is_learned_from_where_all_that_is_there_has_a_box(changes, usable):
    assert is_usable(film(**changes), [HEART, SPINE]) is usable


def test_what_is_not_trained_decides_nothing():
    assert is_usable(film(status={HEART: 1, SPINE: None}), [HEART])


def test_boxes_and_labels_are_those_of_the_network():
    assert network_truth(film(), [SPINE, HEART], 384) == {"film_id": "f", "boxes": [[50.0, 100.0, 150.0, 200.0]], "labels": [2]}
