"""Matches what a finished network finds on the prepared validation films with their truth: what its scores and its operating points are fitted to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.operating_point import IOU
from pipeline.training.evaluation import truths_of
from validation.metrics.matching import match

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.training.dataset import PreparedSplit
    from validation.metrics.matching import FindingMatches


def matched(
    split: PreparedSplit, detections: list[list[dict[str, Any]]], findings: Sequence[str]
) -> Mapping[str, FindingMatches]:
    """Return the matching of each finding at the IoU from which a mark is right.

    Args:
        split: the prepared films with their truth.
        detections: per film the candidates as JSON values, boxes in network pixels.
        findings: in class order.
    """
    found = {
        film.film_id: {name: [[*row["box"], row["score"]] for row in rows if row["finding"] == name] for name in findings}
        for film, rows in zip(split.films, detections, strict=True)
    }
    return match(truths_of(split.films, findings), found, findings, ious=(IOU,))
