"""Every detector family in PyTorch: how its network is built, what its training minimises, and how its first weights differ from the rule.

The network of any family is a module with torchvision's detection interface, and with it everything else is said:

* trained: in training mode ``network(images, targets)`` returns the family's losses by name, `Family.losses`; their sum in that order is minimised;
* used: in evaluation mode ``network(images)`` returns for each film ``boxes`` (n, 4) in network pixels, ``labels`` (n,) from 1 and ``scores`` (n,) in [0, 1];
* explained: `device_sw.detector.activations.explainable` looks into it;
* packaged: its ``state_dict`` and its architecture make it again, number by number.

No network normalises over a batch: the result of one film must not depend on its neighbours, in training as in use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from device_sw.detector import architecture as numbers
from device_sw.detector.families import faster_rcnn_pyramid, faster_rcnn_small, fcos, retinanet, ssd, yolo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from device_sw.detector.architecture import Architecture


@dataclass(frozen=True, slots=True)
class Family:
    """What training and use need to know of a detector family.

    Attributes:
        build: architecture -> network, its weights undefined: the caller loads or initialises every one of them.
        losses: name of each loss -> what it is, in words; the order is the order of their sum.
        spreads: layer -> standard deviation of its first weights, where it is not that of He et al. 2015: output layers start undecided.
        priors: layer -> probability that its first biases say, where they are not 0 (Lin et al. 2017, arXiv:1708.02002, section 4.1).
    """

    build: Callable[[Any], nn.Module]
    losses: Mapping[str, str]
    spreads: Mapping[str, float] = field(default_factory=dict)
    priors: Mapping[str, float] = field(default_factory=dict)


TWO_STAGE_LOSSES = MappingProxyType(
    {
        "loss_objectness": "proposal: finding or not",
        "loss_rpn_box_reg": "proposal: box",
        "loss_classifier": "which finding",
        "loss_box_reg": "finding: box",
    }
)
"""The four losses of Faster R-CNN, as torchvision names them."""

TWO_STAGE_SPREADS = MappingProxyType(
    {
        "rpn.head.cls_logits": 0.01,
        "rpn.head.bbox_pred": 0.01,
        "roi_heads.box_predictor.cls_score": 0.01,
        "roi_heads.box_predictor.bbox_pred": 0.001,
    }
)
"""Output layers of Faster R-CNN start near zero, so that the first losses are those of an undecided network (Ren et al. 2015)."""

ONE_STAGE_LOSSES = MappingProxyType({"classification": "which finding", "bbox_regression": "box"})
"""The losses of RetinaNet and SSD, as torchvision names them."""

UNDECIDED = 0.01
"""How probable a finding is at an anchor before anything was learned; also the spread of output layers."""

_LEVELS = range(4)
_SSD_OUTPUTS = {
    f"head.{kind}_head.module_list.{level}": UNDECIDED for kind in ("classification", "regression") for level in _LEVELS
}
_LITE_OUTPUTS = {f"{name}.1": spread for name, spread in _SSD_OUTPUTS.items()}
_RETINA_OUTPUTS = {"head.classification_head.cls_logits": UNDECIDED, "head.regression_head.bbox_reg": UNDECIDED}
_RETINA_PRIORS = {"head.classification_head.cls_logits": UNDECIDED}
_YOLO_OUTPUTS = {f"head.outputs.{level}.{name}": UNDECIDED for level in _LEVELS for name in ("box", "objectness", "findings")}
_YOLO_PRIORS = {f"head.outputs.{level}.objectness": UNDECIDED for level in _LEVELS}

FAMILIES: Mapping[type[Architecture], Family] = MappingProxyType(
    {
        numbers.FasterRCNNSmall: Family(faster_rcnn_small.build, TWO_STAGE_LOSSES, TWO_STAGE_SPREADS),
        numbers.FasterRCNNMobileNet: Family(faster_rcnn_pyramid.build, TWO_STAGE_LOSSES, TWO_STAGE_SPREADS),
        numbers.FasterRCNNResNet50: Family(faster_rcnn_pyramid.build, TWO_STAGE_LOSSES, TWO_STAGE_SPREADS),
        numbers.RetinaNet: Family(retinanet.build, ONE_STAGE_LOSSES, _RETINA_OUTPUTS, _RETINA_PRIORS),
        numbers.FCOS: Family(
            fcos.build,
            MappingProxyType({**ONE_STAGE_LOSSES, "bbox_ctrness": "nearness to the centre"}),
            {**_RETINA_OUTPUTS, "head.regression_head.bbox_ctrness": UNDECIDED},
            _RETINA_PRIORS,
        ),
        numbers.SSD: Family(ssd.build, ONE_STAGE_LOSSES, _SSD_OUTPUTS),
        numbers.SSDLite: Family(ssd.build_lite, ONE_STAGE_LOSSES, _LITE_OUTPUTS),
        numbers.YOLO: Family(
            yolo.build,
            MappingProxyType({"loss_box": "box", "loss_objectness": "finding or not", "loss_classifier": "which finding"}),
            _YOLO_OUTPUTS,
            _YOLO_PRIORS,
        ),
    }
)
"""Every family by the class of its architecture."""


def family_of(architecture: Architecture) -> Family:
    """Return the family that an architecture belongs to."""
    return FAMILIES[type(architecture)]


def build(architecture: Architecture) -> nn.Module:
    """Build the network of any family, its weights undefined: the caller loads or initialises every one of them.

    Input is a list of (1, S, S) float32 tensors in [0, 1].
    """
    return family_of(architecture).build(architecture)
