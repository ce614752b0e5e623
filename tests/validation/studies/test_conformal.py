"""Conformal risk control keeps its promise for any detector, and says where none can be made."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.metrics.matching import match
from validation.studies.conformal import LEAST_PATIENTS, Losses, chosen, losses_of, promise


def random_losses(patients, quality, seed):
    """Patients with one to three boxes each; a share ``quality`` of the boxes is found, with a random score."""
    generator = np.random.default_rng(seed)
    thresholds = np.linspace(0, 1, 101)
    rows = []
    for _ in range(patients):
        scores = np.where(generator.random(size := int(generator.integers(1, 4))) < quality, generator.random(size), -1.0)
        rows.append((scores[None, :] < thresholds[:, None]).mean(axis=1))
    return Losses(thresholds, np.array(rows), np.linspace(5, 0, 101))


@pytest.mark.parametrize("alpha", [0.1, 0.2])
def test_the_realised_rate_is_at_most_alpha_and_a_little(alpha):
    found = promise(random_losses(200, 1.0, seed=1), alpha, seed=2)
    assert found["promise_impossible"] == 0
    assert found["realised"]["value"] <= alpha + 0.02
    assert found["realised"]["value"] > alpha - 0.05


def test_a_detector_that_misses_too_much_cannot_promise():
    found = promise(random_losses(200, 0.7, seed=1), 0.1, seed=2)
    assert found["promise_impossible"] == found["splits"]
    assert found["realised"]["value"] > 0.2


def test_too_few_patients_are_no_result():
    found = promise(random_losses(LEAST_PATIENTS - 1, 1.0, seed=1), 0.1, seed=2)
    assert found["realised"]["value"] is None
    assert "at least 20" in found["realised"]["reason"]


@given(st.integers(1, 60), st.floats(0.02, 0.5), st.integers(0, 10_000))
def test_the_chosen_threshold_is_the_largest_that_is_allowed(patients, alpha, seed):
    losses = random_losses(patients, 0.95, seed).losses
    place = chosen(losses, alpha)
    bound = losses.mean(axis=0) * patients / (patients + 1) + 1 / (patients + 1)
    if place is None:
        assert bound[0] > alpha - 1e-9
    else:
        assert bound[place] <= alpha + 1e-9
        assert (bound[place + 1 :] > alpha - 1e-9).all()


def test_losses_count_each_patients_missed_boxes():
    truths = {
        "a": {"scoliosis": [(0, 0, 10, 10), (20, 20, 30, 30)]},
        "b": {"scoliosis": [(0, 0, 10, 10)]},
        "c": {"scoliosis": []},
    }
    marks = {
        "a": {"scoliosis": [(0, 0, 10, 10, 0.8)]},
        "b": {"scoliosis": [(0, 0, 10, 10, 0.4), (50, 50, 60, 60, 0.6)]},
        "c": {},
    }
    found = losses_of(list(match(truths, marks, ["scoliosis"], (0.5,)).values()), {"a": "p", "b": "q", "c": "r"}, 0.5)
    assert found.thresholds.tolist() == [0.0, 0.4, 0.8]
    assert found.losses.tolist() == [[0.5, 0.5, 0.5], [0.0, 0.0, 1.0]]
    assert found.false_marks.tolist() == pytest.approx([1 / 3, 1 / 3, 0.0])
