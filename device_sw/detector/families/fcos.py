"""FCOS: no anchors; each cell inside a box says how far its four edges are, and how near the cell is to its centre.

Source: Tian et al. 2019 (arXiv:1904.01355).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchvision.models.detection import FCOS
from torchvision.models.detection.fcos import FCOSHead, FCOSRegressionHead

from device_sw.detector.families.anchors import CentredAnchors
from device_sw.detector.families.backbones import PyramidOn, group_norm
from device_sw.detector.families.limits import CANDIDATES, GREY, MOST_BOXES
from device_sw.detector.families.sigmoid_scores import FCOSFindings

if TYPE_CHECKING:
    from device_sw.detector import architecture as numbers

_CONVOLUTIONS = 2
"""Convolutions of each branch of the head before its output."""


def build(architecture: numbers.FCOS) -> FCOS:
    """Build the network, its weights undefined; the one box a cell is as large as the cell, which tells torchvision the strides."""
    width = architecture.pyramid
    head = FCOSHead(width, 1, architecture.classes, 0)
    head.classification_head = FCOSFindings(width, 1, architecture.classes, _CONVOLUTIONS, norm_layer=group_norm)
    head.regression_head = FCOSRegressionHead(width, 1, _CONVOLUTIONS, norm_layer=group_norm)
    return FCOS(
        PyramidOn(architecture.backbone, architecture.strides, width),
        num_classes=architecture.classes,
        min_size=architecture.input_size,
        max_size=architecture.input_size,
        **GREY,
        anchor_generator=CentredAnchors(tuple(((float(s), float(s)),) for s in architecture.strides)),
        head=head,
        score_thresh=architecture.score_floor,
        nms_thresh=architecture.nms_iou,
        detections_per_img=MOST_BOXES,
        topk_candidates=CANDIDATES,
    )
