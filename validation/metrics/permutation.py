"""The permutation test of a difference between two shares, patient by patient.

If a part of the films is like the rest, it does not matter which patients are called the part. So the labels are dealt out anew many times, always as many of each,
and the p value is how often a difference at least as large comes out, the one that was seen counted in. Unlike a normal approximation this holds near 0 and 1, where
hardly anything was missed and a standard error shrinks to nothing.

Source: Phipson & Smyth, "Permutation p-values should never be zero", Stat Appl Genet Mol Biol 9(1), 2010; Good, "Permutation, Parametric and Bootstrap Tests of
Hypotheses", 3rd ed. 2005, chapter 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEALS = 9_999
"""How often labels are dealt out: the smallest p value is one in ten thousand."""

_BLOCK = 500
_EQUAL = 1e-12


def share_difference_p(
    hits: NDArray[np.int64], truths: NDArray[np.int64], inside: NDArray[np.bool_], *, seed: int, deals: int = DEALS
) -> float | None:
    """Return the two-sided p value of the difference between two pooled shares; None where one of them has nothing to count.

    Rule: with s = sum(hits) / sum(truths) on each side, p = (1 + number of deals whose abs(s_in - s_out) is at least the one seen) / (1 + deals). A deal that
    leaves one side without anything to count is taken as at least as large.

    Args:
        hits: (n,) of each patient.
        truths: (n,) of each patient.
        inside: (n,) whether the patient is of the part.
        seed: key of the Philox generator; equal data and seed give an equal value.
        deals: how often labels are dealt out.

    >>> share_difference_p(np.array([1, 1, 0, 0]), np.ones(4, int), np.array([True, True, False, False]), seed=1) < 0.4
    True
    >>> share_difference_p(np.array([1, 1]), np.ones(2, int), np.array([True, False]), seed=1)
    1.0
    """
    seen = _differences(hits, truths, inside[None])[0]
    if np.isnan(seen):
        return None
    generator = np.random.Generator(np.random.Philox(seed))
    larger = 0
    for start in range(0, deals, _BLOCK):
        rows = min(_BLOCK, deals - start)
        dealt = generator.permuted(np.broadcast_to(inside, (rows, len(inside))), axis=1)
        found = _differences(hits, truths, dealt)
        larger += int(np.count_nonzero(np.isnan(found) | (found >= seen - _EQUAL)))
    return (1 + larger) / (1 + deals)


def _differences(hits: NDArray[np.int64], truths: NDArray[np.int64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the size of the difference for each row of labels, NaN where one side has nothing to count."""
    taken = inside.astype(np.int64)
    ours, of_ours = taken @ hits, taken @ truths
    theirs, of_theirs = hits.sum() - ours, truths.sum() - of_ours
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.abs(ours / of_ours - theirs / of_theirs)
