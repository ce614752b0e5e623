"""The way into the network's square and back: boxes return where they came from, pictures do not shift."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_sw.preprocessing.geometry import letterbox, to_film, to_network
from device_sw.types import Box, Letterbox, NormalisedFilm

frames = st.builds(Letterbox, rows=st.integers(1, 6000), columns=st.integers(1, 6000), size=st.sampled_from([128, 256, 640]))
fractions = st.floats(0.0, 0.99)


@st.composite
def boxes_on_films(draw):
    frame = draw(frames)
    x0, y0 = draw(fractions) * frame.columns, draw(fractions) * frame.rows
    x1, y1 = x0 + max(draw(fractions) * frame.columns, 0.01), y0 + max(draw(fractions) * frame.rows, 0.01)
    return frame, Box(x0, y0, x1, y1)


@given(boxes_on_films())
def test_a_box_comes_back_to_its_place(case):
    frame, box = case
    back = to_film(to_network(box, frame).as_tuple(), frame)
    clipped = (box.x0, box.y0, min(box.x1, frame.columns), min(box.y1, frame.rows))
    assert back.as_tuple() == pytest.approx(clipped, abs=1e-6)


@given(boxes_on_films())
def test_a_box_on_the_film_lies_in_the_network_input(case):
    frame, box = case
    inner = to_network(Box(box.x0, box.y0, min(box.x1, frame.columns) + 1e-9, min(box.y1, frame.rows) + 1e-9), frame)
    assert max(inner.x1, inner.y1) <= frame.size + 1e-6


def test_a_box_in_the_padding_is_no_box_of_the_film():
    assert to_film((200.0, 0.0, 250.0, 20.0), Letterbox(rows=100, columns=50, size=256)) is None


def film(pixels):
    return NormalisedFilm(np.asarray(pixels, dtype=np.float32), "tt-default-1")


@settings(deadline=None, max_examples=25)
@given(st.integers(40, 300), st.integers(40, 300))
def test_padding_is_zero_and_the_film_is_top_left(rows, columns):
    prepared = letterbox(film(np.ones((rows, columns))), 128)
    scale = 128 / max(rows, columns)
    inner = prepared.pixels[: int(rows * scale) - 1, : int(columns * scale) - 1]
    assert prepared.pixels.shape == (128, 128)
    assert np.all(inner == 1.0)
    assert not prepared.pixels[int(np.ceil(rows * scale)) + 2 :].any()
    assert not prepared.pixels[:, int(np.ceil(columns * scale)) + 2 :].any()


@pytest.mark.parametrize("shape", [(400, 300), (300, 400), (512, 512)])
def test_a_bright_square_lies_where_its_box_says(shape):
    """The centre of mass of a planted square, brought back, is the centre of its box to a tenth of a network pixel."""
    pixels = np.zeros(shape)
    pixels[100:160, 60:100] = 1.0
    prepared = letterbox(film(pixels), 128)
    y, x = np.mgrid[0:128, 0:128] + 0.5
    mass = prepared.pixels.sum()
    centre = (float((x * prepared.pixels).sum() / mass), float((y * prepared.pixels).sum() / mass))
    there = to_network(Box(60.0, 100.0, 100.0, 160.0), prepared.letterbox)
    assert centre == pytest.approx(((there.x0 + there.x1) / 2, (there.y0 + there.y1) / 2), abs=0.1)


def test_values_stay_in_the_unit_interval():
    noise = np.random.default_rng(0).random((333, 257))
    prepared = letterbox(film(noise), 128)
    assert prepared.pixels.dtype == np.float32
    assert 0.0 <= prepared.pixels.min() <= prepared.pixels.max() <= 1.0
