"""Focal loss for the box classifier: what the network already tells apart counts little, so that the rare and the hard are learned.

Most of a film's proposals are plain background. With ``p`` the probability of a proposal's true class the loss is

    FL = mean of  -(1 - p)^gamma log p

and gamma = 0 is cross entropy. It replaces the classifier's loss of the two-stage networks (those with region proposals). RetinaNet and FCOS are built on
focal loss of their own; SSD and YOLO choose hard negatives or weigh background instead.

Source: Lin et al. 2017, Focal Loss for Dense Object Detection (arXiv:1708.02002), equation 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor, nn


def focal_loss(logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
    """Return the mean focal loss.

    Args:
        logits: (n, classes) float32.
        labels: (n,) int64, the true class of each.
        gamma: at least 0.

    >>> even = torch.zeros(1, 2)
    >>> [round(float(focal_loss(even, torch.tensor([1]), gamma)), 4) for gamma in (0.0, 2.0)]
    [0.6931, 0.1733]
    """
    log_p = functional.log_softmax(logits, dim=1).gather(1, labels[:, None])[:, 0]
    return -((1.0 - log_p.exp()) ** gamma * log_p).mean()


def require_box_classifier(network: nn.Module, gamma: float) -> None:
    """Refuse a network that has no classifier of region proposals.

    Raises:
        ValueError: with what to do instead.
    """
    if not hasattr(network, "roi_heads"):
        raise ValueError(
            f"train.focal_gamma is {gamma}, but {type(network).__name__} has no classifier of region proposals; "
            "set it to 0 (RetinaNet and FCOS have focal loss of their own)"
        )


def use_focal_loss(network: nn.Module, gamma: float) -> None:
    """Let the network return the focal loss under ``loss_classifier`` while it trains; inference does not change.

    Raises:
        ValueError: the network has no box classifier on region proposals.
    """
    require_box_classifier(network, gamma)
    heads: Any = network.roi_heads
    seen: dict[str, Any] = {}
    choose = heads.select_training_samples

    def chosen(*arguments: Any) -> Any:
        samples = choose(*arguments)
        seen["labels"] = torch.cat(samples[2])
        return samples

    def classified(_module: Any, _inputs: Any, outputs: Any) -> None:
        seen["logits"] = outputs[0]

    def replaced(module: Any, _inputs: Any, outputs: Any) -> Any:
        detections, losses = outputs
        return (
            (detections, {**losses, "loss_classifier": focal_loss(seen["logits"], seen["labels"], gamma)})
            if module.training
            else outputs
        )

    heads.select_training_samples = chosen
    heads.box_predictor.register_forward_hook(classified)
    heads.register_forward_hook(replaced)
