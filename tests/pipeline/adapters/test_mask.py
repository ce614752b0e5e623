"""A mask becomes the boxes of all its components, whatever JPEG did to its edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from pipeline.adapters.mask import MaskRefused, audit, read_mask
from tests.pipeline.adapters.drawn import jpeg, mark

CELLS = st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6)


@settings(max_examples=60)
@given(CELLS, st.sampled_from([30, 60, 90, 100]), st.integers(8, 40))
def test_every_drawn_square_comes_back_as_its_box(cells, quality, side):
    grey = np.zeros((240, 240), np.uint8)
    drawn = sorted((60 * column + 7, 60 * row + 5, 60 * column + 7 + side, 60 * row + 5 + side) for row, column in cells)
    for x0, y0, x1, y1 in drawn:
        grey[y0:y1, x0:x1] = 255
    books = audit(read_mask(jpeg(grey, quality), 240, 240))
    assert len(books.boxes) == len(drawn)
    assert np.abs(np.array(sorted(books.boxes)) - np.array(drawn)).max() <= 1
    assert books.foreground + books.ringing >= books.foreground


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_components_equal_an_independent_labelling_and_no_box_is_degenerate(seed):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(80, 90)), 3)
    grey = np.where(noise > np.quantile(noise, 0.8), 255, 0).astype(np.uint8)
    books = audit(grey)
    assert sum(part.area for part in books.components) == books.foreground == int((grey > 0).sum())
    assert len(books.components) == flooded(grey > 0)
    assert all(x1 - x0 >= 4 and y1 - y0 >= 4 for x0, y0, x1, y1 in books.boxes)


def flooded(white):
    """Count 8-connected regions by flooding, without the library under test."""
    left, count = {tuple(place) for place in np.argwhere(white)}, 0
    while left:
        count, front = count + 1, [left.pop()]
        while front:
            y, x = front.pop()
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            front += near
    return count


def test_counting_every_pixel_above_zero_would_see_other_components():
    books = audit(read_mask(mark((20, 20, 120, 120), (140, 20, 200, 90), quality=30), 420, 400))
    assert len(books.boxes) == 2
    assert books.above_zero > books.foreground + 200
    assert books.components_above_zero != 2


def test_no_mask_is_a_reason_and_never_a_box_of_zeros():
    with pytest.raises(MaskRefused, match="MASK-EMPTY: no component"):
        audit(np.zeros((50, 50), np.uint8))
    with pytest.raises(MaskRefused, match="MASK-EMPTY: 1 components, all specks"):
        audit(np.pad(np.full((2, 9), 255, np.uint8), 40))
