"""The study of subgroups counts what it found as it counts what it compared."""

import pytest

from validation.studies.subgroups import _limitations

STRATA = {"sex": {"F": {}, "M": {}}, "vendor": {"A": {}, "B": {}, "C": {}}}


@pytest.mark.parametrize(
    ("named", "found"),
    [([], 0), (["sex: F", "sex: M"], 1), (["vendor: A", "vendor: C"], 2), (["sex: F", "sex: M", "vendor: B"], 2)],
)
def test_the_two_parts_of_a_stratum_are_one_comparison(named, found):
    metric = _limitations({"limitations": named, "strata": STRATA, "comparisons": 4})
    assert (metric.value, metric.denominator) == (found, 4)


def test_without_a_comparison_nothing_is_said():
    metric = _limitations({"limitations": [], "strata": {}, "comparisons": 0, "minimum_n": 30})
    assert (metric.value, metric.reason) == (None, "no part with 30 patients on both sides")
