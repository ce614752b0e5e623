"""Correction for many comparisons: Holm's step-down rule, which keeps the chance of a single false alarm below the level whatever the dependence.

Source: Holm, "A simple sequentially rejective multiple test procedure", Scand J Statist 6, 1979.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


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
