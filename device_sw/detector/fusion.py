"""Weighted boxes fusion: several looks at one film become one list of candidates.

Boxes of one finding are taken in falling order of weighted score; each joins the cluster whose fused box it overlaps most, if that is more than the limit,
or begins a cluster. A cluster's box is the mean of its boxes weighted by their scores. Its score is the mean of theirs, times the share of looks that agree:

    box = sum(s_i b_i) / sum(s_i),    score = mean(s_i) * min(n, looks) / sum(w),    s_i = w(look of i) * score_i

So a box on which two of three looks agree keeps two thirds of its score. Fused scores therefore mean something else than one network's, and have a calibration
and operating points of their own in the bundle.

Source: Solovyev, Wang and Gabruseva, "Weighted boxes fusion: Ensembling boxes from different object detection models", Image and Vision Computing 107, 2021
(arXiv:1910.13302); the numbers are those of the authors' package ensemble-boxes 1.0.9 with ``conf_type="avg"``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from device_sw.detector.overlap import iou
from device_sw.types import Box, Detection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_sw.types import FindingId


@dataclass(slots=True)
class _Cluster:
    """Boxes that show one thing, with their weighted scores, and the box they make."""

    boxes: list[Box]
    scores: list[float]
    fused: Box

    def add(self, box: Box, score: float) -> None:
        self.boxes.append(box)
        self.scores.append(score)
        total = sum(self.scores)
        edges = zip(*(one.as_tuple() for one in self.boxes), strict=True)
        self.fused = Box(*(sum(s * e for s, e in zip(self.scores, edge, strict=True)) / total for edge in edges))


def fused(
    looks: Sequence[Sequence[Detection]], weights: Sequence[float], limit: float, findings: Sequence[FindingId]
) -> tuple[Detection, ...]:
    """Return the fused candidates, best score first; equal scores keep finding order, then box order.

    Args:
        looks: the candidates of each look, film coordinates; scores above 0 (others are no evidence and are left out).
        weights: of each look, above 0.
        limit: boxes of one finding that overlap a cluster by more than this IoU join it; in [0, 1).
        findings: in class order.

    Raises:
        ValueError: no look, another number of weights, a weight that is not above 0, or a limit outside [0, 1).

    >>> from device_sw.types import FindingId
    >>> name = FindingId("scoliosis")
    >>> one, other = (Detection(name, Box(x, 0, x + 10, 10), 0.9) for x in (0, 1))
    >>> [both] = fused([[one], [other]], [1, 1], 0.55, [name])
    >>> tuple(round(edge, 9) for edge in both.box.as_tuple()), round(both.score, 9)
    ((0.5, 0.0, 10.5, 10.0), 0.9)
    >>> [round(alone.score, 12) for alone in fused([[one], [], []], [1, 1, 1], 0.55, [name])]
    [0.3]
    """
    _require_usable(looks, weights, limit)
    order = {name: index for index, name in enumerate(findings)}
    found = (row for name in findings for row in _of_finding(looks, weights, limit, name))
    return tuple(sorted(found, key=lambda d: (-d.score, order[d.finding], d.box.as_tuple())))


def _require_usable(looks: Sequence[object], weights: Sequence[float], limit: float) -> None:
    if not looks or len(looks) != len(weights):
        raise ValueError(f"fusion needs at least one look and a weight for each, got {len(looks)} and {len(weights)}")
    if not all(isfinite(weight) and weight > 0.0 for weight in weights) or not 0.0 <= limit < 1.0:
        raise ValueError(f"fusion needs weights above 0 and a limit in [0, 1), got {list(weights)} and {limit}")


def _of_finding(looks: Sequence[Sequence[Detection]], weights: Sequence[float], limit: float, name: FindingId) -> list[Detection]:
    rows = [
        (found.score * weight, place, found.box)
        for place, (look, weight) in enumerate(zip(looks, weights, strict=True))
        for found in look
        if found.finding == name and found.score > 0.0
    ]
    clusters: list[_Cluster] = []
    for score, _, box in sorted(rows, key=lambda row: (-row[0], row[1], row[2].as_tuple())):
        overlaps = [iou(cluster.fused, box) for cluster in clusters]
        if max(overlaps, default=0.0) > limit:
            clusters[overlaps.index(max(overlaps))].add(box, score)
        else:
            clusters.append(_Cluster([box], [score], box))
    return [_detection(cluster, name, len(looks), sum(weights)) for cluster in clusters]


def _detection(cluster: _Cluster, name: FindingId, looks: int, weight: float) -> Detection:
    """Scale the mean score by agreement; several boxes of one look count as so many, but never as more than all looks."""
    count = len(cluster.scores)
    score = sum(cluster.scores) / count * min(count, looks) / weight
    return Detection(name, cluster.fused, min(score, 1.0))
