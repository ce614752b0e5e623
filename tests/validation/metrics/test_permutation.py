"""The permutation test: exact where all deals can be listed, equal to an independent one, and no oftener wrong than it says, near full sensitivity too."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from validation.metrics.permutation import share_difference_p


def difference(hits, truths, inside):
    return abs(hits[inside].sum() / truths[inside].sum() - hits[~inside].sum() / truths[~inside].sum())


def listed(hits, truths, inside):
    """Return the p value over every way to deal out the part."""
    seen, larger, ways = difference(hits, truths, inside), 0, 0
    for chosen in combinations(range(len(hits)), int(inside.sum())):
        dealt = np.isin(np.arange(len(hits)), chosen)
        larger += difference(hits, truths, dealt) >= seen - 1e-12
        ways += 1
    return larger / ways


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), min_size=6, max_size=9), st.integers(2, 4), st.integers(0, 99))
def test_many_deals_come_near_to_all_of_them(patients, count, seed):
    truths = np.array([truth for truth, _ in patients])
    hits = np.minimum(truths, [hit for _, hit in patients])
    inside = np.arange(len(truths)) < count
    assert share_difference_p(hits, truths, inside, seed=seed) == pytest.approx(listed(hits, truths, inside), abs=0.025)


def test_it_agrees_with_fishers_exact_test_where_each_patient_has_one_box():
    hits, inside = np.ones(300, dtype=np.int64), np.arange(300) < 60
    hits[[3, *range(200, 222)]] = 0
    found = share_difference_p(hits, np.ones_like(hits), inside, seed=5)
    missed = (hits == 0) & inside
    table = [[missed.sum(), 60 - missed.sum()], [(hits == 0).sum() - missed.sum(), 240 - (hits == 0).sum() + missed.sum()]]
    assert found == pytest.approx(stats.fisher_exact(table).pvalue, abs=0.03)


def test_it_agrees_with_the_permutation_test_of_scipy():
    generator = np.random.default_rng(4)
    truths = generator.integers(1, 4, 120)
    hits = generator.binomial(truths, 0.8)
    inside = np.arange(120) < 40
    hits[:40] = generator.binomial(truths[:40], 0.6)
    reference = stats.permutation_test(
        (np.arange(40), np.arange(40, 120)),
        lambda ours, theirs: hits[ours].sum() / truths[ours].sum() - hits[theirs].sum() / truths[theirs].sum(),
        n_resamples=4000,
        rng=np.random.default_rng(9),
        vectorized=False,
    )
    assert share_difference_p(hits, truths, inside, seed=5) == pytest.approx(reference.pvalue, abs=0.02)


@pytest.mark.parametrize("sensitivity", [0.9, 0.98])
def test_with_nothing_to_find_an_alarm_is_no_oftener_than_the_level_says(sensitivity):
    generator = np.random.default_rng(6)
    inside = np.arange(200) < 40
    found = []
    for _ in range(400):
        truths = generator.integers(0, 4, 200)
        found.append(share_difference_p(generator.binomial(truths, sensitivity), truths, inside, seed=1, deals=199))
    assert np.mean(np.array(found) <= 0.05) <= 0.08


def test_a_part_without_a_miss_is_not_certain_for_that():
    hits, inside = np.ones(250, dtype=np.int64), np.arange(250) < 50
    hits[[100, 150, 200]] = 0
    assert share_difference_p(hits, np.ones_like(hits), inside, seed=1) > 0.3


def test_where_one_side_has_nothing_to_count_there_is_no_value():
    assert share_difference_p(np.array([0, 1]), np.array([0, 1]), np.array([True, False]), seed=1) is None


def test_equal_data_and_seed_give_an_equal_value_and_never_zero():
    hits, inside = np.repeat([0, 1], 100), np.repeat([True, False], 100)
    first, second = (share_difference_p(hits, np.ones_like(hits), inside, seed=3) for _ in range(2))
    assert first == second == 1 / 10_000
