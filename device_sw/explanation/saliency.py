"""Saliency map for one mark: how strongly each pixel of the film would move the mark's score, averaged over slightly noisy copies of the film.

    map = mean over n copies of |d log odds / d pixel|,  copy = film + N(0, sigma^2), summed over cells of 8 x 8 network pixels

The region or cell that the mark was read from is held fixed, so that the question stays the same for every copy. The noise is drawn from a fixed seed: the
same film gives the same map. It is the only method here that looks at pixels, and so the only one that can point outside the region of the mark.

Source: Simonyan et al. 2013 (arXiv:1312.6034); Smilkov et al. 2017, SmoothGrad (arXiv:1706.03825).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from device_sw.detector.activations import Explainable, Target

LABEL = (
    "Saliency (SmoothGrad) for this one mark: pixels whose change would move its score most, in either direction. "
    "It says what the network is sensitive to, not where disease is."
)
"""The words beside every map of this method."""

COPIES = 8
SIGMA = 0.05
"""Standard deviation of the noise, in units of the display range."""

CELL = 8
"""Side of the cells that the gradient is summed over, network pixels."""

_SEED = 20261121


def saliency(detector: Explainable[Any], pixels: Tensor, targets: Sequence[Target]) -> list[Tensor]:
    """Return for each target the map (ceil(H/8), ceil(W/8)) over the network's (channels, H, W) input, not scaled; values are not negative."""
    noise = torch.Generator().manual_seed(_SEED)
    sums = [torch.zeros(pixels.shape[-2:], dtype=pixels.dtype) for _ in targets]
    for _ in range(COPIES):
        copy = (pixels + SIGMA * torch.randn(pixels.shape, generator=noise, dtype=pixels.dtype)).requires_grad_()
        with torch.enable_grad():
            reading = detector.read(copy)
            odds = [detector.log_odds(detector.seen(reading, target), target).sum() for target in targets]
        for number, one in enumerate(odds):
            (gradient,) = torch.autograd.grad(one, copy, retain_graph=number + 1 < len(odds))
            sums[number] += gradient.abs().sum(dim=0)
    return [functional.avg_pool2d(total[None, None], CELL, ceil_mode=True)[0, 0] for total in sums]
