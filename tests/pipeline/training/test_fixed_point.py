"""Integer sums of gradients: exact, order-free, and never silently clipped."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.training.fixed_point import SCALE, FixedPointOverflow, add_quantised, mean

gradients = st.lists(st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=3), min_size=1, max_size=8)


def summed(rows):
    total = torch.zeros(3, dtype=torch.int64)
    for row in rows:
        add_quantised(total, torch.tensor(row, dtype=torch.float32), shards=len(rows))
    return total


@given(gradients, st.randoms())
def test_order_does_not_change_the_sum(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert torch.equal(summed(rows), summed(shuffled))


@given(gradients)
def test_mean_is_within_half_a_quantum_of_the_exact_mean(rows):
    exact = torch.tensor(rows, dtype=torch.float32).to(torch.float64).mean(dim=0)
    assert torch.all((mean(summed(rows), len(rows)) - exact).abs() <= 0.5 / SCALE + 1e-12)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2.0**27])
def test_what_does_not_fit_stops_the_training(value):
    with pytest.raises(FixedPointOverflow, match=r"reaches 2\^62"):
        add_quantised(torch.zeros(1, dtype=torch.int64), torch.tensor([value]), shards=1)
