"""Sums gradients as 64-bit integers, because integer addition is associative and floating-point addition is not.

A gradient g becomes round(g * 2^36). Any order, any number of workers or ranks adds up to the same integers, so the weights' SHA-256 cannot
depend on how the work was shared out. What does not fit stops the training; it is never clipped.

Source: measured in docs/adr/0004-audit-mode-training.md.
"""

from __future__ import annotations

import torch
from torch import Tensor

FRACTION_BITS = 36
SCALE = float(2**FRACTION_BITS)
LIMIT = float(2**62)


class FixedPointOverflow(ArithmeticError):
    """A gradient too large, or not finite, to be represented: training stops rather than round it away."""


def add_quantised(total: Tensor, gradient: Tensor, shards: int) -> None:
    """Add ``round(gradient * 2^36)`` to the int64 ``total`` in place.

    Args:
        total: (n,) int64.
        gradient: (n,) float32 or float64.
        shards: how many gradients are summed into one total; each may use its share of the range.

    Raises:
        FixedPointOverflow: ``|g| * 2^36 * shards >= 2^62``, or g is not finite.

    >>> total = torch.zeros(2, dtype=torch.int64)
    >>> add_quantised(total, torch.tensor([0.5, -0.25]), shards=1)
    >>> (total / SCALE).tolist()
    [0.5, -0.25]
    """
    largest = gradient.abs().max().item() * SCALE
    if not largest * shards < LIMIT:
        raise FixedPointOverflow(
            f"largest scaled gradient {largest:.3e} times {shards} shards reaches 2^62; lower the learning rate"
        )
    total.add_(gradient.to(torch.float64).mul_(SCALE).round_().to(torch.int64))


def mean(total: Tensor, shards: int) -> Tensor:
    """Return the float64 mean gradient of ``shards`` gradients."""
    return total.to(torch.float64).div_(SCALE * shards)
