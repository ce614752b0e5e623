"""Faster R-CNN with a feature pyramid on MobileNetV3-Large or ResNet-50: torchvision's two stages with our input, anchors and norm.

Source: Ren et al. 2015 (arXiv:1506.01497); Lin et al. 2017 (arXiv:1612.03144).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign

from device_sw.detector.architecture import FasterRCNNMobileNet
from device_sw.detector.families.anchors import FittedAnchors
from device_sw.detector.families.backbone_sizes import MobileNetSizes, ResNetSizes
from device_sw.detector.families.backbones import PyramidOn
from device_sw.detector.families.limits import GREY, MOST_BOXES

if TYPE_CHECKING:
    from device_sw.detector.architecture import FasterRCNNResNet50


def build(architecture: FasterRCNNMobileNet | FasterRCNNResNet50) -> FasterRCNN:
    """Build the network, its weights undefined."""
    kind = MobileNetSizes if isinstance(architecture, FasterRCNNMobileNet) else ResNetSizes
    return FasterRCNN(
        PyramidOn(kind(norm=architecture.norm), architecture.strides, architecture.pyramid),
        min_size=architecture.input_size,
        max_size=architecture.input_size,
        **GREY,
        rpn_anchor_generator=FittedAnchors(architecture.anchors),
        rpn_pre_nms_top_n_train=architecture.proposals_train * 2,
        rpn_pre_nms_top_n_test=architecture.proposals_test * 2,
        rpn_post_nms_top_n_train=architecture.proposals_train,
        rpn_post_nms_top_n_test=architecture.proposals_test,
        rpn_batch_size_per_image=128,
        box_roi_pool=MultiScaleRoIAlign(
            [f"s{stride}" for stride in architecture.strides],
            output_size=7,
            sampling_ratio=2,
            canonical_scale=48,
            canonical_level=3,
        ),
        box_head=TwoMLPHead(architecture.pyramid * 49, architecture.box_head),
        box_predictor=FastRCNNPredictor(architecture.box_head, architecture.classes + 1),
        box_batch_size_per_image=64,
        box_score_thresh=architecture.score_floor,
        box_nms_thresh=architecture.nms_iou,
        box_detections_per_img=MOST_BOXES,
    )
