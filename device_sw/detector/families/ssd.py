"""SSD and SSDlite: default boxes on four levels without a pyramid, a head of its own for each level, softmax with a class for no finding.

SSD stands on plain convolutions as VGG has them, with group normalisation; SSDlite on MobileNetV3-Large, with depthwise heads. One thing differs from the
paper and from torchvision: a film without any finding lends its hardest background boxes too. There, three times none are none, and the network would never
be told about normal films.

Source: Liu et al. 2016 (arXiv:1512.02325); Simonyan and Zisserman 2015 (arXiv:1409.1556); Sandler et al. 2018 (arXiv:1801.04381), section 6.2.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.ssd import SSD, SSDHead
from torchvision.models.detection.ssdlite import SSDLiteHead, _extra_block

from device_sw.detector.families.anchors import CentredAnchors
from device_sw.detector.families.backbones import group_norm, mobilenet
from device_sw.detector.families.limits import CANDIDATES, GREY, MOST_BOXES
from device_sw.detector.families.local_contrast import CHANNELS, with_local_contrast

if TYPE_CHECKING:
    from device_sw.detector import architecture as numbers

_LEAST_BACKGROUND = 8
"""Background boxes that a film lends at least."""

_LITE_EXTRA = 256
"""Channels of SSDlite's last level, behind the backbone."""


class PlainLevels(nn.Module):
    """Stages of 3x3 convolutions, each behind a pooling that halves the sides; gives the last levels."""

    def __init__(self, architecture: numbers.SSD) -> None:
        """Build the stem (stride 2) and the stages (strides 4, 8, 16, 32, 64)."""
        super().__init__()
        widths = architecture.widths
        self.stem = _convolution(CHANNELS, widths[0], stride=2)
        self.stages = nn.ModuleList(_stage(a, b, architecture.convolutions) for a, b in pairwise(widths))
        self._strides = architecture.strides
        self.out_channels = list(widths[-len(self._strides) :])

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Map (N, 1, H, W) to the levels, finest first."""
        y, levels = self.stem(with_local_contrast(x)), []
        for stage in self.stages:
            y = stage(y)
            levels.append(y)
        names = [f"s{stride}" for stride in self._strides]
        return OrderedDict(zip(names, levels[-len(names) :], strict=True))


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), group_norm(outputs), nn.ReLU())


def _stage(inputs: int, outputs: int, convolutions: int) -> nn.Sequential:
    rest = (_convolution(outputs, outputs) for _ in range(convolutions - 1))
    return nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), _convolution(inputs, outputs), *rest)


class LiteLevels(nn.Module):
    """MobileNetV3-Large at strides 8, 16 and 32, and a block behind it at stride 64."""

    def __init__(self, architecture: numbers.SSDLite) -> None:
        """Build backbone and block."""
        super().__init__()
        own = architecture.strides[:-1]
        self.body = mobilenet(architecture.norm, own)
        self.behind = _extra_block(self.body.out_channels[-1], _LITE_EXTRA, group_norm)
        self._last = f"s{architecture.strides[-1]}"
        self.out_channels = [*self.body.out_channels, _LITE_EXTRA]

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Map (N, 1, H, W) to the levels, finest first."""
        levels = cast("OrderedDict[str, Tensor]", self.body(with_local_contrast(x)))
        levels[self._last] = self.behind(next(reversed(levels.values())))
        return levels


class SSDWithNormalFilms(SSD):  # type: ignore[misc]  # torchvision ships no type stubs
    """SSD whose loss also learns from films without a finding."""

    def compute_loss(
        self, targets: list[dict[str, Tensor]], head_outputs: dict[str, Tensor], anchors: list[Tensor], matched_idxs: list[Tensor]
    ) -> dict[str, Tensor]:
        """Return the losses of boxes and classes, summed over the films and divided by the number of boxes that belong to a finding, at least 1.

        Of the background boxes those with the highest loss count: three for each that belongs to a finding, at least 8 a film.
        """
        films = zip(targets, head_outputs["bbox_regression"], head_outputs["cls_logits"], anchors, matched_idxs, strict=True)
        parts = [self._of_film(*film) for film in films]
        positives = max(1, sum(count for _, _, count in parts))
        return {
            "bbox_regression": torch.stack([box for box, _, _ in parts]).sum() / positives,
            "classification": torch.stack([label for _, label, _ in parts]).sum() / positives,
        }

    def _of_film(
        self, target: dict[str, Tensor], offsets: Tensor, logits: Tensor, anchors: Tensor, matched: Tensor
    ) -> tuple[Tensor, Tensor, int]:
        own = torch.where(matched >= 0)[0]
        wanted = self.box_coder.encode_single(target["boxes"][matched[own]], anchors[own])
        box = functional.smooth_l1_loss(offsets[own], wanted, reduction="sum")
        labels = torch.zeros(len(logits), dtype=torch.int64)
        labels[own] = target["labels"][matched[own]]
        losses = functional.cross_entropy(logits, labels, reduction="none")
        background = losses[labels == 0]
        count = min(len(background), max(int(self.neg_to_pos_ratio * len(own)), _LEAST_BACKGROUND))
        hardest = background.sort(descending=True, stable=True).values[:count]
        return box, losses[own].sum() + hardest.sum(), len(own)


def build(architecture: numbers.SSD) -> SSD:
    """Build SSD, its weights undefined."""
    levels = PlainLevels(architecture)
    return _ssd(architecture, levels, SSDHead(levels.out_channels, _counts(architecture), architecture.classes + 1))


def build_lite(architecture: numbers.SSDLite) -> SSD:
    """Build SSDlite, its weights undefined."""
    levels = LiteLevels(architecture)
    head = SSDLiteHead(levels.out_channels, _counts(architecture), architecture.classes + 1, group_norm)
    return _ssd(architecture, levels, head)


def _counts(architecture: numbers.SSD | numbers.SSDLite) -> list[int]:
    return [len(level) for level in architecture.anchors]


def _ssd(architecture: numbers.SSD | numbers.SSDLite, levels: nn.Module, head: nn.Module) -> SSD:
    return SSDWithNormalFilms(
        levels,
        CentredAnchors(architecture.anchors),
        (architecture.input_size, architecture.input_size),
        architecture.classes + 1,
        **GREY,
        head=head,
        score_thresh=architecture.score_floor,
        nms_thresh=architecture.nms_iou,
        detections_per_img=MOST_BOXES,
        topk_candidates=CANDIDATES,
    )
