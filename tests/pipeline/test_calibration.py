import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.calibration import fit, outcomes
from pipeline.held_out import matched
from pipeline.training.dataset import PreparedFilm, PreparedSplit

NONE = (np.zeros(0), np.zeros(0, dtype=bool))


def drawn(n, slope, offset, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.02, 0.98, n)
    chance = 1 / (1 + np.exp(-(slope * np.log(scores / (1 - scores)) + offset)))
    return scores, rng.random(n) < chance


def test_a_curve_that_made_the_data_is_found_again():
    curve = fit({"scoliosis": drawn(20_000, 0.7, -1.2)})["scoliosis"]
    assert curve.slope == pytest.approx(0.7, abs=0.05)
    assert curve.offset == pytest.approx(-1.2, abs=0.08)


def test_a_finding_without_candidates_has_the_curve_of_all():
    few = fit({"scoliosis": drawn(500, 0.7, -1.2), "aortic_curvature": NONE})
    assert few["aortic_curvature"].offset == pytest.approx(few["scoliosis"].offset, abs=0.01)


def test_nothing_at_all_changes_no_score():
    assert fit({"scoliosis": NONE})["scoliosis"].calibrated(0.3) == 0.3


def test_three_boxes_move_a_finding_less_than_three_thousand():
    much = drawn(3_000, 1.0, 0.0)
    scores = np.array([0.9, 0.8, 0.7])
    few = fit({"a": much, "b": (scores, np.zeros(3, dtype=bool))})["b"]
    many = fit({"a": much, "b": (np.tile(scores, 1000), np.zeros(3_000, dtype=bool))})["b"]
    assert 0.9 > few.calibrated(0.9) > many.calibrated(0.9) + 0.1


@given(data=st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), max_size=30))
def test_whatever_the_data_the_curve_rises(data):
    scores, right = np.array([row[0] for row in data], dtype=float), np.array([row[1] for row in data], dtype=bool)
    curve = fit({"a": (scores, right)})["a"]
    assert curve.slope >= 0.05
    assert curve.calibrated(0.9) > curve.calibrated(0.1)


def test_a_second_box_on_the_same_truth_is_not_right():
    film = PreparedFilm("f", np.array([[0, 0, 10, 10]], np.float32), np.array([2]))
    rows = [{"finding": "b", "box": [0, 0, 10, 10], "score": 0.6}, {"finding": "b", "box": [0, 0, 10, 9], "score": 0.9}]
    found = outcomes(matched(PreparedSplit(np.zeros((1, 4, 4), np.uint16), (film,)), [rows], ["a", "b"]))
    assert found["b"][0].tolist() == [0.9, 0.6]
    assert found["b"][1].tolist() == [True, False]
    assert len(found["a"][0]) == 0
