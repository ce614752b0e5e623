"""The rule that chooses a family: size and latency admit, and only a difference beyond chance replaces the present family."""

from __future__ import annotations

import pytest

from pipeline.compare.choice import LARGEST_BYTES, SLOWEST_P95_S, Contender, adjusted_level, choose

SMALL = Contender(0.70, None, 5_000_000, 0.3)


def better(above=0.01, size=5_000_000, p95=0.3, ap50=0.80):
    return Contender(ap50, above, size, p95)


def test_a_difference_beyond_chance_replaces_the_present_family():
    found = choose({"small": SMALL, "large": better()}, [], "small")
    assert found.family == "large"
    assert "lies above 0" in found.reason


@pytest.mark.parametrize("above", [0.0, -0.05, None])
def test_a_higher_figure_that_may_be_chance_does_not(above):
    found = choose({"small": SMALL, "large": better(above)}, [], "small")
    assert found.family == "small"
    assert found.reason == "it stays: higher values (large) may be chance"


@pytest.mark.parametrize(
    "worse", [better(size=LARGEST_BYTES + 1), better(p95=SLOWEST_P95_S + 0.01), better(p95=None), better(ap50=None)]
)
def test_a_family_that_is_too_large_too_slow_or_undefined_is_not_admissible(worse):
    assert choose({"small": SMALL, "large": worse}, [], "small").family == "small"


def test_limits_themselves_are_admissible():
    assert better(size=LARGEST_BYTES, p95=SLOWEST_P95_S).objections() == ()


def test_of_several_better_ones_the_best_is_chosen():
    found = choose({"small": SMALL, "a": better(ap50=0.8), "b": better(ap50=0.9), "c": better(None, ap50=0.95)}, [], "small")
    assert found.family == "b"


def test_where_the_present_family_is_not_admissible_the_best_of_the_others_is():
    heavy = Contender(0.9, None, 2 * LARGEST_BYTES, 0.3)
    found = choose({"small": heavy, "a": better(None, ap50=0.5), "b": better(None, ap50=0.6)}, [], "small")
    assert found.family == "b"
    assert "small, the present family, is not admissible (its bundle has 40.0 MB, at most 20 allowed)" in found.reason
    assert "its trial failed" in choose({"a": better(None)}, ["small"], "small").reason


def test_nothing_admissible_is_no_choice():
    assert choose({"small": Contender(None, None, 1, 0.1)}, [], "small").family is None


def test_the_level_of_each_interval_keeps_five_per_cent_for_all_together():
    assert 1 - adjusted_level(7) == pytest.approx(0.05 / 7)
    assert adjusted_level(0) == 0.95
