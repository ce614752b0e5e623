"""The residual block of our own backbones, and such a backbone: small, with group normalisation, any input size that its strides divide."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from device_sw.detector.families.local_contrast import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Sequence


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with group normalisation and a shortcut (He et al. 2016, arXiv:1512.03385)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        """Build the block; the shortcut is a 1x1 convolution where shape changes."""
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.GroupNorm(8, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.GroupNorm(8, outputs)
        changes = stride != 1 or inputs != outputs
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H/stride, W/stride)."""
        y = torch.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return torch.relu(y + self.shortcut(x))


def stem(width: int) -> nn.Sequential:
    """Return the first layer: film and local contrast, (N, 2, H, W), to (N, width, H/2, W/2)."""
    return nn.Sequential(
        OrderedDict(conv=nn.Conv2d(CHANNELS, width, 3, 2, 1, bias=False), norm=nn.GroupNorm(8, width), relu=nn.ReLU())
    )


def stages(widths: Sequence[int], blocks: int) -> nn.ModuleList:
    """Return a stage of residual blocks for each pair of widths, each halving the sides."""
    return nn.ModuleList(_stage(a, b, blocks) for a, b in pairwise(widths))


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    first = ResidualBlock(inputs, outputs, 2)
    return nn.Sequential(first, *(ResidualBlock(outputs, outputs, 1) for _ in range(blocks - 1)))


class ResidualBody(nn.Module):
    """Stem and stages; gives the last levels by the names of their strides."""

    def __init__(self, widths: Sequence[int], blocks: int, strides: Sequence[int]) -> None:
        """Build; a stage halves the sides, and the stem before them too."""
        super().__init__()
        self.stem = stem(widths[0])
        self.stages = stages(widths, blocks)
        self._names = [f"s{stride}" for stride in strides]
        self.out_channels: list[int] = list(widths[-len(strides) :])

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Map (N, 2, H, W) to the levels, finest first."""
        y, levels = self.stem(x), []
        for stage in self.stages:
            y = stage(y)
            levels.append(y)
        return OrderedDict(zip(self._names, levels[-len(self._names) :], strict=True))
