"""Rates at the operating point, FROC and their pooled form, against counting in plain Python with fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.validation.metrics import plain_reference as plain
from tests.validation.metrics import small_cases
from validation.metrics import froc, intervals, rates
from validation.metrics.matching import match
from validation.metrics.pooling import pool

FINDINGS = ("one", "two", "three")
seeds = st.integers(0, 10**6)


def case(seed):
    """A case in which some findings were not looked for in some films."""
    truths, detections = small_cases.case(seed, FINDINGS, most_films=8, counts=(0, 1, 3, 6, 12))
    generator = np.random.default_rng(seed)
    kept = {film: {name: rows for name, rows in found.items() if generator.random() < 0.8} for film, found in truths.items()}
    return kept, detections


def counted(truths, detections, threshold):
    matches = match(truths, detections, FINDINGS)
    return [froc.at_threshold(found, threshold, 0.5) for found in matches.values()]


def normal(truths):
    return frozenset(film for film, found in truths.items() if set(found) == set(FINDINGS) and not any(map(len, found.values())))


@given(seeds, st.sampled_from((0.0, 0.3, 0.5, 1.0)))
@settings(max_examples=60, deadline=None)
def test_every_rate_is_the_count_a_person_would_make(seed, threshold):
    truths, detections = case(seed)
    counts = counted(truths, detections, threshold)
    kept = {name: [mark for mark in plain.marks(truths, detections, name, 0.5) if mark[0] >= threshold] for name in FINDINGS}
    everything = [mark for found in kept.values() for mark in found]
    looked = {film for name in FINDINGS for film in plain.looked_at(truths, name)}
    positive = {film for film, found in truths.items() if any(map(len, found.values()))}
    absent = [(film, name) for name in FINDINGS for film in plain.looked_at(truths, name) if not len(truths[film][name])]
    clean = [(film, name) for film, name in absent if not any(mark[1] == film for mark in kept[name])]
    false = [film for _, film, hit in everything if not hit]
    alone = normal(truths)
    expected = {
        rates.sensitivity(counts): (
            sum(hit for _, _, hit in everything),
            sum(plain.truth_count(truths, name) for name in FINDINGS),
        ),
        rates.film_sensitivity(counts): (len({film for _, film, hit in everything if hit}), len(positive)),
        rates.specificity(counts): (len(clean), len(absent)),
        rates.film_specificity(counts, alone): (len(alone - set(false)), len(alone)),
        rates.false_positives_per_film(counts): (len(false), len(looked)),
        rates.false_positives_per_normal_film(counts, alone): (sum(film in alone for film in false), len(alone)),
    }
    for rate, (above, below) in expected.items():
        found = rate.metric()
        assert found.denominator == below
        if below:
            assert (found.numerator, found.value) == (above, above / below)
        else:
            assert found.value is None
            assert found.reason == rate.nothing


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_froc_points_and_cpm_are_those_of_every_threshold_tried(seed):
    truths, detections = case(seed)
    for name, matches in match(truths, detections, FINDINGS).items():
        boxes, films = plain.truth_count(truths, name), len(plain.looked_at(truths, name))
        if boxes == 0:
            assert froc.cpm(matches).value is None
            continue
        marks = plain.marks(truths, detections, name, 0.5)
        expected = [plain.best_sensitivity(marks, boxes, films, rate) for rate in plain.RATES]
        found = [froc.sensitivity_at(matches, rate) for rate in froc.CPM_RATES]
        assert [Fraction(point.numerator, point.denominator) for point in found] == expected
        assert froc.cpm(matches).value == pytest.approx(float(sum(expected) / 7), rel=0, abs=1e-12)


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_pooled_froc_counts_the_false_marks_of_all_findings_on_a_film(seed):
    truths, detections = case(seed)
    pooled = pool(match(truths, detections, FINDINGS))
    boxes = sum(plain.truth_count(truths, name) for name in FINDINGS)
    films = {film for name in FINDINGS for film in plain.looked_at(truths, name)}
    marks = [mark for name in FINDINGS for mark in plain.marks(truths, detections, name, 0.5)]
    assert set(pooled.films) == films
    in_film = {film: sum(len(rows) for rows in truths[film].values()) for film in films}
    assert dict(zip(pooled.films, pooled.truths.tolist(), strict=True)) == in_film
    at = froc.at_threshold(pooled, 0.0)
    false = {film: sum(mark[1] == film and not mark[2] for mark in marks) for film in films}
    assert dict(zip(at.films, at.false_positives.tolist(), strict=True)) == false
    assert pooled.truth_count == boxes
    assert sorted(pooled.scores.tolist()) == sorted(score for score, _, _ in marks)
    assert sorted(pooled.rank[pooled.film == 0].tolist()) == list(range(int((pooled.film == 0).sum())))
    if boxes:
        expected = [plain.best_sensitivity(marks, boxes, len(films), rate) for rate in plain.RATES]
        assert [froc.sensitivity_at(pooled, rate).value for rate in froc.CPM_RATES] == pytest.approx(
            [float(e) for e in expected], rel=0, abs=1e-12
        )


def test_pooling_one_finding_changes_nothing():
    truths, detections = case(3)
    alone = match(truths, detections, FINDINGS)["one"]
    pooled = pool({"one": alone})
    for name in ("films", "ious"):
        assert getattr(pooled, name) == getattr(alone, name)
    for name in ("truths", "film", "rank", "scores", "hits"):
        np.testing.assert_array_equal(getattr(pooled, name), getattr(alone, name))


def test_matchings_at_different_thresholds_are_not_pooled():
    truths, detections = case(3)
    parts = {name: match(truths, detections, [name], (iou,))[name] for name, iou in (("one", 0.5), ("two", 0.3))}
    with pytest.raises(ValueError, match="pooling needs matchings made at the same thresholds"):
        pool(parts)
    with pytest.raises(ValueError, match="pooling needs matchings made at the same thresholds"):
        pool({})


def test_a_rate_and_its_interval_rest_on_the_same_counts():
    rate = rates.Rate(("a", "b", "c", "d"), np.array([1, 0, 1, 0]), np.array([1, 1, 1, 1]), "nothing")
    drawn = intervals.draw({"b": "q", "a": "p", "d": "s", "c": "r"}, 400, seed=2)
    found = rate.estimate(drawn, 0.9)
    copies = drawn.of(("a", "b", "c", "d"))
    assert (found.numerator, found.denominator, found.value) == (2, 4, 0.5)
    assert (found.interval.low, found.interval.high) == tuple(np.quantile(copies[:, [0, 2]].sum(axis=1) / 4, [0.05, 0.95]))


def test_an_undefined_rate_has_neither_value_nor_interval():
    rate = rates.Rate(("a",), np.array([0]), np.array([0]), "no normal films")
    found = rate.estimate(intervals.draw({"a": "a"}, 5, seed=1), 0.95)
    assert found.to_json() == {"value": None, "reason": "no normal films", "denominator": 0}
