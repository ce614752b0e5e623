"""What every network sees beside the film itself: how each pixel differs from its surroundings."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

CHANNELS = 2
"""The film and its local contrast."""

_CELL = 16


def local_contrast(x: Tensor) -> Tensor:
    """Return how each pixel differs from its surroundings, in units of their spread: ``(x - m) / (s + 0.1)``.

    m and s are mean and standard deviation over cells of 16 pixels, interpolated between them. The spine behind the heart and calcium in the arch
    differ from their surroundings by little and lie at the bright end of the range; here they weigh as much as a rib over the lung.

    Args:
        x: (N, 1, H, W), H and W multiples of 16.
    """
    mean = functional.avg_pool2d(x, _CELL)
    spread = exact_root((functional.avg_pool2d(x * x, _CELL) - mean * mean).clamp_min(0.0))
    around, scale = (functional.interpolate(y, size=x.shape[-2:], mode="bilinear", align_corners=False) for y in (mean, spread))
    return (x - around) / (scale + 0.1)


def exact_root(x: Tensor) -> Tensor:
    """Return the correctly rounded square root of each float32 value, the same on every processor.

    PyTorch's float32 root begins with the processor's approximate reciprocal root, which each maker defines for himself. In double precision the root is the
    processor's own instruction, which IEEE 754 rounds correctly; 53 bits are enough that rounding once more gives the float32 root (2 x 24 + 2 are needed).

    Source: IEEE 754-2019, 5.4.1; Figueroa 1995, "When is double rounding innocuous?"; ADR 0046.

    >>> exact_root(torch.tensor([0.0, 2.0, 9.0])).tolist()
    [0.0, 1.4142135381698608, 3.0]
    """
    return x.double().sqrt().float()


def with_local_contrast(x: Tensor) -> Tensor:
    """Put the local contrast beside the film: (N, 1, H, W) -> (N, 2, H, W)."""
    return torch.cat([x, local_contrast(x)], dim=1)
