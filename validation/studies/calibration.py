"""Whether a score of 0.7 is right seven times in ten: reliability of the finished device's scores, and of the network's own beside them.

The scores are those that the device reports. The network's own are had by undoing the bundle's curve, which is rising, so that both have the same candidates.
Stated beforehand (issue 5, line 11): the D-ECE over all findings is at most 0.05 after calibration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from device_sw.detector.bundle import load_bundle
from validation.metrics import calibration_error as error
from validation.metrics.intervals import draw, in_blocks, percentile_interval
from validation.metrics.matching import match
from validation.studies.goals import Goal
from validation.studies.observation import observed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from device_sw.types import ScoreCurve
    from validation.cohort import Film
    from validation.metrics.intervals import Replicates
    from validation.metrics.matching import FindingMatches
    from validation.metrics.result import Metric
    from validation.protocol import Protocol
    from validation.studies.subject import Report, Subject

GOALS = (Goal("d-ece", "D-ECE over all findings, ten bins, after calibration", "at-most", 0.05, "SRS-039"),)


def study(subject: Subject, films: Sequence[Film], plan: Protocol, replicates: int, report: Report) -> dict[str, Any]:
    """Return errors with intervals, per finding and over all, before and after calibration, the bins of the latter, and the goal."""
    found = observed(subject, films, report)
    truths = {film.film_id: film.truth(found.findings) for film in films if found.films[film.film_id].refusal is None}
    matches = match(truths, {name: found.films[name].rows() for name in truths}, found.findings, (plan.iou,))
    drawn = draw({film.film_id: film.patient_id for film in films}, replicates, seed=plan.seed)
    curves = load_bundle(subject.bundle).settings.calibration
    after = {name: (m.scores, m.hits_at(plan.iou)) for name, m in matches.items()}
    before = {name: (undone(scores, curves[name]), right) for name, (scores, right) in after.items()}
    overall = _error(after, matches, drawn, plan.level)
    return {
        "goals": [GOALS[0].judged(overall)],
        "bins": error.BINS,
        "iou": plan.iou,
        "after": {"all": overall.to_json(), "per_finding": _per_finding(after, matches, drawn, plan.level)},
        "before": {
            "all": _error(before, matches, drawn, plan.level).to_json(),
            "per_finding": _per_finding(before, matches, drawn, plan.level),
        },
        "reliability": {"after": _bins(after), "before": _bins(before)},
        "candidates": sum(len(scores) for scores, _ in after.values()),
    }


def undone(scores: NDArray[np.float64], curve: ScoreCurve) -> NDArray[np.float64]:
    """Return the network's own scores behind calibrated ones: logit(p) = (logit(q) - offset) / slope.

    >>> from device_sw.types import ScoreCurve
    >>> curve = ScoreCurve(slope=0.8, offset=-1.0)
    >>> undone(np.array([curve.calibrated(0.3)]), curve).round(6).tolist()
    [0.3]
    """
    kept = np.clip(np.asarray(scores, dtype=np.float64), 1e-12, 1 - 1e-12)
    return np.asarray(1.0 / (1.0 + np.exp(-(np.log(kept / (1 - kept)) - curve.offset) / curve.slope)))


def _error(
    data: Mapping[str, tuple[NDArray[np.float64], NDArray[np.bool_]]],
    matches: Mapping[str, FindingMatches],
    drawn: Replicates,
    level: float,
) -> Metric:
    scores = np.concatenate([data[name][0] for name in matches])
    right = np.concatenate([data[name][1] for name in matches])
    columns = [np.asarray(m.films)[m.film] for m in matches.values()]
    metric = error.d_ece(scores, right)
    if metric.value is None:
        return metric
    weights = drawn.of([str(film) for film in np.concatenate(columns)])
    values = in_blocks(lambda rows: error.replicated_d_ece(scores, right, rows), weights)
    return metric.with_interval(percentile_interval(values, level))


def _per_finding(
    data: Mapping[str, tuple[NDArray[np.float64], NDArray[np.bool_]]],
    matches: Mapping[str, FindingMatches],
    drawn: Replicates,
    level: float,
) -> dict[str, Any]:
    return {name: _error(data, {name: matches[name]}, drawn, level).to_json() for name in matches}


def _bins(data: Mapping[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]) -> list[dict[str, Any]]:
    scores, right = (np.concatenate([part[n] for part in data.values()]) for n in (0, 1))
    return [
        {"low": one.low, "high": one.high, "candidates": one.candidates, "right": one.right, "mean_score": one.mean_score}
        for one in error.reliability(scores, right)
    ]
