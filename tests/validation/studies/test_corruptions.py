"""The corruptions: five grades that get worse, the same twice, and true boxes that turn with the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from validation.studies.corruptions import CORRUPTIONS, GRADES, spoilt, tilted_box


@pytest.fixture(scope="module")
def picture():
    smooth = gaussian_filter(np.random.default_rng(0).random((240, 200)), 6)
    return (smooth - smooth.min()) / np.ptp(smooth)


def test_there_are_twelve_in_five_grades():
    assert len(CORRUPTIONS) == 12
    assert GRADES == (1, 2, 3, 4, 5)


@pytest.mark.parametrize("name", list(CORRUPTIONS))
def test_every_grade_is_further_from_the_film_than_the_one_before(picture, name):
    away = [float(np.abs(spoilt(picture, CORRUPTIONS[name], grade, seed=3) - picture).mean()) for grade in GRADES]
    assert away[0] > 0
    assert away == sorted(away)


@pytest.mark.parametrize("name", list(CORRUPTIONS))
def test_the_same_seed_gives_the_same_picture(picture, name):
    first, second = (spoilt(picture, CORRUPTIONS[name], 3, seed=5) for _ in range(2))
    assert first.shape == picture.shape
    assert np.array_equal(first, second)
    assert np.isfinite(first).all()


def test_true_boxes_turn_as_the_picture_does():
    film = np.zeros((400, 300))
    film[90:131, 200:251] = 1.0
    y, x = np.mgrid[0:400, 0:300]
    film *= ((x - 225) / 25.5) ** 2 + ((y - 110) / 20.5) ** 2 <= 1
    turned = spoilt(film, CORRUPTIONS["tilted"], 5, seed=0) > 0.5
    rows, columns = np.flatnonzero(turned.any(axis=1)), np.flatnonzero(turned.any(axis=0))
    seen = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    assert tilted_box((200.0, 90.0, 251.0, 131.0), 10.0, 400, 300) == pytest.approx(seen, abs=1.5)


@given(st.floats(-12, 12), st.integers(0, 150), st.integers(0, 150), st.integers(5, 100), st.integers(5, 100))
def test_a_turned_box_is_never_larger_than_the_box_around_its_corners(degrees, x, y, wide, high):
    x0, y0, x1, y1 = tilted_box((x + 400.0, y + 400.0, x + 400.0 + wide, y + 400.0 + high), degrees, 1000, 1000)
    turn = np.radians(abs(degrees))
    assert x1 - x0 <= wide * np.cos(turn) + high * np.sin(turn) + 1e-3
    assert y1 - y0 <= high * np.cos(turn) + wide * np.sin(turn) + 1e-3
    assert x1 > x0
    assert y1 > y0
