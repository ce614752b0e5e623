"""Every family at a size for tests, with seeded random weights that answer something."""

from __future__ import annotations

import torch

from device_sw.detector.architecture import (
    FCOS,
    SSD,
    YOLO,
    FasterRCNNMobileNet,
    FasterRCNNResNet50,
    RetinaNet,
    SSDLite,
)
from device_sw.detector.families.backbone_sizes import ResidualSizes
from device_sw.detector.families.registry import build


def _anchors(levels):
    return tuple(((8.0 * 2**level, 6.0 * 2**level), (6.0 * 2**level, 11.0 * 2**level)) for level in range(levels))


COMMON = {"classes": 2, "input_size": 96, "score_floor": 0.002}
TWO_STAGE = {"norm": "group", "pyramid": 16, "box_head": 16, "proposals_train": 40, "proposals_test": 20}
BACKBONE = ResidualSizes(widths=(8, 16, 16, 16, 16), blocks=1)

SMALL_ARCHITECTURES = {
    made.family: made
    for made in (
        FasterRCNNMobileNet(**COMMON, **TWO_STAGE, anchors=_anchors(3)),
        FasterRCNNResNet50(**COMMON, **TWO_STAGE, anchors=_anchors(4)),
        RetinaNet(**COMMON, backbone=BACKBONE, pyramid=16, anchors=_anchors(3)),
        FCOS(**COMMON, backbone=BACKBONE, pyramid=16),
        SSD(**COMMON, widths=(8, 8, 16, 16, 16, 16), convolutions=1, anchors=_anchors(4)),
        SSDLite(**COMMON, norm="group", anchors=_anchors(4)),
        YOLO(**COMMON, widths=(8, 16, 32, 32, 32), blocks=1, anchors=_anchors(3)),
    )
}
"""All families but the canonical one, which the fixtures of this folder have."""


def undecided(architecture):
    """Return the network with the weights that PyTorch's own rule draws, from a fixed seed."""
    torch.manual_seed(3)
    return build(architecture)
