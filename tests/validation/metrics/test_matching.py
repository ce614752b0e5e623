"""Input that would flatter or break a metric is an error; the tie rules are the documented ones."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import ValidationError
from validation.metrics.boxes import repeated
from validation.metrics.matching import match

GOOD = (0, 0, 4, 4)


def hits(truth, found, iou=0.5):
    return match({"a": {"x": truth}}, {"a": {"x": found}}, ["x"], (iou,))["x"].hits[0].tolist()


@pytest.mark.parametrize(
    ("box", "code"),
    [
        ((math.nan, 0, 4, 4), "VAL-BOX-NOT-FINITE"),
        ((0, 0, math.inf, 4), "VAL-BOX-NOT-FINITE"),
        ((-math.inf, 0, 4, 4), "VAL-BOX-NOT-FINITE"),
        ((0, 0, 1e200, 1e200), "VAL-BOX-NOT-FINITE"),
        ((4, 0, 0, 4), "VAL-BOX-INVERTED"),
        ((0, 4, 4, 0), "VAL-BOX-INVERTED"),
        ((4, 4, 0, 0), "VAL-BOX-INVERTED"),
        ((0, 0, 4, 0), "VAL-BOX-EMPTY"),
        ((4, 0, 4, 4), "VAL-BOX-EMPTY"),
        ((0, 0, 1e-200, 1e-200), "VAL-BOX-EMPTY"),
        ((0, 0, 4), "VAL-BOX-SHAPE"),
        ((0, 0, 4, "wide"), "VAL-BOX-SHAPE"),
        ((0, 0, 4, None), "VAL-BOX-NOT-FINITE"),
    ],
)
@pytest.mark.parametrize("side", ["truth", "detection"])
def test_a_box_that_is_none_raises_and_names_the_film(box, code, side):
    truth = [box] if side == "truth" else [GOOD]
    found = [(*box, 0.5)] if side == "detection" else [(*GOOD, 0.5)]
    with pytest.raises(ValidationError, match=rf"^{code} at {side} box of x in film a: found"):
        hits(truth, found)


def test_five_boxes_are_not_read_as_four_detections():
    rows = [(0, 0, 4, 4), (1, 0, 5, 4), (2, 0, 6, 4), (3, 0, 7, 4), (4, 0, 8, 4)]
    with pytest.raises(
        ValidationError, match=r"VAL-BOX-SHAPE at detection box of x in film a: found shape \(5, 4\), expected \(n, 5\)"
    ):
        hits([GOOD], rows)


def test_a_truth_box_given_twice_raises():
    with pytest.raises(ValidationError, match="VAL-BOX-TWICE at truth box of x in film a"):
        hits([GOOD, (1, 1, 5, 5), GOOD], [])


def test_a_detection_given_twice_raises_even_with_another_score():
    with pytest.raises(ValidationError, match="VAL-BOX-TWICE at detection box of x in film a"):
        hits([GOOD], [(*GOOD, 0.5), (*GOOD, 0.6)])


@given(st.integers(1, 40), st.integers(0, 10**6), st.booleans())
@settings(max_examples=60, deadline=None)
def test_one_repeated_box_is_found_wherever_it_stands(count, seed, repeat):
    generator = np.random.default_rng(seed)
    boxes, film = generator.integers(0, 3, size=(count, 4)) / 3.0, generator.integers(0, 3, size=count)
    rows = [(int(where), *map(float, box)) for where, box in zip(film, boxes, strict=True)]
    if repeat:
        rows.insert(int(generator.integers(0, count + 1)), rows[int(generator.integers(0, count))])
    table = np.array(rows)
    assert bool(repeated(table[:, 1:], table[:, 0].astype(np.int64)).size) == (len(set(rows)) < len(rows))


def test_the_same_box_in_two_films_is_no_duplicate():
    truths = {"a": {"x": [GOOD]}, "b": {"x": [GOOD]}}
    assert match(truths, {"a": {}, "b": {}}, ["x"])["x"].truth_count == 2


@pytest.mark.parametrize("score", [math.nan, -0.1, 1.1])
def test_a_score_outside_the_unit_interval_raises(score):
    with pytest.raises(ValidationError, match=r"VAL-SCORE at detection box of x in film a: .*expected a score in \[0, 1\]"):
        hits([GOOD], [(*GOOD, score)])


def test_a_film_without_detections_entry_raises():
    with pytest.raises(ValidationError, match="VAL-FILMS at film b: found 1 films have no detections entry"):
        match({"a": {}, "b": {}}, {"a": {}}, ["x"])


def test_a_film_without_truth_entry_raises():
    with pytest.raises(ValidationError, match="VAL-FILMS at film b: found 1 films have no truth entry"):
        match({"a": {}}, {"a": {}, "b": {}}, ["x"])


@pytest.mark.parametrize(
    ("findings", "ious", "most", "message"),
    [
        (["x", "x"], (0.5,), 100, "a finding is named twice in x, x"),
        (["x"], (), 100, r"thresholds must lie in \(0, 1\]"),
        (["x"], (0.5, 0.0), 100, r"thresholds must lie in \(0, 1\]"),
        (["x"], (math.nan,), 100, r"thresholds must lie in \(0, 1\]"),
        (["x"], (0.5,), 0, "at least one detection per film must be kept, got 0"),
    ],
)
def test_arguments_that_mean_nothing_raise(findings, ious, most, message):
    with pytest.raises(ValueError, match=message):
        match({"a": {"x": [GOOD]}}, {"a": {}}, findings, ious, most)


def test_a_truth_box_is_taken_once():
    assert hits([GOOD], [(0, 0, 4, 3, 0.9), (*GOOD, 0.8)]) == [True, False]


def test_of_two_overlapping_truths_the_better_is_taken():
    assert hits([(0, 0, 4, 4), (0, 0, 4, 3)], [(0, 0, 4, 3, 0.9), (0, 0, 4, 4, 0.8)]) == [True, True]


def test_of_two_truths_of_equal_iou_the_later_is_taken():
    truths, between = [(0, 0, 4, 4), (4, 0, 8, 4)], (2, 0, 6, 4, 0.9)
    assert hits(truths, [between, (5, 0, 8, 4, 0.8)], iou=0.3) == [True, False]
    assert hits(truths, [between, (0, 0, 3, 4, 0.8)], iou=0.3) == [True, True]


def test_an_iou_equal_to_the_threshold_matches():
    assert hits([(0, 0, 4, 4)], [(0, 0, 4, 2, 0.9)], iou=0.5) == [True]
    assert hits([(0, 0, 4, 4)], [(0, 0, 4, 1.999, 0.9)], iou=0.5) == [False]


def test_an_iou_of_one_matches_at_threshold_one():
    assert hits([GOOD], [(*GOOD, 0.9)], iou=1.0) == [True]


def test_equal_scores_keep_the_order_of_films_and_rows():
    truths = {"b": {"x": [GOOD]}, "a": {"x": []}}
    found = {"a": {"x": [(9, 9, 10, 10, 0.5)]}, "b": {"x": [(8, 8, 9, 9, 0.5), (*GOOD, 0.5)]}}
    result = match(truths, found, ["x"])["x"]
    assert result.films == ("b", "a")
    assert result.film.tolist() == [0, 0, 1]
    assert result.hits_at(0.5).tolist() == [False, True, False]


def test_only_the_hundred_best_of_a_film_are_kept():
    rows = [(index, 0, index + 1, 1, 0.9 - index / 1000) for index in range(150)]
    result = match({"a": {"x": [(149, 0, 150, 1)]}}, {"a": {"x": rows}}, ["x"])["x"]
    assert len(result.scores) == 100
    assert not result.hits.any()


def test_a_subset_equals_matching_the_subset():
    truths = {name: {"x": [(index, 0, index + 4, 4)]} for index, name in enumerate("abc")}
    found = {name: {"x": [(index, 0, index + 4, 3 + index, 0.3 + index / 10)]} for index, name in enumerate("abc")}
    part = match(truths, found, ["x"])["x"].subset(frozenset("ac"))
    alone = match({k: truths[k] for k in "ac"}, {k: found[k] for k in "ac"}, ["x"])["x"]
    assert part.films == alone.films
    for name in ("truths", "film", "rank", "scores", "hits"):
        np.testing.assert_array_equal(getattr(part, name), getattr(alone, name))
