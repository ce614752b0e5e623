"""Tiles cover a film with their overlap, and what is found in tiles comes out once, whole, wherever the tiles cut it."""

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from device_sw.detector.tiling import Part, Tile, Tiling, merged, part, tiles
from device_sw.types import Box, Detection

NAME = "scoliosis"
FINDINGS = (NAME, "aortic_curvature")

tilings = st.integers(40, 200).flatmap(lambda side: st.builds(Tiling, st.just(side), st.integers(1, side // 2)))


@settings(max_examples=100, deadline=None)
@given(rows=st.integers(1, 900), columns=st.integers(1, 900), tiling=tilings)
def test_tiles_cover_the_film_and_neighbours_share_the_overlap(rows, columns, tiling):
    made = tiles(rows, columns, tiling)
    if max(rows, columns) <= tiling.side:
        assert made == ()
        return
    for first, last, length in (("x0", "x1", columns), ("y0", "y1", rows)):
        spans = sorted({(getattr(tile, first), getattr(tile, last)) for tile in made})
        assert spans[0][0] == 0
        assert spans[-1][1] == length
        assert all(end - start == min(tiling.side, length) for start, end in spans)
        assert all(one[1] - other[0] >= tiling.overlap for one, other in pairwise(spans))


def oracle(lesions, tile, film):
    """Return what a faultless detector finds in a tile: of each lesion what lies in it, whatever is a pixel wide or more."""
    for lesion, score in lesions:
        x0, y0, x1, y1 = lesion.as_tuple()
        edges = (max(x0 - tile.x0, 0), max(y0 - tile.y0, 0), min(x1, tile.x1) - tile.x0, min(y1, tile.y1) - tile.y0)
        if edges[2] - edges[0] >= 1 and edges[3] - edges[1] >= 1:
            yield part(Detection(NAME, Box(*edges), score), tile, film, margin=0.5)


lesion_edges = st.tuples(st.integers(0, 390), st.integers(0, 390), st.integers(8, 320), st.integers(8, 320))


@settings(max_examples=150, deadline=None)
@given(edges=lesion_edges, side=st.integers(60, 220), share=st.floats(0.1, 0.5))
def test_a_lesion_of_any_size_comes_out_once_and_whole(edges, side, share):
    film, tiling = (400, 400), Tiling(side, max(4, int(side * share)))
    x0, y0, width, height = edges
    lesion = Box(x0, y0, min(x0 + width, 400), min(y0 + height, 400))
    found = merged([], [one for tile in tiles(*film, tiling) for one in oracle([(lesion, 0.7)], tile, film)], 0.4, FINDINGS)
    assert [d.box for d in found] == [lesion]
    assert found[0].score == 0.7


@settings(max_examples=60, deadline=None)
@given(first=lesion_edges, second=lesion_edges)
def test_two_lesions_apart_stay_two(first, second):
    boxes = [Box(x, y, min(x + w, 400), min(y + h, 400)) for x, y, w, h in (first, second)]
    gap = max(boxes[0].x0 - boxes[1].x1, boxes[1].x0 - boxes[0].x1, boxes[0].y0 - boxes[1].y1, boxes[1].y0 - boxes[0].y1)
    assume(gap >= 2)
    lesions = list(zip(boxes, (0.8, 0.6), strict=True))
    found = merged(
        [], [one for tile in tiles(400, 400, Tiling(120, 50)) for one in oracle(lesions, tile, (400, 400))], 0.4, FINDINGS
    )
    assert [(d.box, d.score) for d in found] == lesions


def test_the_cut_parts_of_what_the_whole_film_shows_add_nothing():
    whole = Detection(NAME, Box(20, 20, 380, 380), 0.9)
    parts = [one for tile in tiles(400, 400, Tiling(150, 30)) for one in oracle([(whole.box, 0.95)], tile, (400, 400))]
    assert merged([whole], parts, 0.4, FINDINGS) == (whole,)


def test_a_small_lesion_that_only_a_tile_shows_is_kept_with_its_score():
    heart = Detection("aortic_curvature", Box(100, 100, 300, 300), 0.9)
    parts = [
        one for tile in tiles(400, 400, Tiling(200, 60)) for one in oracle([(Box(150, 150, 162, 160), 0.6)], tile, (400, 400))
    ]
    assert [(d.finding, d.box, d.score) for d in merged([heart], parts, 0.4, FINDINGS)] == [
        ("aortic_curvature", heart.box, 0.9),
        (NAME, Box(150, 150, 162, 160), 0.6),
    ]


def test_a_cut_part_that_no_other_tile_saw_stays_a_candidate():
    lone = Part(Detection(NAME, Box(80, 10, 100, 30), 0.5), Tile(0, 0, 100, 100), cut=True)
    assert merged([], [lone], 0.4, FINDINGS) == (lone.detection,)


def test_parts_that_disagree_on_their_strip_are_two_things():
    one = Part(Detection(NAME, Box(60, 0, 100, 20), 0.5), Tile(0, 0, 100, 100), cut=True)
    other = Part(Detection(NAME, Box(80, 60, 140, 90), 0.4), Tile(80, 0, 180, 100), cut=True)
    assert [d.box for d in merged([], [one, other], 0.4, FINDINGS)] == [one.detection.box, other.detection.box]


def test_two_looks_at_one_whole_box_keep_the_better():
    one, other = Detection(NAME, Box(10, 10, 50, 50), 0.6), Detection(NAME, Box(11, 11, 51, 51), 0.8)
    assert merged([one], [Part(other, Tile(0, 0, 100, 100), cut=False)], 0.4, FINDINGS) == (other,)


@pytest.mark.parametrize(("side", "overlap"), [(100, 0), (100, 51), (0, 0), (100, -5)])
def test_tiles_that_do_not_advance_are_refused(side, overlap):
    with pytest.raises(ValueError, match="tiles need an overlap"):
        Tiling(side, overlap)
