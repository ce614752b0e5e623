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

from device_sw.detector.architecture import Architecture, FasterRCNNSmall
from device_sw.detector.families import faster_rcnn_small

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn


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

FAMILIES: Mapping[type[Architecture], Family] = MappingProxyType(
    {FasterRCNNSmall: Family(faster_rcnn_small.build, TWO_STAGE_LOSSES, TWO_STAGE_SPREADS)}
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
