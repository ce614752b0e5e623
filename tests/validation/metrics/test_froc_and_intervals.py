"""FROC, operating point, bootstrap and the trivial detector."""

import numpy as np
import pytest

from validation.metrics import average_precision as ap
from validation.metrics import froc, intervals, rates, trivial
from validation.metrics.matching import match
from validation.metrics.result import Interval, Metric


@pytest.fixture
def four_films():
    """Two positive, two negative films; by falling score: hit 0.9, false 0.8, false 0.7 tied with a hit 0.7."""
    truths = {"a": {"x": [(0, 0, 4, 4)]}, "b": {"x": [(0, 0, 4, 4)]}, "c": {"x": []}, "d": {"x": []}}
    found = {
        "a": {"x": [(0, 0, 4, 4, 0.9)]},
        "b": {"x": [(0, 0, 4, 4, 0.7)]},
        "c": {"x": [(0, 0, 4, 4, 0.8), (9, 9, 12, 12, 0.7)]},
        "d": {"x": []},
    }
    return match(truths, found, ["x"])["x"]


def test_curve_has_only_thresholds_that_exist(four_films):
    found = froc.curve(four_films)
    assert found.thresholds.tolist() == [0.9, 0.8, 0.7]
    assert found.sensitivity.tolist() == [0.5, 0.5, 1.0]
    assert found.false_positives_per_film.tolist() == [0.0, 0.25, 0.5]


@pytest.mark.parametrize(("rate", "found"), [(0.125, 1), (0.25, 1), (0.49, 1), (0.5, 2), (8.0, 2)])
def test_sensitivity_at_a_rate_is_a_step_without_interpolation(four_films, rate, found):
    assert froc.sensitivity_at(four_films, rate).numerator == found


def test_cpm_is_the_mean_of_seven_steps(four_films):
    assert froc.cpm(four_films).value == pytest.approx((0.5 + 0.5 + 1 + 1 + 1 + 1 + 1) / 7)


def test_a_curve_keeps_its_integer_counts(four_films):
    found = froc.curve(four_films)
    assert (found.truths, found.films) == (2, 4)
    assert found.hits.tolist() == [1, 1, 2]
    assert found.false_positives.tolist() == [0, 1, 2]


def test_froc_of_nothing_is_undefined():
    empty = match({"a": {"x": []}}, {"a": {}}, ["x"])["x"]
    assert froc.curve(empty) is None
    for metric in (froc.cpm(empty), froc.sensitivity_at(empty, 1.0)):
        assert metric.value is None
        assert metric.reason == "no truth boxes"


def test_fifty_false_boxes_on_normal_films_change_froc_though_not_ap():
    truths = {"a": {"x": [(0, 0, 4, 4)]}, "b": {"x": []}}
    noise = [(index, 9, index + 1, 10, 0.1) for index in range(50)]
    found = {"a": {"x": [(0, 0, 4, 4, 0.9)]}, "b": {"x": noise}}
    matches = match(truths, found, ["x"])["x"]
    assert ap.average_precision(matches, (0.5,)).value == 1.0
    assert rates.false_positives_per_film([froc.at_threshold(matches, 0.05)]).metric().value == 25.0


def test_replicates_draw_patients_not_films():
    drawn = intervals.draw({"a1": "a", "a2": "a", "b1": "b", "c1": "c"}, 50, seed=3)
    assert drawn.patients == 3
    np.testing.assert_array_equal(drawn.weights[:, 0], drawn.weights[:, 1])
    assert (drawn.weights[:, [0, 2, 3]].sum(axis=1) == 3).all()
    np.testing.assert_array_equal(drawn.of(["c1", "a1"]), drawn.weights[:, [3, 0]])


def test_replicates_are_the_same_for_the_same_seed_only():
    patients = {str(index): str(index) for index in range(20)}
    first, again, other = (intervals.draw(patients, 5, seed=seed).weights for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_replicates_are_pinned():
    """A changed generator would silently change every published interval."""
    assert intervals.draw({"a": "a", "b": "b", "c": "c"}, 4, seed=11).weights.tolist() == [
        [0, 3, 0],
        [1, 0, 2],
        [0, 1, 2],
        [0, 0, 3],
    ]


def test_drawing_from_nothing_raises():
    with pytest.raises(ValueError, match="no films to resample"):
        intervals.draw({}, 5, seed=1)
    with pytest.raises(ValueError, match="at least one replicate is needed, got 0"):
        intervals.draw({"a": "a"}, 0, seed=1)


def test_interval_of_a_proportion_is_near_the_binomial_one():
    films = {str(index): str(index) for index in range(200)}
    drawn = intervals.draw(films, 2000, seed=5)
    positive = (np.arange(200) < 60).astype(np.int64)
    found = intervals.percentile_interval(intervals.replicated_ratio(positive, np.ones(200, dtype=np.int64), drawn.weights))
    assert found.low == pytest.approx(0.3 - 1.96 * np.sqrt(0.21 / 200), abs=0.01)
    assert found.high == pytest.approx(0.3 + 1.96 * np.sqrt(0.21 / 200), abs=0.01)


def test_blocks_do_not_change_the_result(four_films):
    weights = intervals.draw({name: name for name in four_films.films}, 300, seed=1).weights
    whole = ap.replicated_average_precision(four_films, (0.5,), weights)
    np.testing.assert_array_equal(
        intervals.in_blocks(lambda part: ap.replicated_average_precision(four_films, (0.5,), part), weights, 7), whole
    )


def test_froc_replicates_equal_copies(four_films):
    found = froc.replicated_sensitivity(
        four_films, (0.25, 0.5), 0.5, np.array([[1, 1, 1, 1], [0, 1, 1, 2], [1, 0, 0, 3], [0, 0, 1, 3]])
    )
    np.testing.assert_array_equal(found[:3], [[0.5, 1.0], [0.0, 1.0], [1.0, 1.0]])
    assert np.isnan(found[3]).all()


def test_trivial_detector_is_evaluated_like_any_other():
    model = trivial.fit([trivial.TrainingFilm(10, 10, {"x": [(0, 0, 4, 4)], "y": []})], ["x", "y"])
    assert set(model) == {"x"}
    found = ap.summary({"a": {"x": [(0, 0, 8, 8)]}}, {"a": trivial.detect(model, 20, 20)}, ["x"])
    assert found.ap50["x"].value == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((None,), "needs a reason"), ((float("nan"),), "must be finite or None"), ((1.0, "why"), "has no reason")],
)
def test_a_metric_that_contradicts_itself_cannot_be_built(arguments, message):
    with pytest.raises(ValueError, match=message):
        Metric(*arguments)


def test_an_inverted_interval_cannot_be_built():
    with pytest.raises(ValueError, match="low <= high"):
        Interval(0.5, 0.4, 0.95, 10)


def test_an_interval_without_a_miss_is_the_bound_of_a_proportion_not_a_point():
    found = intervals.bounded_interval(np.ones(100), 0.95, patients=19)
    assert found.low == pytest.approx(0.025 ** (1 / 19))
    assert (found.high, found.method) == (1.0, "bound of a proportion over 19 patients")
    assert found.to_json()["method"] == found.method


def test_an_interval_without_a_mark_is_the_bound_of_a_count():
    found = intervals.bounded_interval(np.zeros(100), 0.95, patients=20, largest=None)
    assert (found.low, found.high) == (0.0, pytest.approx(-np.log(0.025) / 20))
    assert found.method == "bound of a count over 20 patients"


@pytest.mark.parametrize("values", [np.linspace(0.2, 0.8, 50), np.array([0.9] + [1.0] * 9)])
def test_an_interval_with_a_width_is_the_percentile_interval(values):
    assert intervals.bounded_interval(values, 0.95, 5) == intervals.percentile_interval(values, 0.95)


@pytest.mark.parametrize(("value", "patients"), [(0.5, 4), (1.0, 0), (2.0, 4)])
def test_equal_replicates_that_no_bound_fits_give_no_interval(value, patients):
    assert intervals.bounded_interval(np.full(8, value), 0.95, patients) == "all 8 replicates are equal"


def test_patients_are_counted_once_among_the_films_that_matter():
    drawn = intervals.draw({"a1": "a", "a2": "a", "b1": "b", "c1": "c"}, 5, seed=3)
    assert drawn.patients_with(("c1", "a2", "a1"), np.array([True, True, True])) == 2
    assert drawn.patients_with(("c1", "a2", "a1"), np.array([False, True, True])) == 1
