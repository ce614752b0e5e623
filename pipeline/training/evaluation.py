"""Scores detections on prepared films: the figures of an epoch, and the operating points of the finished network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.operating_point import best_f1
from pipeline.training.loop import Evaluator, Validation
from validation.metrics.average_precision import summary
from validation.metrics.matching import match

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.training.dataset import PreparedFilm, PreparedSplit

OPERATING_IOU = 0.5


def validation_figures(findings: Sequence[str]) -> Evaluator:
    """Return a function that scores an epoch's raw detections with the metrics of the validation package."""

    def evaluate(split: PreparedSplit, detections: list[dict[str, list[Any]]]) -> Validation:
        found = {film.film_id: _by_finding(rows, findings) for film, rows in zip(split.films, detections, strict=True)}
        figures = summary(_truths(split.films, findings), found, findings)
        return Validation(
            figures.ap50_macro.value, figures.ar100_macro.value, {name: figures.ap50[name].value for name in findings}
        )

    return evaluate


def operating_points(split: PreparedSplit, detections: list[list[dict[str, Any]]], findings: Sequence[str]) -> dict[str, float]:
    """Return the threshold of each finding: largest F1 at IoU 0.5 on these films.

    Args:
        split: the prepared films with their truth.
        detections: per film the candidates as JSON values, boxes in network pixels.
        findings: in class order.
    """
    found = {film.film_id: _rows_by_finding(rows, findings) for film, rows in zip(split.films, detections, strict=True)}
    matched = match(_truths(split.films, findings), found, findings, ious=(OPERATING_IOU,))
    return {name: best_f1(m.scores.tolist(), m.hits_at(OPERATING_IOU).tolist(), m.truth_count) for name, m in matched.items()}


def _truths(films: Sequence[PreparedFilm], findings: Sequence[str]) -> dict[str, dict[str, Any]]:
    return {
        film.film_id: {name: film.boxes[film.labels == label] for label, name in enumerate(findings, start=1)} for film in films
    }


def _by_finding(rows: dict[str, list[Any]], findings: Sequence[str]) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = {name: [] for name in findings}
    for box, label, score in zip(rows["boxes"], rows["labels"], rows["scores"], strict=True):
        if box[2] > box[0] and box[3] > box[1]:  # an empty box is no detection; the device drops it as well
            found[findings[label - 1]].append([*box, score])
    return found


def _rows_by_finding(rows: list[dict[str, Any]], findings: Sequence[str]) -> dict[str, list[list[float]]]:
    return {name: [[*row["box"], row["score"]] for row in rows if row["finding"] == name] for name in findings}
