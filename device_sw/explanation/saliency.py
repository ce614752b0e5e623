"""Saliency map for one mark: which detail of the picture raised the mark's score, to first order, averaged over slightly noisy copies of the film.

    map = max(0, sum over a cell of g * (x - surroundings of x)),  g = mean over n copies of d log odds / d pixel,  copy = x + N(0, sigma^2)

so that the value of a cell of 8 x 8 network pixels is about the fall of the log odds if its detail were smoothed away; the surroundings are the mean over
33 x 33 pixels. The region or cell that the mark was read from is held fixed, so that the question stays the same for every copy. The noise is drawn from a
fixed seed: the same film gives the same map. It is the only method here that looks at pixels, and so the only one that can point outside the region.

The size of the gradient alone, which is often shown, is not used: within a fixed region it is large where the network's windows overlap most, whatever the
weights are, and it changed little when they were made random (docs/adr/0023).

Source: Simonyan et al. 2013 (arXiv:1312.6034); Smilkov et al. 2017, SmoothGrad (arXiv:1706.03825); Adebayo et al. 2018 (arXiv:1810.03292).
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
    "Saliency (SmoothGrad times input) for this one mark: detail of the picture that raised its score, to first order. "
    "It says what the network used, not where disease is."
)
"""The words beside every map of this method."""

COPIES = 8
SIGMA = 0.05
"""Standard deviation of the noise, in units of the display range."""

CELL = 8
"""Side of the cells that are summed over, network pixels."""

_SURROUNDINGS = 33
"""Side of the window whose mean is a pixel's surroundings, network pixels."""

_SEED = 20261121


def saliency(detector: Explainable[Any], pixels: Tensor, targets: Sequence[Target]) -> list[Tensor]:
    """Return for each target the map (ceil(H/8), ceil(W/8)) over the network's (channels, H, W) input, not scaled; values are not negative."""
    noise = torch.Generator().manual_seed(_SEED)
    reach = _SURROUNDINGS // 2
    detail = pixels - functional.avg_pool2d(pixels, _SURROUNDINGS, stride=1, padding=reach, count_include_pad=False)
    sums = [torch.zeros(pixels.shape[-2:], dtype=pixels.dtype) for _ in targets]
    for _ in range(COPIES):
        copy = (pixels + SIGMA * torch.randn(pixels.shape, generator=noise, dtype=pixels.dtype)).requires_grad_()
        with torch.enable_grad():
            reading = detector.read(copy)
            odds = [detector.log_odds(detector.seen(reading, target), target).sum() for target in targets]
        for number, one in enumerate(odds):
            (gradient,) = torch.autograd.grad(one, copy, retain_graph=number + 1 < len(odds))
            sums[number] += (gradient * detail).sum(dim=0)
    return [functional.avg_pool2d(total[None, None], CELL, ceil_mode=True)[0, 0].clamp_min(0.0) for total in sums]
