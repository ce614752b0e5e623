"""Initial weights from numpy's Philox, one stream a tensor: torch's own initialisation differs between instruction sets.

Source: docs/adr/0004-audit-mode-training.md; Philox: Salmon et al. 2011; He et al. 2015 (arXiv:1502.01852) for the scale of convolutions.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import nn

    from device_sw.detector.families.registry import Family


def initialise(network: nn.Module, family: Family, seed: int) -> None:
    """Set every parameter of the network in place from (seed, parameter name): scales of norms 1, biases as the family says, kernels random."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(torch.from_numpy(_values(name, tuple(parameter.shape), family, seed)))


def _values(name: str, shape: tuple[int, ...], family: Family, seed: int) -> np.ndarray:
    layer, _, kind = name.rpartition(".")
    if len(shape) == 1:
        return np.full(shape, 1.0 if kind == "weight" else _log_odds(family.priors.get(layer, 0.5)), dtype=np.float32)
    spread = family.spreads.get(layer, math.sqrt(2.0 / math.prod(shape[1:])))
    return (_stream(name, seed).standard_normal(shape) * spread).astype(np.float32)


def _log_odds(probability: float) -> float:
    """Return the bias whose sigmoid is the probability.

    >>> _log_odds(0.5), round(_log_odds(0.01), 3)
    (0.0, -4.595)
    """
    return math.log(probability / (1.0 - probability))


def _stream(name: str, seed: int) -> np.random.Generator:
    key = int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=key))
