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

NARROW = {
    "rpn.head.cls_logits": 0.01,
    "rpn.head.bbox_pred": 0.01,
    "roi_heads.box_predictor.cls_score": 0.01,
    "roi_heads.box_predictor.bbox_pred": 0.001,
}
"""Output layers start near zero, so that the first losses are those of an undecided network (Ren et al. 2015)."""


def initialise(network: nn.Module, seed: int) -> None:
    """Set every parameter of the network in place from (seed, parameter name)."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(torch.from_numpy(_values(name, tuple(parameter.shape), seed)))


def _values(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    if len(shape) == 1:
        is_norm_scale = "norm" in name and name.endswith("weight")
        return np.full(shape, 1.0 if is_norm_scale else 0.0, dtype=np.float32)
    spread = NARROW.get(name.removesuffix(".weight"), math.sqrt(2.0 / math.prod(shape[1:])))
    return (_stream(name, seed).standard_normal(shape) * spread).astype(np.float32)


def _stream(name: str, seed: int) -> np.random.Generator:
    key = int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=key))
