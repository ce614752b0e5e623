"""D-ECE: by hand, against the plain loop, and the same for weights and copies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.metrics.calibration_error import d_ece, reliability, replicated_d_ece
from validation.studies.calibration import undone


def by_loop(scores, right, bins=10):
    place = np.minimum((scores * bins).astype(int), bins - 1)
    parts = [place == n for n in range(bins) if (place == n).any()]
    return sum(part.mean() * abs(scores[part].mean() - right[part].mean()) for part in parts)


@given(st.integers(1, 200), st.integers(0, 1000))
def test_it_is_the_plain_loop(count, seed):
    generator = np.random.default_rng(seed)
    scores, right = generator.random(count), generator.random(count) < 0.4
    assert d_ece(scores, right).value == pytest.approx(by_loop(scores, right), abs=1e-12)


@given(st.integers(1, 40), st.integers(0, 1000))
def test_a_weight_is_so_many_copies(count, seed):
    generator = np.random.default_rng(seed)
    scores, right, weights = generator.random(count), generator.random(count) < 0.5, generator.integers(0, 3, count)
    found = replicated_d_ece(scores, right, weights[None, :])[0]
    if weights.sum() == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(by_loop(np.repeat(scores, weights), np.repeat(right, weights)), abs=1e-12)


def test_without_candidates_it_is_undefined():
    found = d_ece(np.zeros(0), np.zeros(0, dtype=bool))
    assert (found.value, found.reason) == (None, "no candidates")


def test_a_score_of_one_lies_in_the_last_bin():
    bins = reliability(np.array([1.0, 0.95]), np.array([True, False]))
    assert (bins[-1].candidates, bins[-1].share_right, bins[0].share_right) == (2, 0.5, None)


@given(st.floats(0.001, 0.999), st.floats(0.2, 3), st.floats(-3, 3))
def test_undoing_a_curve_gives_the_score_back(score, slope, offset):
    from device_sw.types import ScoreCurve

    calibrated = ScoreCurve(slope, offset).calibrated(score)
    assert undone(np.array([calibrated]), ScoreCurve(slope, offset))[0] == pytest.approx(score, abs=1e-4)
