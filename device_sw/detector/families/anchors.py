"""Anchors of explicit sizes at every cell of every level, instead of a product of sizes and aspect ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator

if TYPE_CHECKING:
    from torchvision.models.detection.image_list import ImageList

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


class CentredAnchors(FittedAnchors):
    """The same anchors around the middle of each cell, not its corner.

    A cell is as large as the input divided by the level's sides, also where that is no whole number.
    """

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        """Return for each film all anchors, (n, 4) pixels: level by level, row by row, anchor by anchor."""
        height, width = image_list.tensors.shape[-2:]
        levels = [
            _around_centres(cell.to(features), features.shape[-2], features.shape[-1], height, width)
            for cell, features in zip(self.cell_anchors, feature_maps, strict=True)
        ]
        anchors = torch.cat(levels)
        return [anchors for _ in image_list.image_sizes]


def _around_centres(cell: Tensor, rows: int, columns: int, height: int, width: int) -> Tensor:
    y = (torch.arange(rows, dtype=cell.dtype) + 0.5) * (height / rows)
    x = (torch.arange(columns, dtype=cell.dtype) + 0.5) * (width / columns)
    down, across = torch.meshgrid(y, x, indexing="ij")
    centres = torch.stack([across, down, across, down], dim=-1).reshape(-1, 1, 4)
    return (centres + cell[None]).reshape(-1, 4)
