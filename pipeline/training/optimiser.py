"""Stochastic gradient descent with momentum in float64, and a running average of the weights.

The update runs in one process and one thread, so it has one order of operations. Weights are rounded to float32 only where the network reads them.

Source: Sutskever et al. 2013 for momentum; Pascanu et al. 2013 (arXiv:1211.5063) for clipping by norm; Polyak and Juditsky 1992 for averaging.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


class MomentumDescent:
    """The state of the optimisation: weights, velocity and averaged weights, all (n,) float64."""

    def __init__(  # noqa: PLR0913  the optimiser's constants, each by name
        self,
        weights: Tensor,
        decayed: Tensor,
        *,
        momentum: float,
        weight_decay: float,
        clip_norm: float,
        average_decay: float,
        rates: Tensor | None = None,
    ) -> None:
        """Start from given weights.

        Args:
            weights: (n,) float32, the initial weights.
            decayed: (n,) bool, True where weight decay applies (matrices and kernels; not biases and norms).
            momentum: of the velocity, in [0, 1).
            weight_decay: L2 coefficient.
            clip_norm: the mean gradient is scaled down to this Euclidean norm.
            average_decay: of the running average, in [0, 1).
            rates: (n,) float64, what the rate of each weight is multiplied by; a weight with 0 never changes. None is 1 for all.
        """
        self.weights = weights.to(torch.float64)
        self.velocity = torch.zeros_like(self.weights)
        self.averaged = self.weights.clone()
        self._decay = decayed.to(torch.float64) * weight_decay
        self._momentum = momentum
        self._clip_norm = clip_norm
        self._average_decay = average_decay
        self._rates = rates
        self.steps = 0

    def step(self, gradient: Tensor, rate: float) -> float:
        """Move the weights against the gradient and return the gradient's norm before clipping.

        ``v <- m v + g + d w;  w <- w - rate r v;  a <- a + (1 - k)(w - a)`` with k the smaller of average_decay and (1 + t) / (10 + t) and r the
        weight's own factor.
        """
        norm = float(gradient.square().sum().sqrt())
        if norm > self._clip_norm:
            gradient = gradient * (self._clip_norm / norm)
        self.velocity.mul_(self._momentum).add_(gradient).addcmul_(self._decay, self.weights)
        self.weights.sub_(self.velocity if self._rates is None else self.velocity * self._rates, alpha=rate)
        self.steps += 1
        keep = min(self._average_decay, (1 + self.steps) / (10 + self.steps))
        self.averaged.lerp_(self.weights, 1 - keep)
        return norm
