"""RetinaNet: one head on every level of a feature pyramid, trained with focal loss.

Source: Lin et al. 2017 (arXiv:1708.02002); group normalisation in the head as in torchvision's second version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchvision.models.detection import RetinaNet
from torchvision.models.detection.retinanet import RetinaNetHead

from device_sw.detector.families.anchors import CentredAnchors
from device_sw.detector.families.backbones import PyramidOn, group_norm
from device_sw.detector.families.limits import CANDIDATES, GREY, MOST_BOXES
from device_sw.detector.families.sigmoid_scores import RetinaNetFindings

if TYPE_CHECKING:
    from device_sw.detector import architecture as numbers


def build(architecture: numbers.RetinaNet) -> RetinaNet:
    """Build the network, its weights undefined.

    Raises:
        ValueError: levels differ in their number of anchors; one head serves them all.
    """
    counts = {len(level) for level in architecture.anchors}
    if len(counts) != 1:
        raise ValueError(f"RetinaNet needs equally many anchors on every level, got {sorted(counts)}")
    anchors = counts.pop()
    head = RetinaNetHead(architecture.pyramid, anchors, architecture.classes, norm_layer=group_norm)
    head.classification_head = RetinaNetFindings(architecture.pyramid, anchors, architecture.classes, norm_layer=group_norm)
    return RetinaNet(
        PyramidOn(architecture.backbone, architecture.strides, architecture.pyramid),
        num_classes=architecture.classes,
        min_size=architecture.input_size,
        max_size=architecture.input_size,
        **GREY,
        anchor_generator=CentredAnchors(architecture.anchors),
        head=head,
        score_thresh=architecture.score_floor,
        nms_thresh=architecture.nms_iou,
        detections_per_img=MOST_BOXES,
        topk_candidates=CANDIDATES,
    )
