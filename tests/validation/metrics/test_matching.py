"""Input that would flatter or break a metric is an error; the tie rules are the documented ones."""

import math

import numpy as np
import pytest

from validation.metrics.matching import match

GOOD = (0, 0, 4, 4)


def hits(truth, found, iou=0.5):
    return match({"a": {"x": truth}}, {"a": {"x": found}}, ["x"], (iou,))["x"].hits[0].tolist()


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((math.nan, 0, 4, 4), "an edge that is not finite"),
        ((0, 0, math.inf, 4), "an edge that is not finite"),
        ((4, 0, 0, 4), "x1 <= x0 or y1 <= y0"),
        ((0, 0, 4, 0), "x1 <= x0 or y1 <= y0"),
    ],
)
@pytest.mark.parametrize("side", ["truth", "detection"])
def test_a_box_that_is_none_raises_and_names_the_film(box, message, side):
    truth = [box] if side == "truth" else [GOOD]
    found = [(*box, 0.5)] if side == "detection" else [(*GOOD, 0.5)]
    with pytest.raises(ValueError, match=f"{side} box of x in film a has {message}"):
        hits(truth, found)


def test_a_truth_box_given_twice_raises():
    with pytest.raises(ValueError, match="truth box of x in film a is given twice"):
        hits([GOOD, (1, 1, 5, 5), GOOD], [])


def test_a_detection_given_twice_raises_even_with_another_score():
    with pytest.raises(ValueError, match="detection box of x in film a is given twice"):
        hits([GOOD], [(*GOOD, 0.5), (*GOOD, 0.6)])


def test_the_same_box_in_two_films_is_no_duplicate():
    truths = {"a": {"x": [GOOD]}, "b": {"x": [GOOD]}}
    assert match(truths, {"a": {}, "b": {}}, ["x"])["x"].truth_count == 2


@pytest.mark.parametrize("score", [math.nan, -0.1, 1.1])
def test_a_score_outside_the_unit_interval_raises(score):
    with pytest.raises(ValueError, match=r"detection of x in film a has score .*outside \[0, 1\]"):
        hits([GOOD], [(*GOOD, score)])


def test_a_film_without_detections_entry_raises():
    with pytest.raises(ValueError, match="1 films have no detections entry, the first is b"):
        match({"a": {}, "b": {}}, {"a": {}}, ["x"])


def test_a_film_without_truth_entry_raises():
    with pytest.raises(ValueError, match="1 films have no truth entry, the first is b"):
        match({"a": {}}, {"a": {}, "b": {}}, ["x"])


def test_a_truth_box_is_taken_once():
    assert hits([GOOD], [(0, 0, 4, 3, 0.9), (*GOOD, 0.8)]) == [True, False]


def test_of_two_overlapping_truths_the_better_is_taken():
    assert hits([(0, 0, 4, 4), (0, 0, 4, 3)], [(0, 0, 4, 3, 0.9), (0, 0, 4, 4, 0.8)]) == [True, True]


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
