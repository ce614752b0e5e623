"""The same exposure is found again however it was exported; another patient is not taken for it."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from phantom.film import render, specified
from validation.studies.corruptions import CORRUPTIONS, spoilt
from validation.studies.leakage import WAYS, _changed
from validation.studies.likeness import FINE_SIDE, THE_SAME, compared, finely, laid_over, the_same, thumbnail


@pytest.fixture(scope="module")
def pictures():
    """Three patients alike in everything that a header says."""
    return [render(specified(seed, matrix=512)).display.astype(np.float64) for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def thumbnails(pictures):
    return [thumbnail(picture.astype(np.float32)) for picture in pictures]


def finely_read(pictures):
    return lambda n: thumbnail(pictures[n].astype(np.float32), FINE_SIDE)


def test_different_patients_are_not_taken_for_each_other(pictures, thumbnails):
    assert compared(thumbnails[:1], thumbnails[1:], finely_read(pictures), finely_read(pictures[1:])) == []
    assert max(laid_over(thumbnails[0], other).likeness for other in thumbnails[1:]) < THE_SAME


def test_patients_whose_ribs_lie_alike_are_told_apart_by_what_is_finer(pictures, monkeypatch):
    placed = laid_over(*(thumbnail(picture.astype(np.float32)) for picture in pictures[:2]))
    one, other = (finely_read(pictures)(n) for n in (0, 1))
    assert finely(one, other, placed) < 0.75
    assert finely(
        one, one, laid_over(thumbnail(pictures[0].astype(np.float32)), thumbnail(pictures[0].astype(np.float32)))
    ) == pytest.approx(1.0)
    monkeypatch.setattr("validation.studies.likeness.LOOKS_ALIKE", -1.0)
    monkeypatch.setattr("validation.studies.likeness.LAID_ALIKE", -1.0)
    small = [thumbnail(picture.astype(np.float32)) for picture in pictures]
    pairs = compared(small[:1], small[1:], finely_read(pictures), finely_read(pictures[1:]))
    assert {pair[:2] for pair in pairs} == {(0, 0), (0, 1)}
    assert the_same(pairs) == []


@pytest.mark.parametrize(("name", "grade"), WAYS)
def test_a_changed_copy_is_found_as_the_film_it_was_made_of(pictures, thumbnails, name, grade):
    copies = [_changed(pictures[1], name, grade)]
    found = the_same(compared([thumbnail(copies[0])], thumbnails, finely_read(copies), finely_read(pictures)))
    assert [(query, known) for query, known, _ in found] == [(0, 1)]


def test_brightness_and_contrast_are_no_part_of_a_film(thumbnails):
    assert laid_over(thumbnails[0], 0.4 * thumbnails[0] + 0.3).likeness > 0.98


def test_noise_alone_is_like_nothing():
    generator = np.random.default_rng(0)
    one, other = (gaussian_filter(generator.random((64, 64)), 1) for _ in range(2))
    assert laid_over(one, other).likeness < 0.5


def test_nothing_to_compare_with_is_no_pair(thumbnails):
    assert compared(thumbnails, [], thumbnails.__getitem__, [].__getitem__) == []
    assert spoilt(np.zeros((8, 8)), CORRUPTIONS["too dark"], 1, seed=0).max() < 0
