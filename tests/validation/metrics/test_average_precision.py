"""What average precision means, beyond its equality with the reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.metrics import average_precision as ap
from validation.metrics.matching import FindingMatches, match


def ladder(hit_pattern, scores=None):
    """One film per detection; detection i is a hit exactly where the pattern says so, scores falling."""
    truths, found = {}, {}
    for index, hit in enumerate(hit_pattern):
        score = scores[index] if scores else 1 - index / 100
        truths[f"f{index}"] = {"x": [(0, 0, 10, 10)]}
        found[f"f{index}"] = {"x": [(0, 0, 10, 10, score) if hit else (50, 50, 60, 60, score)]}
    return match(truths, found, ["x"])["x"]


def test_a_perfect_detector_has_ap_one():
    assert ap.average_precision(ladder([True, True]), (0.5,)).value == 1.0


def test_a_hit_then_a_miss_of_two_truths_gives_51_of_101_recalls():
    assert ap.average_precision(ladder([True, False]), (0.5,)).value == pytest.approx(51 / 101)


def test_without_detections_ap_is_zero_and_defined():
    found = ap.summary({"a": {"x": [(0, 0, 4, 4)]}}, {"a": {}}, ["x"])
    assert found.ap50["x"].value == 0.0
    assert found.ar100["x"].value == 0.0


def test_without_truth_ap_is_none_with_a_reason_and_so_is_the_macro():
    found = ap.summary({"a": {"x": [], "y": [(0, 0, 1, 1)]}}, {"a": {"y": [(0, 0, 1, 1, 0.5)]}}, ["x", "y"])
    assert found.ap50["x"].value is None
    assert found.ap50["x"].reason == "no truth boxes"
    assert found.ap50["y"].value == 1.0
    assert found.ap50_macro.value is None
    assert "x (no truth boxes)" in found.ap50_macro.reason


def test_a_film_in_which_nobody_looked_is_left_out():
    truths = {"a": {"x": [(0, 0, 4, 4)]}, "b": {}}
    found = {"a": {"x": [(0, 0, 4, 4, 0.5)]}, "b": {"x": [(0, 0, 4, 4, 0.9)]}}
    assert ap.summary(truths, found, ["x"]).ap50["x"].value == 1.0
    truths["b"] = {"x": []}
    assert ap.summary(truths, found, ["x"]).ap50["x"].value == 0.5


def test_asking_for_an_iou_that_was_not_matched_raises():
    with pytest.raises(ValueError, match=r"no matching at IoU 0\.33"):
        ap.average_precision(ladder([True]), (0.33,))


def test_asking_for_more_detections_than_kept_raises():
    with pytest.raises(ValueError, match=r"must lie in 1\.\.100, got 300"):
        ap.average_recall(ladder([True]), 300)


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_promoting_a_hit_never_lowers_ap(pattern, data):
    if all(pattern) or not any(pattern[1:]):
        return
    index = data.draw(st.sampled_from([i for i, hit in enumerate(pattern) if hit]))
    promoted = [pattern[index], *pattern[:index], *pattern[index + 1 :]]
    before, after = (ap.average_precision(ladder(order), (0.5,)).value for order in (pattern, promoted))
    assert after >= before - 1e-12


def repeated(matches: FindingMatches, weights) -> FindingMatches:
    """Build the resample literally: every film copied as often as it was drawn."""
    films, film, rank, scores, hits, truths = [], [], [], [], [], []
    for index, weight in enumerate(weights):
        for copy in range(weight):
            films.append(f"{matches.films[index]}#{copy}")
            truths.append(matches.truths[index])
            for place in np.flatnonzero(matches.film == index):
                film.append(len(films) - 1)
                rank.append(matches.rank[place])
                scores.append(matches.scores[place])
                hits.append(matches.hits[:, place])
    order = np.argsort(-np.array(scores), kind="stable") if scores else np.zeros(0, dtype=int)
    return FindingMatches(
        matches.finding,
        tuple(films),
        np.array(truths, dtype=np.int64),
        np.array(film, dtype=np.int64)[order],
        np.array(rank, dtype=np.int64)[order],
        np.array(scores, dtype=float)[order],
        np.array(hits, dtype=bool).reshape(-1, len(matches.ious))[order].T,
        matches.ious,
    )


@pytest.mark.parametrize("seed", range(20))
def test_weights_equal_copies_of_the_films(seed):
    generator = np.random.default_rng(seed)
    truths, found = {}, {}
    for film in range(6):
        boxes = [(x, 0, x + 8, 8) for x in generator.choice(6, size=generator.integers(0, 4), replace=False) * 10]
        truths[f"f{film}"] = {"x": boxes}
        rows = [
            (x, generator.integers(0, 5), x + 8, 9)
            for x in generator.choice(6, size=generator.integers(0, 6), replace=False) * 10
        ]
        # Distinct scores: copies then tie only with themselves, as the module's docstring says.
        found[f"f{film}"] = {
            "x": [(*row, ((generator.integers(1, 10) * 6 + place) * 7 + film) / 700) for place, row in enumerate(rows)]
        }
    matches = match(truths, found, ["x"])["x"]
    weights = generator.integers(0, 4, size=(5, 6))
    fast = ap.replicated_average_precision(matches, (0.3, 0.5), weights)
    recall = ap.replicated_average_recall(matches, 2, (0.3, 0.5), weights)
    for row, weight in enumerate(weights):
        slow = repeated(matches, weight)
        if slow.truth_count == 0:
            assert np.isnan(fast[row])
            continue
        assert fast[row] == pytest.approx(ap.average_precision(slow, (0.3, 0.5)).value, abs=1e-12)
        assert recall[row] == pytest.approx(ap.average_recall(slow, 2, (0.3, 0.5)).value, abs=1e-12)
