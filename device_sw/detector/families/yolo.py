"""A one-stage detector in the manner of YOLOv3, written here: residual backbone, a feature pyramid that joins levels by concatenation, three levels of anchors.

Each anchor of each cell answers an objectness, a logit for each finding and four numbers t for its box. With the cell's centre c and size s and the
anchor's size a the box has centre ``c + (sigmoid(t) - 1/2) s`` and size ``a exp(t)``; its score for a finding is the product of two sigmoids.

One anchor answers for a true box: of all levels the one whose shape fits best, in the cell where the box's centre lies. What else overlaps a true box
by more than one half is not held against the network. What differs from the paper: group normalisation, the loss is divided by the number of true boxes.

Source: Redmon and Farhadi 2018, YOLOv3 (arXiv:1804.02767); Redmon and Farhadi 2017 (arXiv:1612.08242).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import batched_nms, box_iou, clip_boxes_to_image

from device_sw.detector.families.anchors import CentredAnchors
from device_sw.detector.families.backbones import group_norm
from device_sw.detector.families.limits import CANDIDATES, GREY, MOST_BOXES
from device_sw.detector.families.local_contrast import with_local_contrast
from device_sw.detector.families.residual import ResidualBody
from device_sw.detector.families.sigmoid_scores import with_empty_column

if TYPE_CHECKING:
    from torchvision.models.detection.image_list import ImageList

    from device_sw.detector import architecture as numbers

_NOT_COUNTED = 0.5
"""A background box that overlaps a true one by more is no mistake."""

_GROWTH = log(1000.0 / 16.0)
"""A box grows by at most this factor's logarithm from its anchor."""

_BACKGROUND_WEIGHT = 0.5
_SLOPE = 0.1
_OBJECT, _BOX = 1, 4


def _convolution(inputs: int, outputs: int, side: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, side, 1, side // 2, bias=False), group_norm(outputs), nn.LeakyReLU(_SLOPE))


def _five(inputs: int, width: int) -> nn.Sequential:
    """Return five convolutions, 1x1 and 3x3 in turn, that end in ``width`` channels."""
    parts = [_convolution(inputs, width, 1)]
    for _ in range(2):
        parts += [_convolution(width, 2 * width, 3), _convolution(2 * width, width, 1)]
    return nn.Sequential(*parts)


class ConcatenationPyramid(nn.Module):
    """Residual backbone with levels at strides 8, 16 and 32, joined from the coarsest to the finest by concatenation."""

    def __init__(self, architecture: numbers.YOLO) -> None:
        """Build backbone and pyramid; a level's width is half the backbone's there."""
        super().__init__()
        self.body = ResidualBody(architecture.widths, architecture.blocks, architecture.strides)
        own = self.body.out_channels
        self.out_channels = [channels // 2 for channels in own]
        above = [*self.out_channels[1:], 0]
        self.joined = nn.ModuleList(_five(own[i] + above[i] // 2, self.out_channels[i]) for i in range(len(own)))
        self.lifted = nn.ModuleList(_convolution(width, width // 2, 1) for width in self.out_channels[1:])

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Map (N, 1, H, W) to the pyramid's levels, finest first."""
        levels = self.body(with_local_contrast(x))
        names = list(levels)
        made: list[Tensor] = []
        for index in reversed(range(len(names))):
            own = levels[names[index]]
            if made:
                above = functional.interpolate(self.lifted[index](made[-1]), size=own.shape[-2:], mode="nearest")
                own = torch.cat([above, own], dim=1)
            made.append(self.joined[index](own))
        return OrderedDict(zip(names, reversed(made), strict=True))


class YoloHead(nn.Module):
    """A 3x3 and a 1x1 convolution for each level."""

    def __init__(self, widths: list[int], anchors: list[int], classes: int) -> None:
        """Build; outputs of an anchor are its box, its objectness, its findings."""
        super().__init__()
        self.hidden = nn.ModuleList(nn.Conv2d(width, 2 * width, 3, 1, 1) for width in widths)
        self.outputs = nn.ModuleList(
            nn.ModuleDict(
                {
                    "box": nn.Conv2d(2 * width, _BOX * count, 1),
                    "objectness": nn.Conv2d(2 * width, _OBJECT * count, 1),
                    "findings": nn.Conv2d(2 * width, classes * count, 1),
                }
            )
            for width, count in zip(widths, anchors, strict=True)
        )
        self._anchors = anchors

    def at_level(self, level: int, features: Tensor) -> dict[str, Tensor]:
        """Return the answers of one level: box (N, h * w * anchors, 4), objectness (.., 1) and findings (.., K), logits."""
        y = functional.leaky_relu(self.hidden[level](features), _SLOPE)
        outputs: Any = self.outputs[level]
        return {name: _rows(layer(y), self._anchors[level]) for name, layer in outputs.items()}

    def forward(self, x: list[Tensor]) -> dict[str, Tensor]:
        """Return the answers of all levels, one after the other; findings with the empty column 0."""
        levels = [self.at_level(number, features) for number, features in enumerate(x)]
        box, objectness, findings = (
            torch.cat([level[name] for level in levels], dim=1) for name in ("box", "objectness", "findings")
        )
        return {"bbox_regression": box, "objectness": objectness, "cls_logits": with_empty_column(findings)}


def _rows(answers: Tensor, anchors: int) -> Tensor:
    """Bring (N, anchors * C, h, w) to (N, h * w * anchors, C): row by row, cell by cell, anchor by anchor."""
    films, channels, height, width = answers.shape
    apart = answers.view(films, anchors, channels // anchors, height, width)
    return apart.permute(0, 3, 4, 1, 2).reshape(films, height * width * anchors, channels // anchors)


@dataclass(frozen=True, slots=True, eq=False)
class Anchored:
    """All anchors of a film, level by level: (n, 4) boxes, and (n, 2) width and height of the cell of each."""

    boxes: Tensor
    cells: Tensor


class Yolo(nn.Module):
    """The detector, with torchvision's interface."""

    def __init__(self, architecture: numbers.YOLO) -> None:
        """Build, weights undefined."""
        super().__init__()
        size = architecture.input_size
        self.transform = GeneralizedRCNNTransform(size, size, **GREY)
        self.backbone = ConcatenationPyramid(architecture)
        counts = [len(level) for level in architecture.anchors]
        self.head = YoloHead(self.backbone.out_channels, counts, architecture.classes)
        self.anchor_generator = CentredAnchors(architecture.anchors)
        self.score_thresh, self.nms_thresh = architecture.score_floor, architecture.nms_iou

    def forward(self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None) -> Any:
        """Return the losses by name while it trains, else for each film boxes, labels and scores."""
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        batch, wanted = self.transform(images, targets)
        levels = list(self.backbone(batch.tensors).values())
        answers = self.head(levels)
        anchored = self.anchored(batch, levels)
        if self.training:
            return self._losses(answers, anchored, wanted)
        found = [self._found(answers, anchored, film, size) for film, size in enumerate(batch.image_sizes)]
        return self.transform.postprocess(found, batch.image_sizes, sizes)

    def anchored(self, batch: ImageList, levels: list[Tensor]) -> Anchored:
        """Return the anchors of a film and their cells."""
        height, width = batch.tensors.shape[-2:]
        counts = self.anchor_generator.num_anchors_per_location()
        cells = [
            torch.tensor([[width / level.shape[-1], height / level.shape[-2]]]).expand(
                level.shape[-2] * level.shape[-1] * count, 2
            )
            for level, count in zip(levels, counts, strict=True)
        ]
        return Anchored(self.anchor_generator(batch, levels)[0], torch.cat(cells))

    @staticmethod
    def decoded(offsets: Tensor, anchored: Anchored) -> Tensor:
        """Return the (n, 4) boxes that (n, 4) answers t mean."""
        middle = (anchored.boxes[:, :2] + anchored.boxes[:, 2:]) / 2 + (offsets[:, :2].sigmoid() - 0.5) * anchored.cells
        half = (anchored.boxes[:, 2:] - anchored.boxes[:, :2]) * offsets[:, 2:].clamp(max=_GROWTH).exp() / 2
        return torch.cat([middle - half, middle + half], dim=1)

    @staticmethod
    def scores(answers: dict[str, Tensor], film: int) -> Tensor:
        """Return (n, K + 1) scores by label; column 0 is 0."""
        return answers["objectness"][film].sigmoid() * answers["cls_logits"][film].sigmoid()

    def _found(self, answers: dict[str, Tensor], anchored: Anchored, film: int, size: tuple[int, int]) -> dict[str, Tensor]:
        boxes = clip_boxes_to_image(self.decoded(answers["bbox_regression"][film], anchored), size)
        scores = self.scores(answers, film)
        rows, labels = torch.where(scores > self.score_thresh)
        best = scores[rows, labels].sort(descending=True, stable=True).indices[:CANDIDATES]
        rows, labels = rows[best], labels[best]
        kept = batched_nms(boxes[rows], scores[rows, labels], labels, self.nms_thresh)[:MOST_BOXES]
        return {"boxes": boxes[rows[kept]], "labels": labels[kept], "scores": scores[rows[kept], labels[kept]]}

    def _losses(self, answers: dict[str, Tensor], anchored: Anchored, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        films = [self._film_losses(answers, anchored, film, target) for film, target in enumerate(targets)]
        return {name: torch.stack([film[name] for film in films]).mean() for name in films[0]}

    def _film_losses(
        self, answers: dict[str, Tensor], anchored: Anchored, film: int, target: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        offsets, objectness = answers["bbox_regression"][film], answers["objectness"][film][:, 0]
        findings = answers["cls_logits"][film][:, 1:]
        boxes, labels = target["boxes"], target["labels"]
        own = responsible(boxes, anchored)
        count = max(1, len(own))
        size = anchored.cells.new_tensor([self.transform.min_size[0], self.transform.max_size])
        return {
            "loss_box": _box_loss(offsets[own], boxes, anchored, own, size) / count,
            "loss_objectness": self._objectness_loss(objectness, offsets, anchored, own, boxes) / count,
            "loss_classifier": functional.binary_cross_entropy_with_logits(
                findings[own], functional.one_hot(labels - 1, findings.shape[1]).to(findings.dtype), reduction="sum"
            )
            / count,
        }

    def _objectness_loss(self, logits: Tensor, offsets: Tensor, anchored: Anchored, own: Tensor, boxes: Tensor) -> Tensor:
        wanted = torch.zeros_like(logits)
        wanted[own] = 1.0
        weight = torch.full_like(logits, _BACKGROUND_WEIGHT)
        if len(boxes):
            overlap = box_iou(self.decoded(offsets.detach(), anchored), boxes).amax(dim=1)
            weight[overlap > _NOT_COUNTED] = 0.0
        weight[own] = 1.0
        return functional.binary_cross_entropy_with_logits(logits, wanted, weight, reduction="sum")


def responsible(boxes: Tensor, anchored: Anchored) -> Tensor:
    """Return for each of (m, 4) true boxes the anchor that answers for it: (m,) indices.

    Of the anchors in whose cell the box's centre lies, one a shape, it is the one whose shape, laid on the same centre, overlaps the box most.
    """
    middle = (anchored.boxes[:, :2] + anchored.boxes[:, 2:]) / 2
    sides = anchored.boxes[:, 2:] - anchored.boxes[:, :2]
    chosen = []
    for box in boxes:
        centre, extent = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
        from_edge = centre - (middle - anchored.cells / 2)
        inside = ((from_edge >= 0) & (from_edge < anchored.cells)).all(dim=1)
        shared = torch.minimum(sides, extent).prod(dim=1)
        fit = shared / (sides.prod(dim=1) + extent.prod() - shared)
        chosen.append(torch.where(inside, fit, -1.0).argmax())
    return torch.stack(chosen) if chosen else torch.zeros(0, dtype=torch.int64)


def _box_loss(offsets: Tensor, boxes: Tensor, anchored: Anchored, own: Tensor, size: Tensor) -> Tensor:
    """Return the summed loss of the boxes' offsets: cross entropy for the centre, squares for the size, small boxes weighing up to twice as much."""
    anchors, cells = anchored.boxes[own], anchored.cells[own]
    middle = (anchors[:, :2] + anchors[:, 2:]) / 2
    place = (((boxes[:, :2] + boxes[:, 2:]) / 2 - middle) / cells + 0.5).clamp(0.0, 1.0)
    extent = boxes[:, 2:] - boxes[:, :2]
    growth = (extent / (anchors[:, 2:] - anchors[:, :2])).log()
    weight = (2.0 - extent.prod(dim=1) / size.prod())[:, None]
    centre = functional.binary_cross_entropy_with_logits(offsets[:, :2], place, weight.expand_as(place), reduction="sum")
    return centre + 0.5 * (weight * (offsets[:, 2:] - growth).square()).sum()


def build(architecture: numbers.YOLO) -> Yolo:
    """Build the network, its weights undefined."""
    return Yolo(architecture)
