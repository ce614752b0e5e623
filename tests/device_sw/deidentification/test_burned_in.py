"""Drawn text is found wherever it stands and however large it is; edges, wires, noise and soft anatomy are not text."""

import random

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from device_sw.deidentification.burned_in import Region, blank, text_regions

SIDE = 640


def soft(seed=1):
    """A picture without any crisp structure: slow waves and detector noise."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    noise = np.random.default_rng(seed).normal(0.0, 0.01, (SIDE, SIDE)).astype(np.float32)
    waves = 0.5 + 0.3 * np.sin(columns / 40) * np.cos(rows / 55)
    return np.clip(waves + noise, 0.0, 1.0).astype(np.float32)


def with_text(picture, words, place, size, colour):
    ink = Image.new("L", (SIDE, SIDE), 0)
    ImageDraw.Draw(ink).text(place, words, fill=255, font=ImageFont.load_default(size))
    share = np.asarray(ink, dtype=np.float32) / 255
    return (picture * (1 - share) + colour * share).astype(np.float32), share > 0.5


def covered(regions):
    found = np.zeros((SIDE, SIDE), dtype=bool)
    for each in regions:
        found[each.top : each.bottom, each.left : each.right] = True
    return found


@pytest.mark.parametrize("size", [10, 14, 20, 28, 40])
@pytest.mark.parametrize("colour", [0.0, 1.0])
def test_text_of_every_size_is_covered(size, colour):
    picture = soft() * 0.4 + (0.5 if colour == 0.0 else 0.0)
    drawn, ink = with_text(picture, "DOE 4711", (200, 300), size, colour)
    assert (covered(text_regions(drawn)) & ink).sum() >= 0.95 * ink.sum()


def test_a_negative_shows_the_same_regions():
    drawn, _ = with_text(soft() * 0.5, "DOE 4711", (100, 100), 24, 1.0)
    assert text_regions(1 - drawn) == text_regions(drawn)


def test_a_picture_without_crisp_strokes_has_no_text():
    assert text_regions(soft()) == ()


@pytest.mark.parametrize("turned", [False, True])
def test_a_straight_edge_is_no_text(turned):
    picture = soft() * 0.3
    picture[:, 300:] += 0.6
    assert text_regions(picture.T.copy() if turned else picture) == ()


def test_a_wire_is_no_text():
    picture = soft() * 0.3
    picture[:, 300:303] = 1.0
    assert text_regions(picture) == ()


def test_single_hot_pixels_are_no_text():
    picture, chance = soft() * 0.5, random.Random(3)
    for _ in range(60):
        picture[chance.randrange(SIDE), chance.randrange(SIDE)] = 1.0
    assert text_regions(picture) == ()


def test_a_region_stays_inside_the_picture():
    drawn, _ = with_text(soft() * 0.5, "DOE", (0, 0), 24, 1.0)
    for each in text_regions(drawn):
        assert 0 <= each.top < each.bottom <= SIDE
        assert 0 <= each.left < each.right <= SIDE


@pytest.mark.parametrize("shape", [(1, 1), (15, 700), (700, 17), (33, 35)])
def test_pictures_of_any_shape_are_taken(shape):
    assert text_regions(np.zeros(shape, dtype=np.float32)) == ()


def test_blanking_changes_the_regions_and_nothing_else():
    stored = np.arange(100, dtype=np.int32).reshape(10, 10)
    cleaned = blank(stored, (Region(2, 3, 5, 6),), -1)
    assert (cleaned[2:5, 3:6] == -1).all()
    cleaned[2:5, 3:6] = stored[2:5, 3:6]
    assert (cleaned == stored).all()
