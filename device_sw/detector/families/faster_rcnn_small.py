"""The network, readable in one file: a small Faster R-CNN whose every size is data in the bundle's `model.json`.

A residual backbone with one or more blocks a stage and group normalisation gives features at strides 4, 8 and 16; a feature pyramid
brings them to one width; torchvision's region proposal network and box head do the rest. Group normalisation, because batch statistics
would tie the result of one film to its neighbours. Anchors are explicit (width, height) pairs fitted to the training boxes.

Source: Ren et al. 2015, Faster R-CNN (arXiv:1506.01497); Lin et al. 2017, Feature Pyramid Networks (arXiv:1612.03144);
Wu and He 2018, Group Normalization (arXiv:1803.08494).
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign

from device_sw.detector.architecture import PYRAMID_STRIDES
from device_sw.detector.families.anchors import FittedAnchors

if TYPE_CHECKING:
    from device_sw.detector.architecture import FasterRCNNSmall

PYRAMID_LEVELS = tuple(f"s{stride}" for stride in PYRAMID_STRIDES)
"""Names of the pyramid's levels, by stride in network pixels."""

_CELL = 16


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


class PyramidBackbone(nn.Module):
    """Stem, three stages and a feature pyramid; what torchvision's FasterRCNN asks of a backbone."""

    def __init__(self, architecture: FasterRCNNSmall) -> None:
        """Build stem (stride 2), stages (strides 4, 8, 16) and pyramid."""
        super().__init__()
        widths = architecture.widths
        self.out_channels = architecture.pyramid
        self.stem = nn.Sequential(
            OrderedDict(conv=nn.Conv2d(2, widths[0], 3, 2, 1, bias=False), norm=nn.GroupNorm(8, widths[0]), relu=nn.ReLU())
        )
        self.stages = nn.ModuleList(self._stage(a, b, architecture.blocks) for a, b in pairwise(widths))
        self.pyramid = FeaturePyramidNetwork(list(widths[1:]), architecture.pyramid)

    @staticmethod
    def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
        first = ResidualBlock(inputs, outputs, 2)
        return nn.Sequential(first, *(ResidualBlock(outputs, outputs, 1) for _ in range(blocks - 1)))

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Map (N, 1, S, S) to the pyramid's levels, finest first."""
        y = self.stem(torch.cat([x, local_contrast(x)], dim=1))
        levels: OrderedDict[str, Tensor] = OrderedDict()
        for name, stage in zip(PYRAMID_LEVELS, self.stages, strict=True):
            y = stage(y)
            levels[name] = y
        return cast("OrderedDict[str, Tensor]", self.pyramid(levels))


def build(architecture: FasterRCNNSmall) -> FasterRCNN:
    """Build the network with weights undefined; the caller loads or initialises every one of them.

    Input is a list of (1, S, S) float32 tensors in [0, 1]; they are centred at 0.5 and scaled by 0.25 inside.
    """
    backbone = PyramidBackbone(architecture)
    return FasterRCNN(
        backbone,
        min_size=architecture.input_size,
        max_size=architecture.input_size,
        image_mean=[0.5],
        image_std=[0.25],
        rpn_anchor_generator=FittedAnchors(architecture.anchors),
        rpn_pre_nms_top_n_train=architecture.proposals_train * 2,
        rpn_pre_nms_top_n_test=architecture.proposals_test * 2,
        rpn_post_nms_top_n_train=architecture.proposals_train,
        rpn_post_nms_top_n_test=architecture.proposals_test,
        rpn_batch_size_per_image=128,
        box_roi_pool=MultiScaleRoIAlign(
            list(PYRAMID_LEVELS), output_size=7, sampling_ratio=2, canonical_scale=48, canonical_level=3
        ),
        box_head=TwoMLPHead(architecture.pyramid * 49, architecture.box_head),
        box_predictor=FastRCNNPredictor(architecture.box_head, architecture.classes + 1),
        box_batch_size_per_image=64,
        box_score_thresh=architecture.score_floor,
        box_nms_thresh=architecture.nms_iou,
        box_detections_per_img=50,
        _skip_resize=True,
    )
