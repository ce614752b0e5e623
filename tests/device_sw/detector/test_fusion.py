"""Weighted boxes fusion gives the numbers of the authors' package, and does what its rule says."""

import ensemble_boxes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_sw.detector.fusion import fused
from device_sw.types import Box, Detection

FINDINGS = ("cardiac_hypertrophy", "scoliosis", "aortic_curvature")


def drawn(generator, looks, boxes):
    """Return looks at one film whose boxes are the same few, moved a little, and some of their own; distinct scores."""
    truths = generator.uniform(0.1, 0.6, (3, 2))
    made = []
    for _ in range(looks):
        rows = []
        for _ in range(generator.integers(0, boxes + 1)):
            corner = truths[generator.integers(3)] + generator.normal(0, 0.02, 2)
            size = generator.uniform(0.15, 0.3, 2)
            x0, y0, x1, y1 = np.clip(np.concatenate([corner, corner + size]), 0.0, 1.0)
            rows.append(Detection(FINDINGS[generator.integers(3)], Box(x0, y0, x1, y1), float(generator.uniform(0.05, 0.95))))
        made.append(rows)
    return made


def published(looks, weights, limit):
    """Return what the package of the method's authors says, as (finding, box, score), best first."""
    boxes, scores, labels = ensemble_boxes.weighted_boxes_fusion(
        [[d.box.as_tuple() for d in look] for look in looks],
        [[d.score for d in look] for look in looks],
        [[FINDINGS.index(d.finding) for d in look] for look in looks],
        weights=list(weights),
        iou_thr=limit,
    )
    return [(FINDINGS[int(label)], box, score) for box, score, label in zip(boxes, scores, labels, strict=True)]


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("limit", [0.3, 0.55])
def test_it_gives_the_numbers_of_the_authors_package(seed, limit):
    generator = np.random.default_rng(seed)
    looks = drawn(generator, looks=int(generator.integers(1, 5)), boxes=8)
    weights = generator.uniform(0.8, 1.2, len(looks)).tolist()
    expected = published(looks, weights, limit)
    found = fused(looks, weights, limit, FINDINGS)
    assert len(found) == len(expected)
    key = {"key": lambda row: (row[0], round(float(row[2]), 5), round(float(row[1][0]), 4))}
    for one, other in zip(
        sorted(((d.finding, d.box.as_tuple(), d.score) for d in found), **key), sorted(expected, **key), strict=True
    ):
        assert one[0] == other[0]
        np.testing.assert_allclose(one[1], other[1], atol=2e-6)  # the package sums boxes in float32
        assert one[2] == pytest.approx(min(other[2], 1.0), abs=1e-6)


def at(x, score, finding="scoliosis"):
    return Detection(finding, Box(x, 0.0, x + 10.0, 10.0), score)


def test_a_box_on_which_two_of_three_looks_agree_keeps_two_thirds_of_its_score():
    [found] = fused([[at(0, 0.9)], [at(0, 0.9)], []], [1, 1, 1], 0.55, FINDINGS)
    assert found.score == pytest.approx(0.6)


def test_the_fused_box_lies_nearer_to_the_surer_look():
    [found] = fused([[at(0, 0.9)], [at(2, 0.3)]], [1, 1], 0.55, FINDINGS)
    assert found.box.x0 == pytest.approx(0.5)


def test_boxes_of_different_findings_are_never_fused():
    assert len(fused([[at(0, 0.9)], [at(0, 0.9, "aortic_curvature")]], [1, 1], 0.55, FINDINGS)) == 2


def test_a_look_of_twice_the_weight_counts_twice():
    [found] = fused([[at(0, 0.6)], [at(3, 0.6)]], [2, 1], 0.3, FINDINGS)
    assert found.box.x0 == pytest.approx(1.0)
    assert found.score == pytest.approx(0.6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), looks=st.integers(1, 4))
def test_the_order_of_the_looks_changes_no_candidate(seed, looks):
    generator = np.random.default_rng(seed)
    made = drawn(generator, looks, boxes=6)
    turned = fused(made[::-1], [1.0] * looks, 0.55, FINDINGS)
    for one, other in zip(fused(made, [1.0] * looks, 0.55, FINDINGS), turned, strict=True):
        assert one.finding == other.finding
        assert one.score == pytest.approx(other.score, abs=1e-12)
        assert one.box.as_tuple() == pytest.approx(other.box.as_tuple(), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_equal_looks_change_nothing_that_one_look_keeps_apart(seed):
    generator = np.random.default_rng(seed)
    look = [
        Detection("scoliosis", Box(40.0 * n, 0, 40.0 * n + 20, 20), float(s)) for n, s in enumerate(generator.uniform(0.1, 1, 5))
    ]
    for one, other in zip(fused([look] * 3, [1.0] * 3, 0.55, FINDINGS), sorted(look, key=lambda d: -d.score), strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-12)
        assert one.box.as_tuple() == pytest.approx(other.box.as_tuple(), abs=1e-9)


@pytest.mark.parametrize(
    ("weights", "limit"), [((1,), 0.5), ((1, 0), 0.5), ((1, float("nan")), 0.5), ((1, 1), 1.0), ((1, 1), -0.1)]
)
def test_what_no_fusion_can_be_made_of_is_refused(weights, limit):
    with pytest.raises(ValueError, match="fusion needs"):
        fused([[], []], weights, limit, FINDINGS)


def test_no_look_is_no_fusion():
    with pytest.raises(ValueError, match="fusion needs at least one look"):
        fused([], [], 0.5, FINDINGS)
