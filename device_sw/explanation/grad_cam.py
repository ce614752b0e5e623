"""Grad-CAM for one mark: how far the mark's score rests on each place of the region that the network read it from.

For the features A (C, h, w) of that region, the film's mean M (C) of the same features, and the gradient g of the mark's log odds,

    map(i, j) = max(0, sum over channels k of g(k, i, j) * (A(k, i, j) - M(k)))

which is, to first order, by how much the log odds would fall if that place looked like the average of the film. The gradient is taken place by place.
Grad-CAM as first published averages it over all places, which is right for a classifier that ends in an average and wrong for a head that weighs each
place of its region by itself: measured against the true fall, that form ranks places hardly better than chance (docs/adr/0023).

Source: Selvaraju et al. 2017, Grad-CAM (arXiv:1610.02391); Draelos and Carin 2020, HiResCAM (arXiv:2011.08891); Zhao and Chan 2023, ODAM (arXiv:2304.06354).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from device_sw.detector.activations import Explainable, Reading, Target

LABEL = (
    "Grad-CAM, place by place, for this one mark: where the region that the network read it from raised its score, to first order; "
    "0 outside that region by construction. It says what the network used, not where disease is."
)
"""The words beside every map of this method."""


def grad_cam(detector: Explainable[Any], reading: Reading, target: Target) -> Tensor:
    """Return the map (h, w) of what the head sees of the target, not scaled; its values are not negative."""
    seen = detector.seen(reading, target).detach().requires_grad_()
    with torch.enable_grad():
        odds = detector.log_odds(seen, target).sum()
    (gradient,) = torch.autograd.grad(odds, seen)
    return (gradient * (seen.detach() - film_mean(reading, target))).sum(dim=1)[0].clamp_min(0.0)


def film_mean(reading: Reading, target: Target) -> Tensor:
    """Return the mean (1, C, 1, 1) of each feature of the target's level over the network's input: what a place looks like that is nothing special."""
    return reading.level(target).detach().mean(dim=(2, 3), keepdim=True)
