"""Holm's rule against its definition, and the rate of false alarms that it promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.multiplicity import holm

values = st.dictionaries(st.text(min_size=1, max_size=3), st.floats(0, 1), min_size=1, max_size=8)


def rejected_by_definition(found, level):
    """Holm 1979: go up the sorted p values while p(i) <= level / (m - i + 1)."""
    rejected = set()
    for place, name in enumerate(sorted(found, key=found.get)):
        if found[name] > level / (len(found) - place):
            break
        rejected.add(name)
    return rejected


@given(values, st.sampled_from([0.01, 0.05, 0.2]))
def test_what_is_rejected_is_what_the_step_down_rule_rejects(found, level):
    adjusted = holm(found)
    clear = {name for name, value in adjusted.items() if abs(value - level) > 1e-12}
    assert {name for name in clear if adjusted[name] <= level} == rejected_by_definition(found, level) & clear


@given(values)
def test_correction_never_lowers_a_p_value_and_keeps_their_order(found):
    adjusted = holm(found)
    assert list(adjusted) == list(found)
    for name, value in found.items():
        assert value <= adjusted[name] <= 1
        assert all(adjusted[name] <= adjusted[other] for other in found if value < found[other])


def test_with_nothing_to_find_a_single_alarm_is_as_rare_as_the_level_says():
    generator = np.random.default_rng(3)
    families = [dict(enumerate(generator.random(10))) for _ in range(4000)]
    assert np.mean([min(holm(family).values()) < 0.05 for family in families]) == pytest.approx(0.05, abs=0.012)
    assert np.mean([min(family.values()) < 0.05 for family in families]) > 0.35


def test_what_is_no_p_value_is_refused():
    with pytest.raises(ValueError, match=r"p values lie in \[0, 1\], got \{'a': 1.5\}"):
        holm({"a": 1.5, "b": 0.5})
