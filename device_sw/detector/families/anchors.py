"""Anchors of explicit sizes at every cell of every level, instead of a product of sizes and aspect ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator

if TYPE_CHECKING:
    from device_sw.detector.architecture import AnchorSizes


class FittedAnchors(AnchorGenerator):  # type: ignore[misc]  # torchvision ships no type stubs
    """Anchors of explicit (width, height) instead of a product of sizes and aspect ratios."""

    def __init__(self, anchors: AnchorSizes) -> None:
        """Centre each anchor on the cell, as torchvision does."""
        super().__init__(sizes=tuple((1,) * len(level) for level in anchors), aspect_ratios=((1.0,),) * len(anchors))
        self.cell_anchors = [self._centred(level) for level in anchors]

    @staticmethod
    def _centred(level: tuple[tuple[float, float], ...]) -> Tensor:
        half = torch.tensor(level, dtype=torch.float32) / 2
        return torch.cat([-half, half], dim=1)

    def num_anchors_per_location(self) -> list[int]:
        """Return how many anchors each level has at a location."""
        return [len(level) for level in self.cell_anchors]
