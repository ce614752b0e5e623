"""A view turns, shrinks or re-exposes a film, never mirrors it, and its boxes come back to where they belong."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_sw.detector.views import View, brought_back, shown
from pipeline.training.augmentation import expose, rotate

SIZE = 160


def ellipse(box):
    """Return a dark film with a bright ellipse that fills the box."""
    x0, y0, x1, y1 = box
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    inside = ((x - (x0 + x1) / 2) / ((x1 - x0) / 2)) ** 2 + ((y - (y0 + y1) / 2) / ((y1 - y0) / 2)) ** 2 <= 1
    return inside.astype(np.float32)


def seen(pixels):
    """Return the box around what is bright."""
    rows, columns = (np.flatnonzero((pixels > 0.5).any(axis=axis)) for axis in (1, 0))
    return (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)


@pytest.mark.parametrize(
    "view", [View(5), View(-5), View(scale=0.9), View(scale=1.1), View(4, 0.85), View(-3, 1.05, 0.1, 0.0, -0.1)]
)
@pytest.mark.parametrize("box", [(30, 60, 90, 100), (70, 40, 100, 120), (48, 50, 112, 96)])
def test_what_a_view_shows_comes_back_to_where_it_lies_on_the_film(view, box):
    found = brought_back(tuple(map(float, seen(shown(ellipse(box), view)))), view, SIZE)
    np.testing.assert_allclose(found, box, atol=1.6)


def test_a_view_that_turns_shows_what_training_shows():
    film = ellipse((30, 60, 90, 100))
    turned, _ = rotate(film, np.zeros((0, 4), np.float32), math.radians(4.0))
    assert np.abs(shown(film, View(4.0)) - turned).mean() < 2e-3


def test_a_view_of_another_exposure_is_the_exposure_of_training():
    film = np.random.default_rng(1).random((32, 32)).astype(np.float32)
    np.testing.assert_allclose(
        shown(film, View(contrast=0.1, brightness=0.02, gamma=-0.1)), expose(film, 0.1, 0.02, -0.1), atol=1e-6
    )


def test_the_plain_view_changes_no_bit():
    film = np.random.default_rng(1).random((32, 32)).astype(np.float32)
    assert np.array_equal(shown(film, View()), film)
    assert brought_back((1.0, 2.0, 3.0, 4.0), View(), 32) == (1.0, 2.0, 3.0, 4.0)


@settings(max_examples=80, deadline=None)
@given(
    turn=st.floats(-10, 10),
    scale=st.floats(0.8, 1.25),
    middle=st.tuples(st.floats(20, 140), st.floats(20, 140)),
    width=st.floats(10, 60),
    shape=st.floats(0.25, 4.0),
)
def test_bringing_back_undoes_the_turning_of_training(turn, scale, middle, width, shape):
    x, y = middle
    box = (x - width / 2, y - width * shape / 2, x + width / 2, y + width * shape / 2)
    _, (turned,) = rotate(
        np.zeros((1000, 1000), np.float32), np.array([[edge + 400 for edge in box]], np.float32), math.radians(turn)
    )
    scaled = tuple(500 + scale * (float(edge) - 500) for edge in turned)
    found = brought_back(scaled, View(turn, scale), 1000)
    np.testing.assert_allclose(found, [edge + 400 for edge in box], atol=0.05)


@settings(max_examples=60, deadline=None)
@given(turn=st.floats(-10, 10), scale=st.floats(0.8, 1.25))
def test_no_view_mirrors(turn, scale):
    """Three marks that go round clockwise go round clockwise in every view."""
    view = View(turn, scale)
    centres = []
    for x, y in [(60, 60), (100, 60), (80, 100)]:
        film = np.zeros((SIZE, SIZE), np.float32)
        film[y - 3 : y + 3, x - 3 : x + 3] = 1.0
        rows, columns = np.nonzero(shown(film, view) > 0.4)
        centres.append((columns.mean(), rows.mean()))
    (ax, ay), (bx, by), (cx, cy) = centres
    assert (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) > 0


@pytest.mark.parametrize(
    "values",
    [
        {"scale": -1.0},
        {"scale": 0.0},
        {"scale": 1.3},
        {"rotation_deg": 180.0},
        {"rotation_deg": float("nan")},
        {"gamma": 0.4},
        {"brightness": -0.31},
    ],
)
def test_what_is_no_small_change_of_the_same_film_is_no_view(values):
    with pytest.raises(ValueError, match="a view"):
        View(**values)


def test_a_box_too_thin_for_the_rule_keeps_its_size():
    x0, y0, x1, y1 = brought_back((50.0, 0.0, 51.0, 100.0), View(5.0), 100)
    assert (x1 - x0, y1 - y0) == pytest.approx((1.0, 100.0))
