"""The figures at the operating point that ships in the bundle: what a reader would see, not what a sweep over thresholds could reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from validation.metrics import froc
from validation.metrics.intervals import percentile_interval, replicated_ratio
from validation.metrics.result import Metric, ratio
from validation.stages.selection import normal_films

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from validation.metrics.froc import OperatingCounts
    from validation.metrics.intervals import Replicates
    from validation.metrics.matching import FindingMatches
    from validation.stages.selection import Selection


def figures(
    selection: Selection, thresholds: Mapping[str, float], replicates: Replicates, iou: float, level: float
) -> dict[str, Any]:
    """Return threshold, counts and figures per finding and over all findings, as plain values for JSON.

    Sensitivity is given on analysed films and, as ``sensitivity_refusals_missed``, with the truth boxes of refused films as misses.
    """
    counts = _counts(selection.matches, thresholds, iou)
    with_refusals = _counts(selection.matches_with_refusals, thresholds, iou)
    per_finding = {
        finding: {"threshold": thresholds[finding]} | _of([counts[finding]], [with_refusals[finding]], replicates, level)
        for finding in selection.findings
    }
    overall = _of(list(counts.values()), list(with_refusals.values()), replicates, level)
    normal = froc.false_positives_per_normal_film(list(counts.values()), normal_films(selection))
    return {
        "iou": iou,
        "per_finding": per_finding,
        "all_findings": overall | {"false_positives_per_normal_film": normal.to_json()},
    }


def judged(
    selection: Selection, thresholds: Mapping[str, float], replicates: Replicates, iou: float, level: float
) -> dict[str, Metric]:
    """Return the figures that an endpoint may name, ``<figure>.<finding>`` and ``<figure>.all_findings`` -> metric, as in `figures`."""
    counts = _counts(selection.matches, thresholds, iou)
    with_refusals = _counts(selection.matches_with_refusals, thresholds, iou)
    parts = {name: ([counts[name]], [with_refusals[name]]) for name in selection.findings}
    parts["all_findings"] = (list(counts.values()), list(with_refusals.values()))
    return {
        f"{figure}.{part}": metric
        for part, (analysed, all_films) in parts.items()
        for figure, metric in _metrics(analysed, all_films, replicates, level).items()
    }


def _counts(matches: Mapping[str, FindingMatches], thresholds: Mapping[str, float], iou: float) -> dict[str, OperatingCounts]:
    return {finding: froc.at_threshold(matched, thresholds[finding], iou) for finding, matched in matches.items()}


def _of(
    counts: Sequence[OperatingCounts], with_refusals: Sequence[OperatingCounts], replicates: Replicates, level: float
) -> dict[str, Any]:
    return {name: metric.to_json() for name, metric in _metrics(counts, with_refusals, replicates, level).items()}


def _metrics(
    counts: Sequence[OperatingCounts], with_refusals: Sequence[OperatingCounts], replicates: Replicates, level: float
) -> dict[str, Metric]:
    return {
        "sensitivity": sensitivity(counts, replicates, level),
        "sensitivity_refusals_missed": sensitivity(with_refusals, replicates, level),
        "specificity": _specificity(counts, replicates, level),
        "false_positives_per_film": _false_positives(counts, replicates, level),
    }


def sensitivity(counts: Sequence[OperatingCounts], replicates: Replicates, level: float) -> Metric:
    """Return hits / truth boxes, summed over the given findings, with its interval."""
    return _pooled([(count.films, count.hits, count.truths) for count in counts], replicates, level, nothing="no truth boxes")


def _specificity(counts: Sequence[OperatingCounts], replicates: Replicates, level: float) -> Metric:
    """Return (film, finding) pairs looked at, absent and without a mark / pairs looked at and absent."""
    negative = [
        (count.films, ((count.truths == 0) & (count.false_positives == 0)).astype(np.int64), count.truths == 0)
        for count in counts
    ]
    parts = [(films, clean, absent.astype(np.int64)) for films, clean, absent in negative]
    return _pooled(parts, replicates, level, nothing="no films in which the finding was looked for and absent")


def _false_positives(counts: Sequence[OperatingCounts], replicates: Replicates, level: float) -> Metric:
    """Return false positives of the given findings / films in which at least one of them was looked for."""
    films = tuple(dict.fromkeys(film for count in counts for film in count.films))
    parts = [(count.films, count.false_positives, np.zeros(len(count.films), dtype=np.int64)) for count in counts]
    every = (films, np.zeros(len(films), dtype=np.int64), np.ones(len(films), dtype=np.int64))
    return _pooled([*parts, every], replicates, level, nothing="no films in which the finding was looked for")


def _pooled(
    parts: Sequence[tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64]]],
    replicates: Replicates,
    level: float,
    *,
    nothing: str,
) -> Metric:
    """Return sum of numerators / sum of denominators over (films, numerator per film, denominator per film), with its interval."""
    place = {film: index for index, film in enumerate(replicates.films)}
    above, below = np.zeros(len(place), dtype=np.int64), np.zeros(len(place), dtype=np.int64)
    for films, numerator, denominator in parts:
        columns = [place[film] for film in films]
        above[columns] += numerator
        below[columns] += denominator
    metric = ratio(int(above.sum()), int(below.sum()), nothing=nothing)
    if metric.value is None:
        return metric
    return metric.with_interval(percentile_interval(replicated_ratio(above, below, replicates.weights), level))


def confusion(
    selection: Selection, thresholds: Mapping[str, float], rows: Mapping[str, Mapping[str, Any]], iou: float
) -> dict[str, Any]:
    """Return what the device marked where each truth box lies: a confusion table of boxes.

    A truth box counts as its own finding if a detection of that finding overlaps it by at least ``iou``; else as the finding of the best-scored other
    detection that does; else as missed. Marks that overlap no truth box of their own finding are listed per finding under ``nothing there``.

    Args:
        selection: the films.
        thresholds: operating point per finding.
        rows: film id -> finding -> rows x0, y0, x1, y1, score.
        iou: overlap from which a mark counts.
    """
    findings = selection.findings
    table = {truth: dict.fromkeys((*findings, "missed"), 0) for truth in findings}
    for film in selection.analysed:
        marks = {name: [row for row in rows[film.film_id].get(name, ()) if row[4] >= thresholds[name]] for name in findings}
        for name, boxes in film.truth(findings).items():
            for box in boxes:
                table[name][_marked_as(name, box, marks, iou)] += 1
    extra = {
        name: int(froc.at_threshold(matched, thresholds[name], iou).false_positives.sum())
        for name, matched in selection.matches.items()
    }
    return {"iou": iou, "rows": table, "nothing_there": extra}


def _marked_as(name: str, box: Sequence[float], marks: Mapping[str, Sequence[Sequence[float]]], iou: float) -> str:
    overlapping = [(row[4], other) for other, found in marks.items() for row in found if _iou(box, row) >= iou]
    if any(other == name for _, other in overlapping):
        return name
    return max(overlapping)[1] if overlapping else "missed"


def _iou(first: Sequence[float], second: Sequence[float]) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / ((first[2] - first[0]) * (first[3] - first[1]) + (second[2] - second[0]) * (second[3] - second[1]) - shared)
