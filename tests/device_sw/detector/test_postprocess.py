"""Boxes go back to the film, and only what reaches its threshold is marked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sw.detector.postprocess import candidates, marked
from device_sw.errors import InferenceFailed
from device_sw.types import FindingId, Letterbox

HEART, SPINE = FindingId("cardiac_hypertrophy"), FindingId("scoliosis")
boxes = st.tuples(st.floats(0, 60), st.floats(0, 60), st.floats(1, 60), st.floats(1, 60)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
rows = st.lists(st.tuples(boxes, st.sampled_from([1, 2]), st.floats(0, 1)), max_size=6)


@given(rows, st.integers(64, 4000), st.integers(64, 4000))
def test_every_candidate_lies_on_the_film(rows, height, width):
    found = candidates(
        [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows], (HEART, SPINE), Letterbox(height, width, 64)
    )
    assert all(0 <= d.box.x0 < d.box.x1 <= width and 0 <= d.box.y0 < d.box.y1 <= height for d in found)


@given(rows)
def test_order_of_the_network_does_not_matter(rows):
    def run(order):
        return candidates(
            [r[0] for r in order], [r[1] for r in order], [r[2] for r in order], (HEART, SPINE), Letterbox(64, 64, 64)
        )

    assert run(rows) == run(list(reversed(rows)))


def test_a_box_is_scaled_to_the_film():
    found = candidates([(16, 8, 32, 24)], [2], [0.9], (HEART, SPINE), Letterbox(rows=1024, columns=512, size=64))
    assert found[0].finding == SPINE
    assert found[0].box.as_tuple() == (256.0, 128.0, 512.0, 384.0)


def test_a_box_in_the_padding_is_not_on_the_film():
    assert candidates([(40, 8, 60, 24)], [1], [0.9], (HEART, SPINE), Letterbox(rows=64, columns=32, size=64)) == ()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_an_error(bad):
    with pytest.raises(InferenceFailed, match="INF-NONFINITE at network output"):
        candidates([(0, 0, bad, 1)], [1], [0.5], (HEART,), Letterbox(64, 64, 64))


@given(st.lists(st.floats(0, 1), max_size=6), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_never_marks_more(scores, low, high):
    low, high = sorted((low, high))
    found = candidates([(i, 0, i + 1, 1) for i in range(len(scores))], [1] * len(scores), scores, (HEART,), Letterbox(64, 64, 64))
    assert set(marked(found, {HEART: high})) <= set(marked(found, {HEART: low}))
