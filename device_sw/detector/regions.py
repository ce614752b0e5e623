"""The arithmetic of boxes between the network's parts: anchors, region proposals, their level of the pyramid, and the boxes that are answered.

Plain numpy in float32, one function a step, in torchvision's order and with its constants, so that the engine gives what the trained network gives.

Source: Ren et al. 2015 (arXiv:1506.01497), sections 3.1 and 3.3; Lin et al. 2017 (arXiv:1612.03144), equation 1; torchvision 0.29,
`models/detection/rpn.py`, `roi_heads.py`, `_utils.py`, `ops/poolers.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import numpy as np

from device_sw.detector.architecture import PYRAMID_STRIDES
from device_sw.errors import InferenceFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from device_sw.detector.architecture import FasterRCNNSmall
    from device_sw.detector.engine import PyramidMaps, RegionAnswers

    Array = NDArray[np.float32]
    Indices = NDArray[np.intp]

PROPOSAL_IOU = 0.7
"""Two region proposals of one level that overlap more are one."""

DETECTIONS = 50
"""Boxes answered for a film at most."""

_SMALLEST_PROPOSAL, _SMALLEST_BOX = 1e-3, 1e-2
"""Network pixels; what is narrower or lower is dropped."""

_GROWTH = log(1000.0 / 16.0)
"""A box grows by at most this factor's logarithm from its anchor or region."""

_BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
_CANONICAL_SIDE, _CANONICAL_LEVEL, _FINEST_LEVEL = 48.0, 3, 2


@dataclass(frozen=True, slots=True, eq=False)
class Proposals:
    """Region proposals of one film, sorted by pyramid level, finest first: (n, 4) boxes in network pixels each."""

    by_level: tuple[Array, ...]

    @property
    def boxes(self) -> Array:
        """All regions, levels one after the other: (n, 4)."""
        return np.concatenate(self.by_level)


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """The network's boxes of one film, best score first: (n, 4) network pixels, (n,) labels from 1, (n,) scores in [0, 1]."""

    boxes: Array
    labels: NDArray[np.int64]
    scores: Array


def anchor_boxes(shape: FasterRCNNSmall) -> tuple[Array, ...]:
    """Return the anchors of each level, (h * w * anchors, 4) network pixels: row by row, cell by cell, anchor by anchor.

    >>> from device_sw.detector.architecture import FasterRCNNSmall
    >>> levels = (((8.0, 4.0),), ((16.0, 16.0),), ((32.0, 32.0),))
    >>> sizes = dict(widths=(8, 8, 8, 8), blocks=1, pyramid=8, box_head=16, proposals_train=10, proposals_test=5, anchors=levels)
    >>> anchor_boxes(FasterRCNNSmall(classes=1, input_size=32, score_floor=0.05, **sizes))[0][:2].tolist()
    [[-4.0, -2.0, 4.0, 2.0], [0.0, -2.0, 8.0, 2.0]]
    """
    return tuple(
        _level_anchors(side, stride, cell) for side, stride, cell in zip(shape.sides, PYRAMID_STRIDES, shape.anchors, strict=True)
    )


def _level_anchors(side: int, stride: int, cell: Sequence[tuple[float, float]]) -> Array:
    half = np.array(cell, dtype=np.float32) / np.float32(2.0)
    around = np.concatenate([-half, half], axis=1)
    y, x = (grid.ravel() * np.float32(stride) for grid in np.mgrid[0:side, 0:side].astype(np.float32))
    corners = np.stack([x, y, x, y], axis=1)
    boxes: Array = (corners[:, None] + around[None]).reshape(-1, 4)
    return boxes


def require_finite(*arrays: Array) -> None:
    """Stop at the first number that is not finite: no comparison with it is true, and the film would come out as one without findings.

    Raises:
        InferenceFailed: INF-NONFINITE.
    """
    if not all(bool(np.isfinite(array).all()) for array in arrays):
        raise InferenceFailed(
            "INF-NONFINITE",
            where="network",
            found="a number that is not finite",
            expected="finite numbers",
            repair="run `thoratrace self-test`; if it passes, report the input's content hash to the manufacturer",
        )


def proposals(maps: PyramidMaps, anchors: Sequence[Array], shape: FasterRCNNSmall) -> Proposals:
    """Return exactly `proposals_test` regions of the film; where there are fewer, empty regions at the origin stand for the rest.

    Of each level the anchors with the highest logits (twice `proposals_test` of them) are moved by their offsets, clipped to the input, freed of what
    is tiny and of what overlaps a better one; of all levels together the best are kept.
    """
    found = [_level_proposals(*level, shape) for level in zip(maps.objectness, maps.offsets, anchors, strict=True)]
    boxes, logits = (np.concatenate(parts) for parts in zip(*found, strict=True))
    best = np.argsort(-_sigmoid(logits), kind="stable")[: shape.proposals_test]
    kept = np.zeros((shape.proposals_test, 4), dtype=np.float32)
    kept[: len(best)] = boxes[best]
    level = _pyramid_level(kept)
    return Proposals(tuple(kept[level == index] for index in range(len(anchors))))


def _level_proposals(objectness: Array, offsets: Array, anchors: Array, shape: FasterRCNNSmall) -> tuple[Array, Array]:
    """Return boxes and logits of one level, best first."""
    logits = objectness.transpose(1, 2, 0).ravel()
    best = _highest(logits, 2 * shape.proposals_test)
    moves = offsets.reshape(-1, 4, *offsets.shape[1:]).transpose(2, 3, 0, 1).reshape(-1, 4)[best]
    boxes = _clipped(moved(anchors[best], moves, (1.0, 1.0, 1.0, 1.0)), shape.input_size)
    large = _larger_than(boxes, _SMALLEST_PROPOSAL)
    boxes, logits = boxes[large], logits[best][large]
    kept = without_overlaps(boxes, PROPOSAL_IOU)
    return boxes[kept], logits[kept]


def _highest(values: Array, count: int) -> Indices:
    """Return the indices of the highest values, highest first; equal ones in their order.

    >>> _highest(np.float32([1, 3, 2, 3]), 2).tolist(), _highest(np.float32([1, 2]), 5).tolist()
    ([1, 3], [1, 0])
    """
    if count >= len(values):
        return np.argsort(-values, kind="stable")
    least = np.partition(values, len(values) - count)[len(values) - count]
    chosen = np.flatnonzero(values >= least)
    return chosen[np.argsort(-values[chosen], kind="stable")][:count]


def moved(boxes: Array, offsets: Array, weights: tuple[float, float, float, float]) -> Array:
    """Return boxes moved by offsets: centre by ``(dx w, dy h)``, size by ``(exp dw, exp dh)``, each offset divided by its weight first.

    Args:
        boxes: (..., 4).
        offsets: (..., 4), broadcast against the boxes.
        weights: of dx, dy, dw and dh.

    Raises:
        InferenceFailed: INF-NONFINITE, a box is not finite; no box may be dropped for that.

    >>> moved(np.float32([[0, 0, 10, 20]]), np.float32([[0.1, 0, 0, 0]]), (1, 1, 1, 1)).tolist()
    [[1.0, 0.0, 11.0, 20.0]]
    """
    width, height = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    x, y = boxes[..., 0] + np.float32(0.5) * width, boxes[..., 1] + np.float32(0.5) * height
    dx, dy, dw, dh = (offsets[..., i] / np.float32(weight) for i, weight in enumerate(weights))
    limit = np.float32(_GROWTH)
    with np.errstate(over="ignore", invalid="ignore"):
        x, y = dx * width + x, dy * height + y
        half_width = np.float32(0.5) * np.exp(np.minimum(dw, limit)) * width
        half_height = np.float32(0.5) * np.exp(np.minimum(dh, limit)) * height
        made: Array = np.stack([x - half_width, y - half_height, x + half_width, y + half_height], axis=-1)
    require_finite(made)
    return made


def _clipped(boxes: Array, side: int) -> Array:
    return np.clip(boxes, np.float32(0.0), np.float32(side))


def _larger_than(boxes: Array, side: float) -> NDArray[np.bool_]:
    return np.asarray(((boxes[..., 2:] - boxes[..., :2]) >= np.float32(side)).all(axis=-1))


def _sigmoid(logits: Array) -> Array:
    with np.errstate(over="ignore"):
        values: Array = np.float32(1.0) / (np.float32(1.0) + np.exp(-logits))
    return values


def without_overlaps(boxes: Array, limit: float) -> Indices:
    """Return the indices of boxes, given best first, that overlap no better kept one by more than ``limit`` (intersection over union).

    >>> without_overlaps(np.float32([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]]), 0.5).tolist()
    [0, 2]
    """
    over = _overlap(boxes) > np.float32(limit)
    free = np.ones(len(boxes), dtype=np.bool_)
    for index in range(len(boxes)):
        if free[index]:
            free[index + 1 :] &= ~over[index, index + 1 :]
    return np.flatnonzero(free)


def _overlap(boxes: Array) -> Array:
    """Return the intersection over union of every box with every other: (n, n); 0 for two boxes without area."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    x0, y0 = (np.maximum(boxes[:, None, i], boxes[None, :, i]) for i in (0, 1))
    x1, y1 = (np.minimum(boxes[:, None, i], boxes[None, :, i]) for i in (2, 3))
    shared = np.maximum(x1 - x0, np.float32(0.0)) * np.maximum(y1 - y0, np.float32(0.0))
    union = area[:, None] + area[None, :] - shared
    ratio: Array = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0.0)
    return ratio


def _pyramid_level(boxes: Array) -> NDArray[np.int64]:
    """Return the level each region is pooled from, 0 the finest: ``floor(3 + log2(sqrt(area) / 48))`` from 2 to 4, less 2."""
    side = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    with np.errstate(divide="ignore"):
        level = np.floor(_CANONICAL_LEVEL + np.log2(side / np.float32(_CANONICAL_SIDE)) + np.float32(1e-6))
    return np.clip(level, _FINEST_LEVEL, _FINEST_LEVEL + len(PYRAMID_STRIDES) - 1).astype(np.int64) - _FINEST_LEVEL


def answered(answers: RegionAnswers, regions: Array, shape: FasterRCNNSmall) -> Answered:
    """Return the boxes above the score floor that overlap no better one of their finding, at most 50, best first."""
    boxes, labels, scores = _above_floor(answers, regions, shape)
    kept = [
        of_finding[without_overlaps(boxes[of_finding], shape.nms_iou)]
        for label in range(1, shape.classes + 1)
        for of_finding in [np.flatnonzero(labels == label)]
    ]
    chosen = np.concatenate(kept)
    best = chosen[np.argsort(-scores[chosen], kind="stable")][:DETECTIONS]
    return Answered(boxes[best], labels[best], scores[best])


def _above_floor(answers: RegionAnswers, regions: Array, shape: FasterRCNNSmall) -> tuple[Array, NDArray[np.int64], Array]:
    """Return boxes, labels and scores above the floor, best first; empty regions answer nothing."""
    scores = _softmax(answers.logits)[:, 1:]
    offsets = answers.offsets.reshape(len(regions), shape.classes + 1, 4)[:, 1:]
    boxes = _clipped(moved(regions[:, None], offsets, _BOX_WEIGHTS), shape.input_size)
    good = (scores > np.float32(shape.score_floor)) & _larger_than(boxes, _SMALLEST_BOX)
    region, label = np.nonzero(good)
    order = np.argsort(-scores[region, label], kind="stable")
    region, label = region[order], label[order]
    return boxes[region, label], label + 1, scores[region, label]


def _softmax(logits: Array) -> Array:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Array = raised / raised.sum(axis=1, keepdims=True)
    return shares
