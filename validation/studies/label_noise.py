"""Which labels deserve a second look: those that a confident device contradicts, and how well that finds labels known to be wrong.

Each label of a film (present with boxes, or absent) has a suspicion in [0, 1]: of an absent finding the best score of a mark; of a present one 1 minus the best
score of a mark on the box least believed, or the best score of a mark away from all its boxes, whichever is larger. "On" means an overlap (IoU) of 0.3.

That this finds wrong labels is tried on labels made wrong: one in twenty, drawn anew many times, a box taken away, a box put where another film has one, or a box
moved by its own width. The area under the ROC curve says how much higher wrong labels rank than the others; the recall says how many lie among as many
of the most suspicious as were made wrong. On the phantom every other label is right, so the list of the most suspicious is a list of the device's errors.

Stated beforehand: area at least 0.85, recall at least 0.5.

Source: Northcutt, Jiang and Chuang, "Confident Learning", JAIR 70, 2021, for detections in the manner of ObjectLab (Tkachenko et al. 2023, arXiv:2309.00832).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from validation.metrics.intervals import percentile_interval
from validation.metrics.matching import pair_iou
from validation.metrics.result import Metric
from validation.studies.goals import Goal
from validation.studies.observation import observed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from validation.cohort import Film
    from validation.predictions import Predictions
    from validation.protocol import Protocol
    from validation.studies.subject import Report, Subject

ON = 0.3
PLANTINGS = 50
ONE_IN = 20
SHOWN = 20
GOALS = (
    Goal("area", "area under the ROC curve of suspicion, labels made wrong against the others", "at-least", 0.85, "SRS-039"),
    Goal("recall", "labels made wrong among as many of the most suspicious", "at-least", 0.5, "SRS-039"),
)
Boxes = tuple[tuple[float, float, float, float], ...]
KINDS = ("box taken away", "box put in", "box moved")


@dataclass(frozen=True, slots=True)
class Label:
    """What the cohort says of one finding in one film, beside what the device marked."""

    film: Film
    finding: str
    boxes: Boxes
    marks: tuple[tuple[float, ...], ...]


def suspicion(boxes: Boxes, marks: Sequence[Sequence[float]]) -> float:
    """Return how much the device's marks (rows x0, y0, x1, y1, score) contradict the boxes of a label.

    >>> suspicion((), [(0, 0, 10, 10, 0.9)])
    0.9
    >>> round(suspicion(((0, 0, 10, 10),), [(0, 0, 10, 10, 0.9)]), 6)
    0.1
    """
    if not boxes:
        return max((mark[4] for mark in marks), default=0.0)
    if not marks:
        return 1.0
    found, truth = np.asarray(marks, dtype=np.float64), np.asarray(boxes, dtype=np.float64)
    overlap = np.stack([pair_iou(np.broadcast_to(box, (len(found), 4)), found[:, :4]) for box in truth]) >= ON
    believed = np.where(overlap, found[:, 4], 0.0).max(axis=1)
    away = np.where(overlap.any(axis=0), 0.0, found[:, 4]).max()
    return float(max(1.0 - believed.min(), away))


def study(subject: Subject, films: Sequence[Film], plan: Protocol, replicates: int, report: Report) -> dict[str, Any]:
    """Return how well labels made wrong are found, by kind, and the most suspicious labels as they are; replicates are the plantings."""
    del replicates
    labels = _labels(films, observed(subject, films, report))
    own = np.array([suspicion(label.boxes, label.marks) for label in labels])
    generator = np.random.Generator(np.random.Philox(plan.seed))
    rounds = [_round(labels, own, generator) for _ in range(PLANTINGS)]
    area, recall = (_over([one[kind] for one in rounds], len(labels)) for kind in ("area", "recall"))
    return {
        "goals": [goal.judged(metric) for goal, metric in zip(GOALS, (area, recall), strict=True)],
        "labels": len(labels),
        "made_wrong_each_time": len(labels) // ONE_IN,
        "plantings": PLANTINGS,
        "area_by_kind": {kind: _over([one["kinds"][kind] for one in rounds], len(labels)).to_json() for kind in KINDS},
        "most_suspicious": [_listed(labels[n], float(own[n])) for n in np.argsort(-own, kind="stable")[:SHOWN]],
    }


def _labels(films: Sequence[Film], found: Predictions) -> list[Label]:
    labels = []
    for film in films:
        answer = found.films[film.film_id]
        if answer.refusal is None:
            rows = answer.rows()
            labels += [
                Label(film, name, tuple(boxes), tuple(rows.get(name, ()))) for name, boxes in film.truth(found.findings).items()
            ]
    return labels


def _round(labels: Sequence[Label], own: NDArray[np.float64], generator: np.random.Generator) -> dict[str, Any]:
    """Make one label in twenty wrong and return how they rank."""
    values, kinds = own.copy(), np.full(len(labels), "", dtype=object)
    for n in generator.choice(len(labels), len(labels) // ONE_IN, replace=False):
        kinds[n], boxes = _made_wrong(labels[n], labels, generator)
        values[n] = suspicion(boxes, labels[n].marks)
    wrong = kinds != ""
    top = np.argsort(-values, kind="stable")[: int(wrong.sum())]
    return {
        "area": area_under_roc(values[wrong], values[~wrong]),
        "recall": float(wrong[top].mean()) if wrong.any() else float("nan"),
        "kinds": {kind: area_under_roc(values[kinds == kind], values[~wrong]) for kind in KINDS},
    }


def _made_wrong(label: Label, labels: Sequence[Label], generator: np.random.Generator) -> tuple[str, Boxes]:
    if not label.boxes:
        others = [other for other in labels if other.finding == label.finding and other.boxes]
        if not others:
            return "", label.boxes
        other = others[int(generator.integers(len(others)))]
        x0, y0, x1, y1 = other.boxes[0]
        wide, high = label.film.columns / other.film.columns, label.film.rows / other.film.rows
        return KINDS[1], ((x0 * wide, y0 * high, x1 * wide, y1 * high),)
    which = int(generator.integers(len(label.boxes)))
    rest = tuple(box for n, box in enumerate(label.boxes) if n != which)
    if generator.random() < 0.5:
        return KINDS[0], rest
    x0, y0, x1, y1 = label.boxes[which]
    shift = (x1 - x0) if x1 + (x1 - x0) <= label.film.columns else -(x1 - x0)
    return KINDS[2], (*rest, (x0 + shift, y0, x1 + shift, y1))


def area_under_roc(high: NDArray[np.float64], low: NDArray[np.float64]) -> float:
    """Return the chance that a value of ``high`` lies above one of ``low``, ties counting half; NaN where one is empty.

    >>> area_under_roc(np.array([0.9, 0.5]), np.array([0.5, 0.1]))
    0.875
    """
    if not len(high) or not len(low):
        return float("nan")
    ordered = np.sort(low)
    below = np.searchsorted(ordered, high, side="left")
    upto = np.searchsorted(ordered, high, side="right")
    return float((below + upto).mean() / (2 * len(low)))


def _over(values: Sequence[float], count: int) -> Metric:
    """Return the mean over plantings with the middle 95 % of them."""
    array = np.array(values)
    if not np.isfinite(array).any():
        return Metric.undefined("no label could be made wrong in that way", denominator=count)
    return Metric(float(np.nanmean(array)), denominator=count).with_interval(percentile_interval(array))


def _listed(label: Label, value: float) -> Mapping[str, Any]:
    best = max((mark[4] for mark in label.marks), default=0.0)
    return {
        "film": label.film.film_id,
        "finding": label.finding,
        "boxes": len(label.boxes),
        "best_mark": best,
        "suspicion": value,
    }
