"""The figures at the operating point that ships in the bundle: what a reader would see, not what a sweep over thresholds could reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from validation.metrics import froc, rates
from validation.stages.selection import normal_films

ALL = "all_findings"

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from validation.metrics.froc import OperatingCounts
    from validation.metrics.intervals import Replicates
    from validation.metrics.matching import FindingMatches
    from validation.metrics.result import Metric
    from validation.stages.selection import Selection


def metrics(
    selection: Selection, thresholds: Mapping[str, float], replicates: Replicates, iou: float, level: float
) -> dict[str, dict[str, Metric]]:
    """Return each finding and ``all_findings`` -> figure -> metric with its interval; `metrics.rates` says what each figure counts.

    Sensitivity is given on analysed films and, as ``sensitivity_refusals_missed``, with the truth boxes of refused films as misses. The specificity of one
    finding counts films; over all findings, ``specificity`` counts pairs of film and finding, and ``film_specificity`` normal films without any mark.
    """
    counts = _counts(selection.matches, thresholds, iou)
    with_refusals = _counts(selection.matches_with_refusals, thresholds, iou)
    normal = normal_films(selection)
    found = {name: _rates([counts[name]], [with_refusals[name]], normal) for name in selection.findings}
    everything = list(counts.values())
    found[ALL] = _rates(everything, list(with_refusals.values()), normal) | {
        "film_specificity": rates.film_specificity(everything, normal)
    }
    return {part: {name: rate.estimate(replicates, level) for name, rate in row.items()} for part, row in found.items()}


def named(found: Mapping[str, Mapping[str, Metric]]) -> dict[str, Metric]:
    """Return the figures as an endpoint names them: ``<figure>.<finding>`` and ``<figure>.all_findings`` -> metric."""
    return {f"{figure}.{part}": metric for part, row in found.items() for figure, metric in row.items()}


def to_json(found: Mapping[str, Mapping[str, Metric]], thresholds: Mapping[str, float], iou: float) -> dict[str, Any]:
    """Return thresholds and figures as plain values."""
    rows = {part: {figure: metric.to_json() for figure, metric in row.items()} for part, row in found.items()}
    everything = rows.pop(ALL)
    per_finding = {finding: {"threshold": thresholds[finding]} | row for finding, row in rows.items()}
    return {"iou": iou, "per_finding": per_finding, ALL: everything}


def _counts(matches: Mapping[str, FindingMatches], thresholds: Mapping[str, float], iou: float) -> dict[str, OperatingCounts]:
    return {finding: froc.at_threshold(matched, thresholds[finding], iou) for finding, matched in matches.items()}


def _rates(
    counts: Sequence[OperatingCounts], with_refusals: Sequence[OperatingCounts], normal: frozenset[str]
) -> dict[str, rates.Rate]:
    return {
        "sensitivity": rates.sensitivity(counts),
        "sensitivity_refusals_missed": rates.sensitivity(with_refusals),
        "film_sensitivity": rates.film_sensitivity(counts),
        "specificity": rates.specificity(counts),
        "false_positives_per_film": rates.false_positives_per_film(counts),
        "false_positives_per_normal_film": rates.false_positives_per_normal_film(counts, normal),
    }


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
