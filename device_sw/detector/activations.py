"""How an explanation reaches a detector: its features by level, the place in them that one detection was read from, and its score as a function of them.

A score is explained as its log odds, ``ln(p / (1 - p))``: the score is a strictly growing function of it, and its gradient does not die where the score
is near 0 or 1. What a detection was read from is found again by its box and its score, so that only a detection that this network makes can be explained:
one that it does not make, for whatever reason, has no target, and so no map.

Two-stage detectors read a detection from one region proposal, pooled from one level of the feature pyramid. Pooling acts on each channel alone, so that a
channel taken out of the pooled region is a channel taken out of the pyramid. One-stage detectors read it from one cell of one level; the head sees a window
around that cell as wide as its convolutions reach, or the whole level where the head normalises over it.

Source: Ren et al. 2015 (arXiv:1506.01497), Lin et al. 2017 (arXiv:1612.03144, arXiv:1708.02002), Liu et al. 2016 (arXiv:1512.02325), Tian et al. 2019 (arXiv:1904.01355).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection import FCOS, FasterRCNN, RetinaNet
from torchvision.models.detection.ssd import SSD
from torchvision.ops import clip_boxes_to_image

from device_sw.detector.eager import eager_network
from device_sw.detector.families.yolo import Yolo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchvision.models.detection.image_list import ImageList

    from device_sw.detector.bundle import Bundle

_WHOLE_LEVEL = 1 << 20
"""The reach of a head whose normalisation looks at the whole level, cells."""

_NORMALISES_OVER_CELLS = (nn.GroupNorm, nn.InstanceNorm2d, nn.LayerNorm, nn.LocalResponseNorm)


@dataclass(frozen=True, slots=True)
class Sought:
    """A detection as the engine gave it: class index, box (x0, y0, x1, y1) in pixels of the network input, score in [0, 1]."""

    label: int
    box: tuple[float, float, float, float]
    score: float


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much the detection may differ from the network's own: box edges in pixels of the network input, and score."""

    box: float
    score: float


@dataclass(frozen=True, slots=True)
class Target:
    """What one detection was read from: a level of the features, counted from the finest, and the class index."""

    level: int
    label: int


@dataclass(frozen=True, slots=True)
class RegionTarget(Target):
    """A region proposal (x0, y0, x1, y1), pixels of the tensor the features were made from."""

    proposal: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class CellTarget(Target):
    """A cell of the level, and which of its anchors."""

    row: int
    column: int
    anchor: int


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A film as the network saw it.

    Attributes:
        levels: (1, C, h, w) features by level, finest first.
        images: the normalised, resized and padded input they were made from.
        input_size: (height, width) of the input before that.
    """

    levels: OrderedDict[str, Tensor]
    images: ImageList
    input_size: tuple[int, int]

    def level(self, target: Target) -> Tensor:
        """Return the (1, C, h, w) features of the target's level."""
        return list(self.levels.values())[target.level]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Everything the network answers before it sorts: (n, K, 4) boxes in pixels of the network input and (n, K) scores, K classes by label."""

    boxes: Tensor
    scores: Tensor


AnyTarget = TypeVar("AnyTarget", bound=Target)


class Explainable(Protocol[AnyTarget]):
    """A detector that explanations can look into."""

    @property
    def network(self) -> nn.Module:
        """The network itself, in evaluation mode."""

    def read(self, pixels: Tensor) -> Reading:
        """Return the features of (channels, H, W) pixels in [0, 1]; gradients reach the pixels where they ask for them."""

    def targets(
        self, reading: Reading, sought: Sequence[Sought], extent: tuple[float, float], tolerance: Tolerance
    ) -> tuple[AnyTarget | None, ...]:
        """Return for each detection what it was read from, or None where this network does not make it within the tolerance.

        Args:
            reading: the film.
            sought: the detections.
            extent: (width, height) of the film in the network input; boxes are compared inside it.
            tolerance: the largest differences.
        """

    def seen(self, reading: Reading, target: AnyTarget) -> Tensor:
        """Return what the head sees of the target: (1, C, h, w), each channel a linear function of that channel of the target's level alone."""

    def place(self, reading: Reading, target: AnyTarget) -> tuple[float, float, float, float]:
        """Return the rectangle (x0, y0, x1, y1) of the network input, in its pixels, that `seen` covers."""

    def log_odds(self, seen: Tensor, target: AnyTarget) -> Tensor:
        """Return the log odds (B,) of the target's class for (B, C, h, w) variants of what the head sees."""


def explainable(network: nn.Module) -> Explainable[Any]:
    """Return the way into a detector of a known family: Faster R-CNN, RetinaNet, FCOS, SSD, SSDlite, YOLO; it is put into evaluation mode, its weights frozen.

    Raises:
        TypeError: another kind of network.
    """
    families = ((FasterRCNN, TwoStage), (FCOS, CentreHead), (RetinaNet, AnchorHead), (SSD, LevelHeads), (Yolo, ObjectHeads))
    for family, way in families:
        if isinstance(network, family):
            made: Explainable[Any] = way(network.eval().requires_grad_(requires_grad=False))
            return made
    raise TypeError(f"no way to look into a {type(network).__name__}")


def of_bundle(bundle: Bundle) -> Explainable[Any]:
    """Return the way into the eager network of a verified bundle, whatever engine detects with it.

    Raises:
        BundleError: BND-WEIGHTS, the weights do not fit the architecture.
    """
    return explainable(eager_network(bundle))


def _odds_of_softmax(logits: Tensor, label: int) -> Tensor:
    """Return ``l_c - ln(sum of exp l_k, k != c)`` for (B, K) logits: the log odds of the softmax score.

    >>> _odds_of_softmax(torch.tensor([[0.0, 0.0, 0.0]]), 1).exp().item()
    0.5
    """
    others = torch.cat([logits[:, :label], logits[:, label + 1 :]], dim=1)
    return logits[:, label] - torch.logsumexp(others, dim=1)


def _odds_of_mean(first: Tensor, second: Tensor) -> Tensor:
    """Return the log odds of the geometric mean of two sigmoids.

    >>> _odds_of_mean(torch.tensor(0.0), torch.tensor(0.0)).item()
    0.0
    """
    return _odds_of(0.5 * (functional.logsigmoid(first) + functional.logsigmoid(second)))


def _odds_of_product(first: Tensor, second: Tensor) -> Tensor:
    """Return the log odds of the product of two sigmoids.

    >>> round(_odds_of_product(torch.tensor(0.0), torch.tensor(0.0)).exp().item(), 6)
    0.333333
    """
    return _odds_of(functional.logsigmoid(first) + functional.logsigmoid(second))


def _odds_of(log_score: Tensor) -> Tensor:
    """Return ``ln(p / (1 - p))`` of ln p."""
    return log_score - torch.log(-torch.expm1(log_score))


class _Family:
    """What all families share: the way in, and finding a detection again."""

    def __init__(self, network: Any) -> None:
        self._network = network

    @property
    def network(self) -> nn.Module:
        """The network itself, in evaluation mode."""
        module: nn.Module = self._network
        return module

    def read(self, pixels: Tensor) -> Reading:
        """Return the features of (channels, H, W) pixels."""
        images, _ = self._network.transform([pixels])
        features = self._network.backbone(images.tensors)
        levels = OrderedDict([("0", features)]) if isinstance(features, Tensor) else OrderedDict(features)
        return Reading(levels, images, (pixels.shape[-2], pixels.shape[-1]))

    def _in_input(self, boxes: Tensor, reading: Reading) -> Tensor:
        """Clip boxes to the picture and scale them to pixels of the network input."""
        scale = torch.tensor(_scale_to_input(reading)).repeat(2)
        clipped: Tensor = clip_boxes_to_image(boxes, reading.images.image_sizes[0])
        return clipped * scale


def _scale_to_input(reading: Reading) -> tuple[float, float]:
    """Return pixels of the network input per pixel of what the network made of it, across and down."""
    height, width = reading.images.image_sizes[0]
    return (reading.input_size[1] / width, reading.input_size[0] / height)


def _in_pixels(edges: tuple[float, float, float, float], scale: tuple[float, float]) -> tuple[float, float, float, float]:
    return (edges[0] * scale[0], edges[1] * scale[1], edges[2] * scale[0], edges[3] * scale[1])


def _found(answers: Answers, sought: Sought, extent: tuple[float, float], tolerance: Tolerance) -> int | None:
    """Return which answer the detection is: within the tolerance, the one with the nearest box."""
    limit = torch.tensor(extent).repeat(2)
    boxes = torch.minimum(answers.boxes[:, sought.label].clamp_min(0.0), limit)
    off = (boxes - torch.tensor(sought.box)).abs().amax(dim=1)
    score_off = (answers.scores[:, sought.label] - sought.score).abs()
    fits = (off <= tolerance.box) & (score_off <= tolerance.score)
    if not bool(fits.any()):
        return None
    return int(torch.where(fits, off, torch.inf).argmin())


class TwoStage(_Family):
    """Faster R-CNN with any backbone and any number of levels: a detection is the head's answer to one pooled region proposal."""

    def targets(
        self, reading: Reading, sought: Sequence[Sought], extent: tuple[float, float], tolerance: Tolerance
    ) -> tuple[RegionTarget | None, ...]:
        """Return the region proposal that gives each detection."""
        with torch.no_grad():
            proposals, _ = self._network.rpn(reading.images, reading.levels, None)
            answers = self._answers(reading, proposals)
        found = [_found(answers, one, extent, tolerance) for one in sought]
        return tuple(
            None if index is None else self._target(reading, proposals[0][index], one.label)
            for index, one in zip(found, sought, strict=True)
        )

    def _answers(self, reading: Reading, proposals: list[Tensor]) -> Answers:
        heads = self._network.roi_heads
        pooled = heads.box_roi_pool(reading.levels, proposals, reading.images.image_sizes)
        logits, offsets = heads.box_predictor(heads.box_head(pooled))
        boxes = heads.box_coder.decode(offsets, proposals)
        return Answers(self._in_input(boxes.reshape(-1, 4), reading).reshape(boxes.shape), logits.softmax(dim=1))

    def _target(self, reading: Reading, proposal: Tensor, label: int) -> RegionTarget:
        pool = self._network.roi_heads.box_roi_pool
        pooled = [number for number, name in enumerate(reading.levels) if name in pool.featmap_names]
        level = int(pool.map_levels([proposal[None]])[0]) if len(pooled) > 1 else 0
        x0, y0, x1, y1 = proposal.tolist()
        return RegionTarget(pooled[level], label, (x0, y0, x1, y1))

    def seen(self, reading: Reading, target: RegionTarget) -> Tensor:
        """Return the pooled region (1, C, 7, 7)."""
        proposal = torch.tensor([target.proposal], dtype=reading.images.tensors.dtype)
        pooled: Tensor = self._network.roi_heads.box_roi_pool(reading.levels, [proposal], reading.images.image_sizes)
        return pooled

    def place(self, reading: Reading, target: RegionTarget) -> tuple[float, float, float, float]:
        """Return the region proposal in pixels of the network input."""
        return _in_pixels(target.proposal, _scale_to_input(reading))

    def log_odds(self, seen: Tensor, target: RegionTarget) -> Tensor:
        """Return the log odds of the class for variants of the pooled region."""
        heads = self._network.roi_heads
        logits, _ = heads.box_predictor(heads.box_head(seen))
        return _odds_of_softmax(logits, target.label)


class _OneStage(_Family):
    """A detection is the head's answer at one anchor of one cell of one level."""

    def targets(
        self, reading: Reading, sought: Sequence[Sought], extent: tuple[float, float], tolerance: Tolerance
    ) -> tuple[CellTarget | None, ...]:
        """Return the cell and the anchor that give each detection."""
        with torch.no_grad():
            answers = self._answers(reading)
        count = answers.scores.shape[0]
        found = [_found(answers, one, extent, tolerance) for one in sought]
        return tuple(
            None if index is None else self._cell(index, count, reading, one.label)
            for index, one in zip(found, sought, strict=True)
        )

    def _answers(self, reading: Reading) -> Answers:
        levels = list(reading.levels.values())
        outputs = self._network.head(levels)
        anchors = self._network.anchor_generator(reading.images, levels)[0]
        boxes = self._in_input(self._decoded(outputs["bbox_regression"][0], anchors), reading)
        scores = self._scores(outputs)
        return Answers(boxes[:, None].expand(-1, scores.shape[1], -1), scores)

    def _decoded(self, offsets: Tensor, anchors: Tensor) -> Tensor:
        boxes: Tensor = self._network.box_coder.decode_single(offsets, anchors)
        return boxes

    def _scores(self, outputs: dict[str, Tensor]) -> Tensor:
        return outputs["cls_logits"][0].sigmoid()

    def _cell(self, index: int, count: int, reading: Reading, label: int) -> CellTarget:
        """Answers stand level by level, row by row, anchor by anchor (torchvision's order)."""
        each = self._anchors(reading, count)
        for level, (anchors, features) in enumerate(zip(each, reading.levels.values(), strict=True)):
            height, width = features.shape[-2:]
            if index < height * width * anchors:
                place, anchor = divmod(index, anchors)
                return CellTarget(level, label, *divmod(place, width), anchor)
            index -= height * width * anchors
        raise AssertionError("an answer beyond the last level")

    def _anchors(self, reading: Reading, count: int) -> list[int]:
        """Return how many anchors a cell has, level by level."""
        cells = sum(features.shape[-2] * features.shape[-1] for features in reading.levels.values())
        return [count // cells] * len(reading.levels)

    def seen(self, reading: Reading, target: CellTarget) -> Tensor:
        """Return the window of the level that the head's answer at the cell depends on."""
        top, left, bottom, right = self._window(reading, target)
        return reading.level(target)[:, :, top:bottom, left:right]

    def place(self, reading: Reading, target: CellTarget) -> tuple[float, float, float, float]:
        """Return the window in pixels of the network input."""
        top, left, bottom, right = self._window(reading, target)
        height, width = reading.level(target).shape[-2:]
        cell = (reading.images.tensors.shape[-1] / width, reading.images.tensors.shape[-2] / height)
        scale = _scale_to_input(reading)
        return _in_pixels((left, top, right, bottom), (cell[0] * scale[0], cell[1] * scale[1]))

    def _window(self, reading: Reading, target: CellTarget) -> tuple[int, int, int, int]:
        """Return the first row and column and the end of rows and columns of what the head sees."""
        reach = self._reach(target)
        height, width = reading.level(target).shape[-2:]
        top, left = max(0, target.row - reach), max(0, target.column - reach)
        return (top, left, min(height, target.row + reach + 1), min(width, target.column + reach + 1))

    def _at_cell(self, answers: Tensor, seen: Tensor, target: CellTarget) -> Tensor:
        """Return (B, K) of the cell's anchor from (B, h * w * A, K) of the window."""
        reach = self._reach(target)
        height, width = seen.shape[-2:]
        grid = answers.reshape(seen.shape[0], height, width, -1, answers.shape[-1])
        return grid[:, min(target.row, reach), min(target.column, reach), target.anchor]

    def _reach(self, target: CellTarget) -> int:
        return max(_reach(head) for head in self._heads(target))

    def _heads(self, target: CellTarget) -> list[nn.Module]:  # noqa: ARG002 - a family with one head for each level asks for the target
        return [self._network.head.classification_head]


def _reach(head: nn.Module) -> int:
    """Return how many cells away a head's answer can depend on, at most: half the kernels of its convolutions, summed.

    >>> _reach(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.ReLU(), nn.Conv2d(1, 1, 5, padding=2), nn.Conv2d(1, 1, 1)))
    3
    """
    if any(isinstance(module, _NORMALISES_OVER_CELLS) for module in head.modules()):
        return _WHOLE_LEVEL
    convolutions = [module for module in head.modules() if isinstance(module, nn.Conv2d)]
    return sum((module.kernel_size[0] // 2) * module.dilation[0] for module in convolutions)


class AnchorHead(_OneStage):
    """RetinaNet: one head for all levels, a sigmoid for each class."""

    def log_odds(self, seen: Tensor, target: CellTarget) -> Tensor:
        """Return the log odds of the class: its logit."""
        logits = self._network.head.classification_head([seen])
        return self._at_cell(logits, seen, target)[:, target.label]


class CentreHead(_OneStage):
    """FCOS: no anchors; the score is the geometric mean of class and centre-ness."""

    def _decoded(self, offsets: Tensor, anchors: Tensor) -> Tensor:
        boxes: Tensor = self._network.box_coder.decode(offsets, anchors)
        return boxes

    def _scores(self, outputs: dict[str, Tensor]) -> Tensor:
        return (outputs["cls_logits"][0].sigmoid() * outputs["bbox_ctrness"][0].sigmoid()).sqrt()

    def _heads(self, target: CellTarget) -> list[nn.Module]:  # noqa: ARG002 - see _OneStage
        return [self._network.head.classification_head, self._network.head.regression_head]

    def log_odds(self, seen: Tensor, target: CellTarget) -> Tensor:
        """Return the log odds of the mean of class and centre-ness."""
        logits = self._network.head.classification_head([seen])
        _, centre = self._network.head.regression_head([seen])
        first = self._at_cell(logits, seen, target)[:, target.label]
        return _odds_of_mean(first, self._at_cell(centre, seen, target)[:, 0])


class LevelHeads(_OneStage):
    """SSD and SSDlite: a head for each level, softmax over classes with the background first."""

    def _scores(self, outputs: dict[str, Tensor]) -> Tensor:
        return outputs["cls_logits"][0].softmax(dim=1)

    def _anchors(self, reading: Reading, count: int) -> list[int]:  # noqa: ARG002 - the number differs from level to level here
        return list(self._network.anchor_generator.num_anchors_per_location())

    def _heads(self, target: CellTarget) -> list[nn.Module]:
        return [self._network.head.classification_head.module_list[target.level]]

    def log_odds(self, seen: Tensor, target: CellTarget) -> Tensor:
        """Return the log odds of the class under the softmax."""
        head = self._network.head.classification_head
        answers = self._heads(target)[0](seen)
        variants, _, height, width = answers.shape
        anchors = answers.view(variants, -1, head.num_columns, height, width).permute(0, 3, 4, 1, 2)
        return _odds_of_softmax(self._at_cell(anchors.reshape(variants, -1, head.num_columns), seen, target), target.label)


class ObjectHeads(_OneStage):
    """YOLO: a head for each level; the score is the product of objectness and class, and answers are boxes around the cell."""

    def _answers(self, reading: Reading) -> Answers:
        levels = list(reading.levels.values())
        outputs = self._network.head(levels)
        anchored = self._network.anchored(reading.images, levels)
        boxes = self._in_input(self._network.decoded(outputs["bbox_regression"][0], anchored), reading)
        scores = self._network.scores(outputs, 0)
        return Answers(boxes[:, None].expand(-1, scores.shape[1], -1), scores)

    def _heads(self, target: CellTarget) -> list[nn.Module]:
        return [self._network.head.hidden[target.level]]

    def _anchors(self, reading: Reading, count: int) -> list[int]:  # noqa: ARG002 - the number may differ from level to level here
        return list(self._network.anchor_generator.num_anchors_per_location())

    def log_odds(self, seen: Tensor, target: CellTarget) -> Tensor:
        """Return the log odds of the product of objectness and class."""
        answers = self._network.head.at_level(target.level, seen)
        objectness = self._at_cell(answers["objectness"], seen, target)[:, 0]
        return _odds_of_product(objectness, self._at_cell(answers["findings"], seen, target)[:, target.label - 1])
