"""What worse films cost: twelve corruptions in five grades, each film spoilt as a DICOM file and analysed by the finished device.

For each corruption and grade: AP50 (macro) and the sensitivity over all findings at the bundle's operating points, over the same films, a refused film being a film without
any mark, and their ratios to those of the films as they are; numerator and denominator of a ratio are resampled together, patient by patient. On few films
a resample often lacks a finding, and AP50 has no interval then; the sensitivity has one. Refusals are counted beside, with their codes, because a refusal is an
answer too: of a film that is bad enough it is the right one.

Stated beforehand (development goal, ``reference``: detection G9): the mean ratio over all sixty is at least 0.85; every film whose values are inverted
while the file says otherwise is refused; writing a film again without a change changes no answer.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from device_sw.detector.bundle import load_bundle
from validation.metrics import froc
from validation.metrics.intervals import draw, percentile_interval, replicated_ratio
from validation.metrics.matching import match
from validation.metrics.result import Metric, ratio
from validation.stages import figures
from validation.studies.corruptions import CORRUPTIONS, GRADES, tilted_box
from validation.studies.goals import Goal
from validation.studies.observation import AS_IT_IS, INVERTED, REWRITTEN, Question, answers
from validation.studies.wilson import share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from validation.cohort import Film
    from validation.metrics.intervals import Replicates
    from validation.metrics.matching import FindingMatches
    from validation.protocol import Protocol
    from validation.stages.figures import Estimate
    from validation.studies.subject import Report, Subject

GOALS = (
    Goal(
        "mean-relative-ap50",
        "AP50 of spoilt films over AP50 of the films as they are, mean over corruptions and grades",
        "at-least",
        0.85,
        "SRS-039",
    ),
    Goal("inverted-refused", "films with inverted values that are refused", "at-least", 1.0, "SRS-039"),
    Goal("rewriting-changes-nothing", "films that are answered the same when only written again", "at-least", 1.0, "SRS-039"),
)
KEY = "ap50.macro"
FIGURES = ("ap50", "sensitivity")


def study(subject: Subject, films: Sequence[Film], plan: Protocol, replicates: int, report: Report) -> dict[str, Any]:
    """Return cells (corruption x grade), baseline and goals.

    Args:
        subject: the device and its films' folder.
        films: scored films.
        plan: level of the intervals.
        replicates: resamples behind an interval.
        report: called with the progress.
    """
    ways = [(AS_IT_IS, 0), (REWRITTEN, 0), (INVERTED, 0), *((name, grade) for name in CORRUPTIONS for grade in GRADES)]
    found = answers(subject, [Question(film, way, grade) for way, grade in ways for film in films], report)
    outcomes = {way: found[n * len(films) : (n + 1) * len(films)] for n, way in enumerate(ways)}
    shown = _Shown(
        tuple(films), draw({film.film_id: film.patient_id for film in films}, replicates, plan.seed), plan, _thresholds(subject)
    )
    base = shown.figures(outcomes[AS_IT_IS, 0], 0.0)
    cells, relative = [], []
    for name, grade in ways[3:]:
        corruption = CORRUPTIONS[name]
        found = shown.figures(outcomes[name, grade], corruption.at(grade) if corruption.degrees else 0.0)
        over = {figure: _over(found[figure], base[figure], plan.level) for figure in FIGURES}
        relative.append(over)
        refused = Counter(row["code"] for row in outcomes[name, grade] if row["code"])
        cells.append(
            {"corruption": name, "grade": grade, "number": corruption.at(grade), "refused": dict(sorted(refused.items()))}
            | {figure: found[figure].metric.to_json() for figure in FIGURES}
            | {f"relative_{figure}": over[figure].metric.to_json() for figure in FIGURES}
        )
    mean = {figure: _mean([one[figure] for one in relative], plan.level) for figure in FIGURES}
    judged = (mean["ap50"], _refused(outcomes[INVERTED, 0]), _same(outcomes[AS_IT_IS, 0], outcomes[REWRITTEN, 0]))
    return {
        "goals": [goal.judged(metric) for goal, metric in zip(GOALS, judged, strict=True)],
        "corruptions": list(CORRUPTIONS),
        "grades": list(GRADES),
        "as_they_are": {figure: base[figure].metric.to_json() for figure in FIGURES}
        | {"refused": sum(bool(row["code"]) for row in outcomes[AS_IT_IS, 0])},
        "mean_relative_sensitivity": mean["sensitivity"].to_json(),
        "cells": cells,
        "per_corruption": _per_corruption(cells),
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """The films of the study and how they are judged, whatever is done to them."""

    films: tuple[Film, ...]
    drawn: Replicates
    plan: Protocol
    thresholds: Mapping[str, float]

    def figures(self, outcomes: Sequence[dict[str, Any]], degrees: float) -> dict[str, Estimate]:
        """Return macro AP50 and sensitivity over all findings, with refused films as films without marks."""
        findings = tuple(self.thresholds)
        truths = {film.film_id: _truth(film, findings, degrees) for film in self.films}
        rows = {film.film_id: _rows(outcome) for film, outcome in zip(self.films, outcomes, strict=True)}
        matches = match(truths, rows, findings)
        ap50 = figures.table(matches, self.drawn, self.plan.level, ("ap50",))[KEY]
        return {"ap50": ap50, "sensitivity": self._sensitivity(matches)}

    def _sensitivity(self, matches: Mapping[str, FindingMatches]) -> Estimate:
        place = {film: n for n, film in enumerate(self.drawn.films)}
        hits, truths = np.zeros(len(place), dtype=np.int64), np.zeros(len(place), dtype=np.int64)
        for name, matched in matches.items():
            counts = froc.at_threshold(matched, self.thresholds[name], self.plan.iou)
            columns = [place[film] for film in counts.films]
            hits[columns] += counts.hits
            truths[columns] += counts.truths
        values = replicated_ratio(hits, truths, self.drawn.weights)
        metric = ratio(int(hits.sum()), int(truths.sum()), nothing="no truth boxes")
        return figures.Estimate(
            metric if metric.value is None else metric.with_interval(percentile_interval(values, self.plan.level)), values
        )


def _thresholds(subject: Subject) -> Mapping[str, float]:
    return load_bundle(subject.bundle).settings.thresholds


def _truth(film: Film, findings: Sequence[str], degrees: float) -> dict[str, Any]:
    truth = film.truth(findings)
    if not degrees:
        return truth
    return {name: [tilted_box(box, degrees, film.rows, film.columns) for box in boxes] for name, boxes in truth.items()}


def _rows(outcome: dict[str, Any]) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = {}
    for row in outcome["candidates"]:
        found.setdefault(row["finding"], []).append([*row["box"], row["score"]])
    return found


def _over(estimate: Estimate, base: Estimate, level: float) -> Estimate:
    """Return the ratio of two figures, resampled together; undefined where one is, or where the lower one is 0."""
    if estimate.metric.value is None or not base.metric.value:
        return figures.Estimate(
            Metric.undefined(estimate.metric.reason or base.metric.reason or "the figure of the films as they are is 0"),
            base.values,
        )
    values = np.divide(estimate.values, base.values, out=np.full_like(base.values, np.nan), where=base.values > 0)
    metric = Metric(estimate.metric.value / base.metric.value, denominator=base.metric.denominator)
    return figures.Estimate(metric.with_interval(percentile_interval(values, level)), values)


def _mean(relative: Sequence[Estimate], level: float) -> Metric:
    undefined = next((one.metric.reason for one in relative if one.metric.value is None), None)
    if undefined:
        return Metric.undefined(f"undefined in a part: {undefined}")
    values = np.mean([one.values for one in relative], axis=0)
    point = float(np.mean([one.metric.value for one in relative]))
    return Metric(point, denominator=relative[0].metric.denominator).with_interval(percentile_interval(values, level))


def _refused(outcomes: Sequence[dict[str, Any]]) -> Metric:
    return share(sum(row["status"] == "refused" for row in outcomes), len(outcomes), nothing="no films")


def _same(first: Sequence[dict[str, Any]], second: Sequence[dict[str, Any]]) -> Metric:
    return share(sum(a == b for a, b in zip(first, second, strict=True)), len(first), nothing="no films")


def _per_corruption(cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return, for each corruption, the mean ratios over its grades and the first grade at which less than the goal is left of AP50."""
    found = {}
    for name in CORRUPTIONS:
        rows = [cell for cell in cells if cell["corruption"] == name]
        means = {
            f"mean_relative_{figure}": _plain_mean([cell[f"relative_{figure}"]["value"] for cell in rows]) for figure in FIGURES
        }
        low = [
            cell["grade"]
            for cell in rows
            if cell["relative_ap50"]["value"] is not None and cell["relative_ap50"]["value"] < GOALS[0].threshold
        ]
        found[name] = means | {
            "first_grade_below_goal": min(low, default=None),
            "refused": sum(sum(cell["refused"].values()) for cell in rows),
        }
    return found


def _plain_mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
