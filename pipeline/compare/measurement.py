"""What a finished trial came to: figures of the device on the test films, calibration, operating point, latency and size.

Refused films count as films on which nothing was found, so every family is judged on the same films, patient by patient.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import safe_open

from device_sw.device import Device
from device_sw.errors import InputRefused
from device_sw.types import Policy
from pipeline.run import file_sha256, read_json, write_json
from validation import predictions
from validation.metrics import froc, rates
from validation.metrics.calibration_error import NO_CANDIDATES, d_ece, replicated_d_ece
from validation.metrics.intervals import draw, in_blocks, replicated_ratio
from validation.metrics.result import Metric
from validation.stages import figures
from validation.stages.selection import select

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.compare.trial import Trial
    from validation.cohort import Cohort
    from validation.metrics.intervals import Replicates
    from validation.metrics.matching import FindingMatches
    from validation.metrics.rates import Rate
    from validation.stages.figures import Estimate
    from validation.stages.selection import Selection

FIGURES = ("ap30", "ap50", "ap75", "ap50_95", "ar100", "cpm")
"""Figures of `validation.stages.figures` that a comparison shows."""

IOU = 0.5
LATENCY_FILMS = 20
_BLOCK = 100


@dataclass(frozen=True, slots=True)
class Resampling:
    """How intervals are made: patient-level replicates, their seed and the level."""

    replicates: int
    seed: int
    level: float


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A trial's figures.

    Attributes:
        estimates: ``<figure>.<finding>`` and ``<figure>.macro`` -> figure with interval and replicated values.
        froc: finding -> sensitivity at the seven rates of CPM, None where it is undefined.
        latency: seconds a film of the whole device, and how they were taken.
        size: bytes and parameters.
        films: films judged.
    """

    estimates: Mapping[str, Estimate]
    froc: Mapping[str, list[float] | None]
    latency: Mapping[str, Any]
    size: Mapping[str, int]
    films: int


def measure(trial: Trial, cohort: Cohort, resampling: Resampling) -> Measured:
    """Return what a finished trial came to.

    Raises:
        ValidationError: the predictions are not of this cohort.
    """
    said = predictions.load(trial.run.artifact("predictions") / "predictions.json")
    selection = select(cohort, said)
    drawn = draw({film.film_id: film.patient_id for film in selection.scored}, resampling.replicates, resampling.seed)
    matches = selection.matches_with_refusals
    estimates = {
        **figures.table(matches, drawn, resampling.level, FIGURES),
        **_table("d_ece", {name: _d_ece(found, drawn, resampling.level) for name, found in matches.items()}, resampling.level),
        **_operating_point(matches, said.thresholds, drawn, resampling.level),
    }
    return Measured(
        estimates,
        {name: _froc(found) for name, found in matches.items()},
        latency(trial, selection),
        size(trial),
        len(drawn.films),
    )


def _table(name: str, per_finding: dict[str, Estimate], level: float) -> dict[str, Estimate]:
    return {
        **{f"{name}.{finding}": value for finding, value in per_finding.items()},
        f"{name}.macro": figures.macro_of(per_finding, level),
    }


def _d_ece(matches: FindingMatches, drawn: Replicates, level: float) -> Estimate:
    hits = matches.hits_at(IOU)
    if not len(matches.scores):
        return figures.Estimate(Metric.undefined(NO_CANDIDATES, denominator=0), np.full(len(drawn.weights), np.nan))
    values = in_blocks(
        lambda weights: replicated_d_ece(matches.scores, hits, weights[:, matches.film]), drawn.of(matches.films), _BLOCK
    )
    return figures.estimated(d_ece(matches.scores, hits), values, matches, drawn, level)


def _operating_point(
    matches: Mapping[str, FindingMatches], thresholds: Mapping[str, float], drawn: Replicates, level: float
) -> dict[str, Estimate]:
    """Return sensitivity and false positives a film at the released thresholds; the macro of the latter counts those of all findings together."""
    counts = {name: froc.at_threshold(matched, thresholds[name], IOU) for name, matched in matches.items()}
    found = {name: _rate(rates.sensitivity([count]), drawn, level) for name, count in counts.items()}
    false = {name: _rate(rates.false_positives_per_film([count]), drawn, level) for name, count in counts.items()}
    false["macro"] = _rate(rates.false_positives_per_film(list(counts.values())), drawn, level)
    return {**_table("sensitivity", found, level), **{f"false_positives.{name}": value for name, value in false.items()}}


def _rate(rate: Rate, drawn: Replicates, level: float) -> Estimate:
    values = replicated_ratio(rate.above, rate.below, drawn.of(rate.films))
    return figures.Estimate(rate.estimate(drawn, level), values, drawn.patients_with(rate.films, rate.below > 0))


def _froc(matches: FindingMatches) -> list[float] | None:
    if not matches.truth_count:
        return None
    ones = np.ones((1, len(matches.films)), dtype=np.int64)
    return [float(value) for value in froc.replicated_sensitivity(matches, froc.CPM_RATES, IOU, ones)[0]]


def latency(trial: Trial, selection: Selection) -> dict[str, Any]:
    """Return the seconds a film of the whole device without maps, one film after the other in this process; kept until the bundle changes."""
    place, bundle = trial.run.root / "latency.json", trial.run.artifact("bundle")
    identity = file_sha256(bundle / "manifest.json")
    if place.exists() and (kept := read_json(place))["bundle_manifest_sha256"] == identity:
        return dict(kept)
    device = Device(bundle, Policy(trial.params["predict"]["policy"]))
    films = [trial.run.artifact("cohort") / film.path for film in selection.scored[: LATENCY_FILMS + 1]]
    seconds = [_seconds(device, film) for film in films][1:]  # the first film warms caches
    value = {
        "bundle_manifest_sha256": identity,
        "films": len(seconds),
        "median_s": float(np.median(seconds)) if seconds else None,
        "p95_s": float(np.quantile(seconds, 0.95)) if seconds else None,
        "processors": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[0], 1),
    }
    write_json(place, value)
    return value


def _seconds(device: Device, film: Any) -> float:
    start = time.perf_counter()
    with suppress(InputRefused):  # a refusal is an answer, too
        device.analyse(film, explain=False)
    return time.perf_counter() - start


def size(trial: Trial) -> dict[str, int]:
    """Return the bytes of bundle and weights, and the numbers in the weights."""
    bundle = trial.run.artifact("bundle")
    with safe_open(bundle / "weights.safetensors", framework="np") as file:
        numbers = sum(int(np.prod(file.get_slice(name).get_shape())) for name in file.keys())  # noqa: SIM118  not a dict
    return {
        "bundle_bytes": sum(path.stat().st_size for path in bundle.iterdir()),
        "weights_bytes": (bundle / "weights.safetensors").stat().st_size,
        "parameters": numbers,
    }
