"""EigenCAM against what is known by construction: one strong pattern must be found, in its place, with its sign."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_sw.explanation.eigencam import LABEL, eigencam
from device_sw.types import Letterbox


def features(pattern, channels=8, seed=0, noise=0.0):
    """Return (C, h, w) features: a pattern along one random positive direction, with noise."""
    rng = np.random.default_rng(seed)
    direction = rng.uniform(0.5, 1.0, channels)
    return (direction[:, None, None] * pattern + rng.normal(0, 1, (channels, *pattern.shape)) * noise).astype(np.float32)


def blob(y, x, side=32):
    yy, xx = np.mgrid[0:side, 0:side]
    return np.exp(-((yy - y) ** 2 + (xx - x) ** 2) / 8.0)


def test_the_map_has_the_films_grid_and_lies_in_the_unit_interval():
    heat = eigencam(features(blob(10, 20), noise=0.05), Letterbox(rows=600, columns=800, size=256)).values
    assert heat.shape == (600, 800)
    assert heat.dtype == np.float32
    assert 0.0 <= heat.min() <= heat.max() <= 1.0


@pytest.mark.parametrize(("y", "x"), [(5, 5), (20, 8), (12, 28)])
def test_the_hottest_place_is_where_the_pattern_is(y, x):
    frame = Letterbox(rows=1024, columns=1024, size=256)
    heat = eigencam(features(blob(y, x), noise=0.02), frame).values
    hottest = np.unravel_index(heat.argmax(), heat.shape)
    assert hottest == pytest.approx(((y + 0.5) * 32, (x + 0.5) * 32), abs=32)


def test_a_portrait_films_map_does_not_shift():
    """Cell (16, 6) of 32 covers rows 512 to 544 and columns 192 to 224 of a film of 1024 x 512."""
    heat = eigencam(features(blob(16, 6)), Letterbox(rows=1024, columns=512, size=256)).values
    assert np.unravel_index(heat.argmax(), heat.shape) == pytest.approx((528, 208), abs=16)


def test_the_padding_of_the_network_input_has_no_say():
    inner = features(blob(10, 5, 32))
    changed = inner.copy()
    changed[:, :, 16:] = 50.0
    frame = Letterbox(rows=1024, columns=512, size=256)
    assert np.array_equal(eigencam(inner, frame).values, eigencam(changed, frame).values)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 50.0))
def test_the_map_does_not_depend_on_the_features_scale(factor):
    frame = Letterbox(rows=300, columns=300, size=256)
    pattern = features(blob(9, 9), noise=0.05)
    assert np.allclose(eigencam(pattern, frame).values, eigencam(pattern * np.float32(factor), frame).values, atol=1e-3)


def test_the_sign_follows_the_features_magnitude_and_not_the_solver():
    """The same pattern in features of the other sign is as strong, so the map is the same."""
    frame = Letterbox(rows=300, columns=300, size=256)
    pattern = features(blob(9, 9))
    assert np.allclose(eigencam(pattern, frame).values, eigencam(-pattern, frame).values, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 3.5, np.nan, np.inf])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_features_without_information_have_no_map(value):
    heat = eigencam(np.full((8, 32, 32), value, np.float32), Letterbox(rows=300, columns=300, size=256))
    assert heat.values is None
    assert heat.label == LABEL


def test_the_label_says_that_it_is_no_evidence():
    assert "for all findings together" in LABEL
    assert "no evidence" in LABEL
