"""The figures of an evaluation by name, each with its patient-level interval, per finding and as macro mean.

One table names every figure; each entry maps a matching and film weights to replicated values. The point estimate is the replicate in which every film
counts once, so point and interval cannot come from two implementations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from validation.metrics import average_precision as ap
from validation.metrics import froc
from validation.metrics.intervals import bounded_interval, in_blocks
from validation.metrics.matching import COCO_IOUS
from validation.metrics.result import Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from validation.metrics.intervals import Replicates
    from validation.metrics.matching import FindingMatches

    Figure = Callable[[FindingMatches, NDArray[np.int64]], NDArray[np.float64]]


def _ap(*ious: float) -> Figure:
    return lambda matches, weights: ap.replicated_average_precision(matches, ious, weights)


def _ar(detections: int) -> Figure:
    return lambda matches, weights: ap.replicated_average_recall(matches, detections, COCO_IOUS, weights)


def _cpm(matches: FindingMatches, weights: NDArray[np.int64], iou: float) -> NDArray[np.float64]:
    return np.asarray(froc.replicated_sensitivity(matches, froc.CPM_RATES, iou, weights).mean(axis=1), dtype=np.float64)


FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "ap30": _ap(0.3),
        "ap40": _ap(0.4),
        "ap50": _ap(0.5),
        "ap75": _ap(0.75),
        "ap50_95": _ap(*COCO_IOUS),
        "ar1": _ar(1),
        "ar10": _ar(10),
        "ar100": _ar(100),
        "cpm_iou30": partial(_cpm, iou=0.3),
        "cpm": partial(_cpm, iou=0.5),
    }
)
"""Figure name -> replicated values. APs carry their IoU threshold in per cent; AR and CPM are defined in `validation.metrics`."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """One figure of one finding (or the macro mean): the metric, its replicated values, kept for means and differences, and the patients with a truth box."""

    metric: Metric
    values: NDArray[np.float64]
    patients: int = 0


def estimate(figure: Figure, matches: FindingMatches, replicates: Replicates, level: float) -> Estimate:
    """Return a figure with its interval; undefined without a truth box."""
    truths = matches.truth_count
    if truths == 0:
        return Estimate(Metric.undefined(ap.NO_TRUTH, denominator=0), np.full(len(replicates.weights), np.nan))
    values = in_blocks(partial(figure, matches), replicates.of(matches.films))
    point = float(figure(matches, np.ones((1, len(matches.films)), dtype=np.int64))[0])
    return estimated(Metric(point, denominator=truths), values, matches, replicates, level)


def estimated(
    metric: Metric, values: NDArray[np.float64], matches: FindingMatches, replicates: Replicates, level: float
) -> Estimate:
    """Return a metric with the interval of its replicated values; an undefined one stays without."""
    patients = replicates.patients_with(matches.films, matches.truths > 0)
    found = metric if metric.value is None else metric.with_interval(bounded_interval(values, level, patients))
    return Estimate(found, values, patients)


def macro_of(estimates: Mapping[str, Estimate], level: float) -> Estimate:
    """Return the unweighted mean over findings with its interval, undefined as soon as one of them is (see `metrics.result.macro`)."""
    undefined = [f"{name} ({found.metric.reason})" for name, found in estimates.items() if found.metric.value is None]
    values = np.mean([found.values for found in estimates.values()], axis=0)
    if undefined:
        return Estimate(Metric.undefined(f"undefined for {', '.join(undefined)}"), values)
    points = [found.metric.value for found in estimates.values() if found.metric.value is not None]
    truths = sum(found.metric.denominator or 0 for found in estimates.values())
    metric = Metric(sum(points) / len(points), denominator=truths)
    fewest = min(found.patients for found in estimates.values())
    return Estimate(metric.with_interval(bounded_interval(values, level, fewest)), values, fewest)


def difference(first: Estimate, second: Estimate, level: float) -> Estimate:
    """Return first minus second, paired replicate by replicate; undefined where one of them is, without an interval where all replicates are equal."""
    for side in (first, second):
        if side.metric.value is None:
            return Estimate(Metric.undefined(side.metric.reason or "undefined"), first.values - second.values)
    values = first.values - second.values
    point = (first.metric.value or 0.0) - (second.metric.value or 0.0)
    interval = bounded_interval(values, level, patients=0)
    return Estimate(Metric(point, denominator=first.metric.denominator).with_interval(interval), values)


def table(
    matches: Mapping[str, FindingMatches], replicates: Replicates, level: float, names: Sequence[str] = tuple(FIGURES)
) -> dict[str, Estimate]:
    """Return ``<figure>.<finding>`` and ``<figure>.macro`` -> estimate for the named figures."""
    found: dict[str, Estimate] = {}
    for name in names:
        per_finding = {finding: estimate(FIGURES[name], matched, replicates, level) for finding, matched in matches.items()}
        found |= {f"{name}.{finding}": value for finding, value in per_finding.items()}
        found[f"{name}.macro"] = macro_of(per_finding, level)
    return found


def minus(
    ours: Mapping[str, Estimate], theirs: Mapping[str, Estimate], figures: Sequence[str], level: float
) -> dict[str, Estimate]:
    """Return ``<figure>_above_trivial.<finding>`` -> ours minus the trivial detector's, for the named figures."""
    wanted = [key for key in ours if key.split(".")[0] in figures]
    return {key.replace(".", "_above_trivial.", 1): difference(ours[key], theirs[key], level) for key in wanted}


def to_json(estimates: Mapping[str, Estimate]) -> dict[str, dict[str, Any]]:
    """Return figure -> finding -> metric as plain values."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in estimates.items():
        figure, finding = key.split(".", 1)
        found.setdefault(figure, {})[finding] = value.metric.to_json()
    return found
