"""What a cut-off that nobody checked would have done here: the version before calibration and the one after it, at the old cut-offs and at its own.

Calibration changes no order of boxes, so both versions are equally good; but what a score of 0.6 means is another thing. The version before calibration is had by undoing
the bundle's curves, its cut-offs by undoing them as well (the rule that chose them looks at the order alone). The comparison is the one that guards the
registry (`validation.studies.cut_offs`).

Stated beforehand: with the old cut-offs carried over the comparison does not hold; with cut-offs of its own it holds.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from device_sw.detector.bundle import load_bundle
from validation.metrics.result import Metric
from validation.studies.calibration import undone
from validation.studies.cut_offs import compare
from validation.studies.goals import Goal
from validation.studies.observation import observed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from device_sw.types import ScoreCurve
    from validation.cohort import Film
    from validation.predictions import Predictions
    from validation.protocol import Protocol
    from validation.studies.subject import Report, Subject

GOALS = (
    Goal(
        "carried-over-refused", "the comparison refuses cut-offs carried over from before calibration", "at-least", 1.0, "SRS-039"
    ),
    Goal("own-accepted", "the comparison accepts cut-offs chosen for the version", "at-least", 1.0, "SRS-039"),
)


def study(subject: Subject, films: Sequence[Film], plan: Protocol, replicates: int, report: Report) -> dict[str, Any]:
    """Return both comparisons and whether each came out as it has to; the protocol's resamples are used."""
    del replicates
    found = observed(subject, films, report)
    scored = [film for film in films if film.truth(found.findings)]
    before = uncalibrated(found, load_bundle(subject.bundle).settings.calibration)
    carried = compare(scored, before, replace(found, thresholds=before.thresholds), plan)
    own = compare(scored, before, found, plan)
    judged = (
        Metric(float(not carried["passed"]), denominator=len(scored)),
        Metric(float(own["passed"]), denominator=len(scored)),
    )
    return {
        "goals": [goal.judged(metric) for goal, metric in zip(GOALS, judged, strict=True)],
        "carried_over": carried,
        "own": own,
    }


def uncalibrated(found: Predictions, curves: Mapping[str, ScoreCurve]) -> Predictions:
    """Return what the same network says without calibration: scores and cut-offs with the curves undone."""
    films = {
        name: replace(
            film, candidates=tuple(replace(one, score=_undone(one.score, curves[one.finding])) for one in film.candidates)
        )
        for name, film in found.films.items()
    }
    thresholds = {name: _undone(value, curves[name]) for name, value in found.thresholds.items()}
    return replace(found, thresholds=MappingProxyType(thresholds), films=MappingProxyType(films))


def _undone(score: float, curve: ScoreCurve) -> float:
    return float(undone(np.array([score]), curve)[0])
