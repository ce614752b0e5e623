"""The record of a comparison: everything the page shows, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from device_sw._version import __version__
from pipeline.compare import choice
from pipeline.compare.candidates import all_families
from pipeline.compare.measurement import IOU, Measured, Resampling
from pipeline.run import read_json
from validation import protocol
from validation.metrics.intervals import percentile_interval
from validation.stages import figures
from validation.stages.standalone import rounded

if TYPE_CHECKING:
    from pipeline.compare.comparison import Order
    from pipeline.compare.material import Material
    from pipeline.compare.trial import Trial
    from validation.cohort import Cohort

SCHEMA = "thoratrace/comparison/1"
COMPARED = ("ap30", "ap50", "ap50_95", "ar100", "cpm", "d_ece", "sensitivity", "false_positives")
"""Figures whose differences are shown."""


@dataclass(frozen=True, slots=True)
class Results:
    """What the trials came to: figures of those that were finished, reasons of those that were not."""

    trials: dict[str, Trial]
    rates: dict[str, dict[str, float | None]]
    measured: dict[str, Measured]
    failed: dict[str, str]
    present: str
    resampling: Resampling
    cohort: Cohort
    material: Material


def record_of(order: Order, results: Results) -> dict[str, Any]:
    """Return the record, floats rounded to ten digits."""
    return dict(rounded(_record(order, results)))


def _record(order: Order, results: Results) -> dict[str, Any]:
    comparisons = len(results.measured) - (results.present in results.measured)
    level = choice.adjusted_level(comparisons)
    chosen = choice.choose(_contenders(results, level), list(results.failed), results.present)
    base = order.source.params()
    endpoints = protocol.load().set_for(base["profile"], base["budget"])
    return {
        "schema": SCHEMA,
        "date": datetime.now(UTC).date().isoformat(),
        "device_version": __version__,
        "films_are": endpoints.films,
        "profile": base["profile"],
        "budget": base["budget"],
        "share": order.share,
        "epochs": order.epochs or base["train"]["epochs"],
        "train": {name: value for name, value in base["train"].items() if name != "network"},
        "material_sha256": results.material.sha256,
        "films": {split: len(results.cohort.of_split(split)) for split in ("train", "val", "test")},
        "findings": base["train"]["findings"],
        "iou": IOU,
        "analysis": {
            "interval": "patient-level percentile bootstrap, the same draws for every family",
            "level": results.resampling.level,
            "adjusted_level": level,
            "comparisons": comparisons,
            "replicates": results.resampling.replicates,
            "seed": results.resampling.seed,
            "trainings_a_family": 1,
        },
        "search": {"rates": list(order.search.rates), "epochs": order.search.epochs} if order.search.rates else None,
        "present": results.present,
        "not_compared": [name for name in all_families() if name not in results.trials],
        "rule": (choice.__doc__ or "").partition("\n\n")[2].strip(),
        "choice": {"family": chosen.family, "reason": chosen.reason},
        "families": {
            name: {**_family(trial, results.measured[name]), "rates": results.rates[name]}
            for name, trial in results.trials.items()
            if name in results.measured
        },
        "failed": results.failed,
        "differences": {name: _differences(found, results) for name, found in results.measured.items() if name != results.present}
        if results.present in results.measured
        else {},
    }


def _contenders(results: Results, level: float) -> dict[str, choice.Contender]:
    return {
        name: choice.Contender(
            found.estimates["ap50.macro"].metric.value,
            _lower_end(name, results, level),
            found.size["bundle_bytes"],
            found.latency["p95_s"],
        )
        for name, found in results.measured.items()
    }


def _lower_end(name: str, results: Results, level: float) -> float | None:
    if name == results.present or results.present not in results.measured:
        return None
    ours, theirs = (results.measured[family].estimates["ap50.macro"] for family in (name, results.present))
    interval = percentile_interval(ours.values - theirs.values, level)
    return None if isinstance(interval, str) else interval.low


def _family(trial: Trial, found: Measured) -> dict[str, Any]:
    training = read_json(trial.run.artifact("training") / "training.json")
    history = read_json(trial.run.artifact("training") / "history.json")
    own = {name: value for name, value in trial.params["train"].items() if name not in {"findings", "network"}}
    return {
        "network": trial.params["train"]["network"],
        "train": own,
        "weights_sha256": training["weights_sha256"],
        "epochs": len(history["epochs"]),
        "best_epoch": history["best_epoch"],
        "validation_ap50": [row["validation"]["ap50"] for row in history["epochs"]],
        "seconds": trial.seconds(),
        "figures": figures.to_json(found.estimates),
        "froc": dict(found.froc),
        "latency": dict(found.latency),
        "size": dict(found.size),
        "objections": list(_alone(found).objections()),
    }


def _alone(found: Measured) -> choice.Contender:
    return choice.Contender(found.estimates["ap50.macro"].metric.value, None, found.size["bundle_bytes"], found.latency["p95_s"])


def _differences(found: Measured, results: Results) -> dict[str, dict[str, Any]]:
    present = results.measured[results.present]
    keys = [key for key in found.estimates if key.partition(".")[0] in COMPARED]
    pairs = {key: figures.difference(found.estimates[key], present.estimates[key], results.resampling.level) for key in keys}
    return figures.to_json(pairs)
