"""Suspicion of labels: what a confident device contradicts ranks first."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation import cohort, predictions, protocol
from validation.studies import label_noise
from validation.studies.label_noise import area_under_roc, suspicion

BOX = (100.0, 100.0, 200.0, 200.0)
AWAY = (500.0, 500.0, 600.0, 600.0)


@pytest.mark.parametrize(
    ("boxes", "marks", "expected"),
    [
        ((), (), 0.0),
        ((), [(*BOX, 0.7)], 0.7),
        ((BOX,), (), 1.0),
        ((BOX,), [(*BOX, 0.8)], 0.2),
        ((BOX,), [(*BOX, 0.8), (*AWAY, 0.6)], 0.6),
        ((BOX, AWAY), [(*BOX, 0.8)], 1.0),
    ],
)
def test_suspicion_by_hand(boxes, marks, expected):
    assert suspicion(boxes, marks) == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_area_is_the_share_of_pairs_in_order(high, low):
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in high for b in low]
    assert area_under_roc(np.array(high), np.array(low)) == pytest.approx(sum(pairs) / len(pairs))


def test_without_one_side_the_area_is_undefined():
    assert math.isnan(area_under_roc(np.zeros(0), np.ones(3)))


def test_a_good_device_finds_most_labels_made_wrong(cohort_json, predictions_json, written, monkeypatch):
    films = cohort.load(written("cohort.json", cohort_json)).of_split("test")
    monkeypatch.setattr(label_noise, "observed", lambda *_: predictions.parse(predictions_json, "test"))
    found = label_noise.study(SimpleNamespace(), films, protocol.load(), 1, lambda *_: None)
    area, recall = found["goals"]
    assert area["passed"]
    assert area["value"] > 0.85
    assert recall["value"] > 0.4
    assert found["labels"] == 160
    assert len(found["most_suspicious"]) == label_noise.SHOWN


def test_the_same_seed_plants_the_same(cohort_json, predictions_json, written, monkeypatch):
    films = cohort.load(written("cohort.json", cohort_json)).of_split("test")
    monkeypatch.setattr(label_noise, "observed", lambda *_: predictions.parse(predictions_json, "test"))
    first, second = (label_noise.study(SimpleNamespace(), films, protocol.load(), 1, lambda *_: None) for _ in range(2))
    assert first == second
