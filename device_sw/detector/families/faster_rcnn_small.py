"""The network, readable in one file: a small Faster R-CNN whose every size is data in the bundle's `model.json`.

A residual backbone with one or more blocks a stage and group normalisation gives features at strides 4, 8 and 16; a feature pyramid
brings them to one width; torchvision's region proposal network and box head do the rest. Group normalisation, because batch statistics
would tie the result of one film to its neighbours. Anchors are explicit (width, height) pairs fitted to the training boxes.

Source: Ren et al. 2015, Faster R-CNN (arXiv:1506.01497); Lin et al. 2017, Feature Pyramid Networks (arXiv:1612.03144);
Wu and He 2018, Group Normalization (arXiv:1803.08494).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, cast

from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign

from device_sw.detector.architecture import PYRAMID_STRIDES
from device_sw.detector.families.anchors import FittedAnchors
from device_sw.detector.families.local_contrast import with_local_contrast
from device_sw.detector.families.residual import stages, stem

if TYPE_CHECKING:
    from device_sw.detector.architecture import FasterRCNNSmall

PYRAMID_LEVELS = tuple(f"s{stride}" for stride in PYRAMID_STRIDES)
"""Names of the pyramid's levels, by stride in network pixels."""


class PyramidBackbone(nn.Module):
    """Stem, three stages and a feature pyramid; what torchvision's FasterRCNN asks of a backbone."""

    def __init__(self, architecture: FasterRCNNSmall) -> None:
        """Build stem (stride 2), stages (strides 4, 8, 16) and pyramid."""
        super().__init__()
        widths = architecture.widths
        self.out_channels = architecture.pyramid
        self.stem = stem(widths[0])
        self.stages = stages(widths, architecture.blocks)
        self.pyramid = FeaturePyramidNetwork(list(widths[1:]), architecture.pyramid)

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Map (N, 1, S, S) to the pyramid's levels, finest first."""
        y = self.stem(with_local_contrast(x))
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
