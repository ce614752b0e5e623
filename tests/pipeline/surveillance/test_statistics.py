"""Limits, intervals, runs and distributions: properties, and what a careful reader computes by another way."""

from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from pipeline.surveillance.control_limits import control_limits, difference, exact_interval, quartiles
from pipeline.surveillance.series import Point, State, worst

SHARES = st.floats(0, 1, allow_nan=False)
VALUES = st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=60)


@settings(deadline=None)
@given(share=SHARES, films=st.integers(1, 5000), known=st.integers(1, 5000))
def test_limits_hold_the_share_and_stay_shares(share, films, known):
    low, high = control_limits(share, films, known)
    assert 0 <= low <= share <= high <= 1


@settings(deadline=None)
@given(share=SHARES, films=st.integers(1, 2500), known=st.integers(1, 2500))
def test_limits_of_more_films_are_narrower_in_the_window_as_in_the_baseline(share, films, known):
    low, high = control_limits(share, films, known)
    for inner in (control_limits(share, 2 * films, known), control_limits(share, films, 2 * known)):
        assert low <= inner[0]
        assert inner[1] <= high


@settings(max_examples=60, deadline=None)
@given(data=st.data(), of=st.integers(1, 400))
def test_the_exact_interval_leaves_a_fortieth_on_each_side(data, of):
    count = data.draw(st.integers(0, of))
    low, high = exact_interval(count, of)
    assert low <= count / of <= high
    assert low == 0 if count == 0 else isclose(binom.sf(count - 1, of, low), 0.025, rel_tol=1e-6)
    assert high == 1 if count == of else isclose(binom.cdf(count, of, high), 0.025, rel_tol=1e-6)


@settings(deadline=None)
@given(values=VALUES)
def test_quartiles_stand_in_order_within_the_values(values):
    found = quartiles(values)
    assert min(values) <= found.lower <= found.median <= found.upper <= max(values)


@settings(deadline=None)
@given(values=VALUES, other=VALUES)
def test_the_distance_of_two_samples_is_the_largest_difference_of_their_cumulated_shares(values, other):
    by_hand = max(
        abs(sum(value <= at for value in values) / len(values) - sum(value <= at for value in other) / len(other))
        for at in (*values, *other)
    )
    found = difference(values, other)
    assert isclose(found.distance, by_hand, abs_tol=1e-12)
    assert isclose(found.distance, difference(other, values).distance, abs_tol=1e-12)
    assert 0 <= found.chance <= 1


@settings(deadline=None)
@given(values=st.lists(st.floats(0, 0.4), min_size=30, max_size=60))
def test_samples_that_do_not_overlap_are_told_apart(values):
    found = difference(values, [value + 0.5 for value in values])
    assert found.distance == 1
    assert found.chance < 0.0027


@settings(deadline=None)
@given(found=st.lists(st.tuples(st.integers(1, 4), st.sampled_from(State)), max_size=12), full=st.sets(st.integers(1, 4)))
def test_the_worst_is_never_hidden_and_no_full_window_is_passed_over(found, full):
    points = [Point(window, state, "" if state is State.INSIDE else "so", 1.0) for window, state in found]
    states = [state for _, state in found]
    inside = {window for window, state in found if state is State.INSIDE}
    assert (worst(points, full) is State.OUTSIDE) == (State.OUTSIDE in states)
    assert (worst(points, full) is State.INSIDE) == (State.OUTSIDE not in states and bool(full) and not full - inside)


@pytest.mark.parametrize(
    ("state", "reason", "value"),
    [
        (State.INSIDE, "", None),
        (State.INSIDE, "because", 1.0),
        (State.OUTSIDE, "", 1.0),
        (State.NOT_EVALUATED, "", 1.0),
        (State.OUTSIDE, "so", None),
    ],
)
def test_a_state_without_its_reason_or_its_value_cannot_be(state, reason, value):
    with pytest.raises(ValueError, match=r"^a point that is "):
        Point(1, state, reason, value)
