"""Scores detections on prepared films: the figures of an epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.training.loop import Evaluator, Validation
from validation.metrics.average_precision import summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.training.dataset import PreparedFilm, PreparedSplit


def validation_figures(findings: Sequence[str]) -> Evaluator:
    """Return a function that scores an epoch's raw detections with the metrics of the validation package."""

    def evaluate(split: PreparedSplit, detections: list[dict[str, list[Any]]]) -> Validation:
        found = {film.film_id: _by_finding(rows, findings) for film, rows in zip(split.films, detections, strict=True)}
        figures = summary(truths_of(split.films, findings), found, findings)
        return Validation(
            figures.ap50_macro.value, figures.ar100_macro.value, {name: figures.ap50[name].value for name in findings}
        )

    return evaluate


def truths_of(films: Sequence[PreparedFilm], findings: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return film id -> finding -> (N, 4) true boxes in network pixels."""
    return {
        film.film_id: {name: film.boxes[film.labels == label] for label, name in enumerate(findings, start=1)} for film in films
    }


def _by_finding(rows: dict[str, list[Any]], findings: Sequence[str]) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = {name: [] for name in findings}
    for box, label, score in zip(rows["boxes"], rows["labels"], rows["scores"], strict=True):
        if box[2] > box[0] and box[3] > box[1]:  # an empty box is no detection; the device drops it as well
            found[findings[label - 1]].append([*box, score])
    return found
