"""Correction for many comparisons: Holm's step-down rule, which keeps the chance of a single false alarm below the level whatever the dependence.

Source: Holm, "A simple sequentially rejective multiple test procedure", Scand J Statist 6, 1979.
"""

from __future__ import annotations

from math import erfc, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def two_sided_p(difference: float, standard_error: float) -> float:
    """Return the two-sided p value of a difference from 0 that is about normal.

    A standard error of 0 comes from counts that no resample changes, all hits against none: any difference then counts as certain, so that it is looked at.

    >>> round(two_sided_p(1.959964, 1.0), 6)
    0.05
    >>> two_sided_p(-0.5, 0.0), two_sided_p(0.0, 0.0)
    (0.0, 1.0)
    """
    if standard_error <= 0:
        return 0.0 if difference else 1.0
    return erfc(abs(difference) / standard_error / sqrt(2))


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """Return Holm's adjusted p value of every comparison, in the given order; compared with the level, each keeps the level for the whole family.

    Rule: with p(1) <= ... <= p(m), adjusted p(i) = max over j <= i of min(1, (m - j + 1) p(j)).

    Raises:
        ValueError: a value outside [0, 1].

    >>> {name: round(value, 6) for name, value in holm({"a": 0.04, "b": 0.01, "c": 0.03}).items()}
    {'a': 0.06, 'b': 0.03, 'c': 0.06}
    """
    if bad := {name: value for name, value in values.items() if not 0 <= value <= 1}:
        raise ValueError(f"p values lie in [0, 1], got {bad}")
    adjusted: dict[str, float] = {}
    largest = 0.0
    for place, name in enumerate(sorted(values, key=lambda each: values[each])):
        largest = max(largest, min(1.0, (len(values) - place) * values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in values}
