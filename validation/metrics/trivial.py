"""The trivial detector: it has seen where each finding usually lies and never looks at a film.

For every finding it marks the mean box of the training films, in fractions of the film's width and height, with the finding's prevalence among the
training films in which it was looked for as score. A detector that is not clearly better than this has learned anatomy, not findings.
All its scores of one finding tie, so its average precision depends on the order of the films only through the tie rule of `matching`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class MeanBox:
    """What the trivial detector says of one finding.

    Attributes:
        box: mean x0, y0, x1, y1 as fractions of width and height, in [0, 1].
        prevalence: positive training films / training films in which it was looked for; the score.
        boxes: training boxes behind the mean.
    """

    box: tuple[float, float, float, float]
    prevalence: float
    boxes: int


@dataclass(frozen=True, slots=True)
class TrainingFilm:
    """What the trivial detector learns from: a film's size in pixels and the boxes of the findings that were looked for in it."""

    rows: int
    columns: int
    boxes: Mapping[str, Sequence[tuple[float, float, float, float]]]


def fit(films: Sequence[TrainingFilm], findings: Sequence[str]) -> dict[str, MeanBox]:
    """Return the mean box and the prevalence of every finding that has at least one training box.

    >>> film = TrainingFilm(rows=100, columns=200, boxes={"scoliosis": [(0, 0, 100, 50)]})
    >>> fit([film, TrainingFilm(100, 200, {"scoliosis": []})], ["scoliosis"])
    {'scoliosis': MeanBox(box=(0.0, 0.0, 0.5, 0.5), prevalence=0.5, boxes=1)}
    """
    return {finding: mean for finding in findings if (mean := _mean_box(films, finding)) is not None}


def _mean_box(films: Sequence[TrainingFilm], finding: str) -> MeanBox | None:
    looked = [film for film in films if finding in film.boxes]
    scaled = [
        np.array(box, dtype=np.float64) / (film.columns, film.rows, film.columns, film.rows)
        for film in looked
        for box in film.boxes[finding]
    ]
    if not scaled:
        return None
    x0, y0, x1, y1 = (float(edge) for edge in np.mean(scaled, axis=0))
    positive = sum(bool(film.boxes[finding]) for film in looked)
    return MeanBox((x0, y0, x1, y1), positive / len(looked), len(scaled))


def detect(model: Mapping[str, MeanBox], rows: int, columns: int) -> dict[str, list[tuple[float, float, float, float, float]]]:
    """Return its detections on a film of that size: finding -> one row x0, y0, x1, y1, score in film pixels.

    >>> detect({"scoliosis": MeanBox((0.0, 0.0, 0.5, 0.5), 0.25, 1)}, rows=100, columns=200)
    {'scoliosis': [(0.0, 0.0, 100.0, 50.0, 0.25)]}
    """
    return {
        finding: [(mean.box[0] * columns, mean.box[1] * rows, mean.box[2] * columns, mean.box[3] * rows, mean.prevalence)]
        for finding, mean in model.items()
    }
