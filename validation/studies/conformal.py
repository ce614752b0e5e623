"""Whether a promise on missed findings can be kept: a threshold chosen on some patients so that at most a share alpha of the true boxes is missed in others.

Conformal risk control. Each patient with at least one true box has the loss L(t) = share of its true boxes that no mark with score >= t takes; it grows
with t and lies in [0, 1]. On n calibration patients the threshold is the largest t (a score that occurred, or 0) with

    n / (n + 1) * mean L(t)  +  1 / (n + 1)  <=  alpha

and then E[L(t)] <= alpha for a new patient of the same kind, whatever the detector. Where not even t = 0 reaches that, the device misses too much at its
score floor and the promise *cannot be made*; such splits are counted, and they take t = 0, so that the realised rate shows what would happen.

Patients are split into halves 200 times; the realised miss rate is that of the other half. Stated beforehand (issue 5, line 11): its mean over the splits is
at most alpha + 0.02, at alpha 0.1 over all findings. What a promise costs stands beside it: false marks per film at the threshold.

Source: Angelopoulos et al., "Conformal Risk Control", ICLR 2024 (arXiv:2208.02814), theorem 1. The promise is marginal over patients, not for each finding or subgroup.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from validation.metrics.intervals import percentile_interval
from validation.metrics.matching import match
from validation.metrics.result import Metric
from validation.studies.goals import Goal
from validation.studies.observation import observed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from validation.cohort import Film
    from validation.metrics.matching import FindingMatches
    from validation.protocol import Protocol
    from validation.studies.subject import Report, Subject

ALPHAS = (0.05, 0.1, 0.2)
SPLITS = 200
LEAST_PATIENTS = 20
"""Patients with a true box below which no promise is tried: half of them could not even allow for the 1 / (n + 1)."""

GOALS = (Goal("miss-rate", "realised miss rate at alpha 0.1, all findings, mean of 200 splits", "at-most", 0.12, "SRS-039"),)


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """What each patient loses at each threshold.

    Attributes:
        thresholds: (K,) float64, rising; the first is 0.
        losses: (P, K) float64 in [0, 1], rising along K, one row a patient with a true box.
        false_marks: (K,) false marks per film at each threshold.
    """

    thresholds: NDArray[np.float64]
    losses: NDArray[np.float64]
    false_marks: NDArray[np.float64]


def losses_of(matches: Sequence[FindingMatches], patient_of: Mapping[str, str], iou: float) -> Losses:
    """Return the losses over the given findings together; refused films are films without marks, so their boxes are missed at every threshold."""
    patients = sorted({patient_of[film] for m in matches for film, count in zip(m.films, m.truths, strict=True) if count})
    number = {patient: row for row, patient in enumerate(patients)}
    truths = np.zeros(len(patients))
    scores, rows, false = [], [], []
    for m in matches:
        for film, count in zip(m.films, m.truths, strict=True):
            if count:
                truths[number[patient_of[film]]] += count
        hits = m.hits_at(iou)
        scores.append(m.scores[hits])
        rows.append(np.array([number[patient_of[m.films[film]]] for film in m.film[hits]], dtype=np.int64))
        false.append(m.scores[~hits])
    score, row, wrong = np.concatenate(scores), np.concatenate(rows), np.sort(np.concatenate(false))
    thresholds = np.unique(np.concatenate([[0.0], score]))
    found = np.zeros((len(patients), len(thresholds)))
    np.add.at(found, (row, np.searchsorted(thresholds, score)), 1.0)
    kept = found[:, ::-1].cumsum(axis=1)[:, ::-1]
    films = len({film for m in matches for film in m.films})
    marks = (len(wrong) - np.searchsorted(wrong, thresholds, side="left")) / max(films, 1)
    return Losses(thresholds, 1.0 - kept / truths[:, None], marks)


def chosen(losses: NDArray[np.float64], alpha: float) -> int | None:
    """Return the index of the largest threshold that the calibration patients allow, None where none is.

    Args:
        losses: (n, K), rising along K.
        alpha: the promised rate.

    >>> chosen(np.array([[0.0, 0.0, 1.0]] * 19), 0.1)
    1
    >>> chosen(np.array([[1.0]]), 0.1) is None
    True
    """
    n = len(losses)
    allowed = np.flatnonzero(losses.sum(axis=0) / (n + 1) + 1.0 / (n + 1) <= alpha + 1e-12)
    return int(allowed[-1]) if allowed.size else None


def promise(found: Losses, alpha: float, seed: int, splits: int = SPLITS) -> dict[str, Any]:
    """Return the realised miss rate over random halves, how often no promise could be made, and what it costs."""
    patients = len(found.losses)
    if patients < LEAST_PATIENTS:
        reason = f"{patients} patients with a true box, at least {LEAST_PATIENTS} are needed"
        return {"alpha": alpha, "realised": Metric.undefined(reason, denominator=patients).to_json()}
    generator = np.random.Generator(np.random.Philox(seed))
    realised, places, impossible = [], [], 0
    for _ in range(splits):
        order = generator.permutation(patients)
        half = patients // 2
        place = chosen(found.losses[order[:half]], alpha)
        impossible += place is None
        places.append(place or 0)
        realised.append(float(found.losses[order[half:], place or 0].mean()))
    values = np.array(realised)
    metric = Metric(float(values.mean()), denominator=patients).with_interval(percentile_interval(values))
    return {
        "alpha": alpha,
        "splits": splits,
        "realised": metric.to_json(),
        "promise_impossible": impossible,
        "median_threshold": float(np.median(found.thresholds[places])),
        "false_marks_per_film": float(np.mean(found.false_marks[places])),
        "missed_at_the_score_floor": float(found.losses[:, 0].mean()),
    }


def study(subject: Subject, films: Sequence[Film], plan: Protocol, replicates: int, report: Report) -> dict[str, Any]:
    """Return promises per finding and over all, and the goal; ``replicates`` is not used, because the splits are the resamples."""
    del replicates
    predictions = observed(subject, films, report)
    truths = {film.film_id: film.truth(predictions.findings) for film in films}
    matches = match(truths, {name: predictions.films[name].rows() for name in truths}, predictions.findings, (plan.iou,))
    patient_of = {film.film_id: film.patient_id for film in films}
    parts = {"all": list(matches.values()), **{name: [matches[name]] for name in predictions.findings}}
    promises = {
        name: [promise(losses_of(part, patient_of, plan.iou), alpha, seed=n + 1) for n, alpha in enumerate(ALPHAS)]
        for name, part in parts.items()
    }
    judged = promises["all"][ALPHAS.index(0.1)]["realised"]
    return {"goals": [GOALS[0].judged(_metric(judged))], "alphas": list(ALPHAS), "splits": SPLITS, "promises": promises}


def _metric(value: dict[str, Any]) -> Metric:
    """Return a metric from its plain values, with its interval."""
    from validation.metrics.result import Interval  # noqa: PLC0415  next to its only use

    if value["value"] is None:
        return Metric.undefined(value["reason"], denominator=value.get("denominator"))
    between = value["interval"]
    interval = Interval(between["low"], between["high"], between["level"], between["replicates"], between["undefined_replicates"])
    return Metric(value["value"], denominator=value["denominator"]).with_interval(interval)
