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
    spread = (functional.avg_pool2d(x * x, _CELL) - mean * mean).clamp_min(0.0).sqrt()
    around, scale = (functional.interpolate(y, size=x.shape[-2:], mode="bilinear", align_corners=False) for y in (mean, spread))
    return (x - around) / (scale + 0.1)


def with_local_contrast(x: Tensor) -> Tensor:
    """Put the local contrast beside the film: (N, 1, H, W) -> (N, 2, H, W)."""
    return torch.cat([x, local_contrast(x)], dim=1)
