"""What a normal/abnormal classifier does to the false positives of normal films, and what it costs: a bundle with the classifier on the phantom's test films.

    python -m tests.benchmarks.second_opinions --out evidence/second_opinions [--artifacts artifacts] [--films N] [--plan PLAN]

The classifier is trained and its cut-off chosen by `pipeline.second_opinions` on the run's training and validation films; the finished device with that bundle then analyses test
films, DICOM file by DICOM file. Its trace holds the marks before and after the classifier, so both figures come from one run of one device: false positives per normal film, sensitivity
over all true boxes at IoU 0.5, and films with findings that pass for normal. Intervals are 95 % bootstraps over patients. Goal of issue 5: false positives per normal film fall by 30 % or
more. The bundle is made once and each film is kept when it is done: the command goes on where it stopped; remove a file to measure it again. Phantom results are phantom results.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from device_sw._version import __version__
from device_sw.detector.bundle import load_bundle
from device_sw.device import Device
from device_sw.errors import DeviceError
from pipeline.second_opinions.making import make
from pipeline.second_opinions.plan import Plan, read_plan

ROOT = Path(__file__).resolve().parents[2]
PLAN = ROOT / "pipeline" / "second_opinions" / "plan.toml"
IOU, REPLICATES, SEED, GOAL = 0.5, 2000, 11, 0.30
STEPS = {"before": "operating points", "after": "normal/abnormal classifier"}


def main() -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--artifacts", type=Path, default=ROOT / "artifacts", help="of a finished run")
    parser.add_argument("--plan", type=Path, default=PLAN)
    parser.add_argument("--films", type=int, help="test films, normal and other ones alternating; all of them if not given")
    arguments = parser.parse_args()
    work = arguments.artifacts / "second_opinions"
    work.mkdir(parents=True, exist_ok=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    bundle = work / "bundle"
    if not bundle.is_dir():
        planned = read_plan(arguments.plan)
        gate = Plan(planned.limit, (), None, planned.classifier)
        make(arguments.artifacts, gate, work / "making", progress=lambda _done, _total, _text: None).rename(bundle)
    rows = seen(arguments.artifacts, bundle, work / "films.json", arguments.films)
    loaded = load_bundle(bundle)
    assert loaded.second_opinions is not None and loaded.second_opinions.classifier is not None  # noqa: PT018
    rule, record = loaded.second_opinions.classifier.rule, loaded.second_opinions.classifier.record
    value = {
        "date": datetime.now(UTC).date().isoformat(),
        "device": __version__,
        "bundle_sha256": loaded.sha256,
        "base_bundle_sha256": loaded.manifest["lineage"]["base_bundle_sha256"],
        "profile": loaded.settings.profile,
        "budget": loaded.settings.budget,
        "cut_off": {
            "value": rule.cut_off,
            "kept_above": rule.kept_above,
            **{n: getattr(record, n) for n in record.__dataclass_fields__},
        },
        **figures(rows),
    }
    place = arguments.out / f"classifier_{loaded.settings.profile}_{loaded.settings.budget}.json"
    place.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(place)  # noqa: T201


def seen(artifacts: Path, bundle: Path, kept: Path, count: int | None) -> list[dict[str, Any]]:
    """Return what the device did on each film; films that are kept for this bundle are not analysed again."""
    device, cohort = Device(bundle), artifacts / "cohort"
    known = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    known = {name: row for name, row in known.items() if row["bundle_sha256"] == device.bundle_sha256}
    films = [
        film for film in json.loads((cohort / "cohort.json").read_text(encoding="utf-8"))["films"] if film["split"] == "test"
    ]
    chosen = _alternating(films)[:count]
    for film in chosen:
        if film["film_id"] not in known:
            known[film["film_id"]] = {"bundle_sha256": device.bundle_sha256, **outcome(device, cohort, film)}
            kept.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return [known[film["film_id"]] for film in chosen]


def _alternating(films: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put normal and other films in turn, so that a part of the list has both."""
    normal, other = ([film for film in films if bool(film["boxes"]) is kind] for kind in (False, True))
    paired = [film for pair in zip(normal, other, strict=False) for film in pair]
    return paired + normal[len(other) :] + other[len(normal) :]


def outcome(device: Device, cohort: Path, film: dict[str, Any]) -> dict[str, Any]:
    """Return a film's counts before and after the classifier; a refused film has no marks, and its true boxes count as missed."""
    row = {
        "patient": film["patient_id"],
        "normal": not film["boxes"],
        "truths": len(film["boxes"]),
        "refused": False,
        "score": None,
    }
    try:
        steps = {step.name: step for step in device.analyse(cohort / film["path"], explain=False).trace.filters}
    except DeviceError:
        return {**row, "refused": True, "below": False, **{name: {"true": 0, "false": 0} for name in STEPS}}
    parameters = steps[STEPS["after"]].parameters
    counts = {name: matched(steps[step].candidates, film["boxes"]) for name, step in STEPS.items()}
    return {**row, "score": parameters["score"], "below": parameters["class"] == "normal", **counts}


def matched(marks: Any, truths: list[dict[str, Any]]) -> dict[str, int]:
    """Count marks that take a true box of their finding at IoU 0.5, best mark first, each box once; the others are false."""
    left, true = list(truths), 0
    for mark in marks:
        best = max(
            (t for t in left if t["finding"] == mark.finding), key=lambda t: _iou(t["box"], mark.box.as_tuple()), default=None
        )
        if best is not None and _iou(best["box"], mark.box.as_tuple()) >= IOU:
            left.remove(best)
            true += 1
    return {"true": true, "false": len(marks) - true}


def _iou(one: Any, other: Any) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1).

    >>> _iou((0, 0, 4, 2), (2, 0, 6, 2)) == 4 / 12
    True
    """
    shared = max(0.0, min(one[2], other[2]) - max(one[0], other[0])) * max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return float(shared / (areas - shared))


def figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures with their intervals over patients; one that is undefined is None."""
    patients = sorted({row["patient"] for row in rows})
    of = {patient: [row for row in rows if row["patient"] == patient] for patient in patients}
    generator = np.random.default_rng(SEED)
    drawn = [
        measure([row for patient in generator.choice(patients, len(patients)) for row in of[str(patient)]])
        for _ in range(REPLICATES)
    ]
    values = measure(rows)
    return {
        "films": len(rows),
        "refused": sum(row["refused"] for row in rows),
        "normal_films": sum(row["normal"] for row in rows),
        "goal": f"false positives per normal film fall by at least {GOAL:.0%}",
        "goal_met": values["reduction"] is not None and values["reduction"] >= GOAL,
        **{name: {"value": value, "interval_95": _interval([one[name] for one in drawn])} for name, value in values.items()},
    }


def measure(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    """Return the figures of some films.

    >>> def film(normal, below, before, after, truths):
    ...     return {"normal": normal, "below": below, "truths": truths, "before": before, "after": after}
    >>> nothing, two, one = {"true": 0, "false": 0}, {"true": 0, "false": 2}, {"true": 1, "false": 0}
    >>> found = measure([film(True, True, two, nothing, 0), film(True, False, two, two, 0), film(False, False, one, one, 2)])
    >>> found["fp_per_normal_before"], found["fp_per_normal_after"], found["reduction"], found["sensitivity_after"], found["abnormal_below"]
    (2.0, 1.0, 0.5, 0.5, 0.0)
    """
    normal, other = ([row for row in rows if row["normal"] is kind] for kind in (True, False))
    before, after = (_mean([row[name]["false"] for row in normal]) for name in STEPS)
    return {
        "fp_per_normal_before": before,
        "fp_per_normal_after": after,
        "reduction": None if not before or after is None else 1.0 - after / before,
        "sensitivity_before": _share(sum(row["before"]["true"] for row in rows), sum(row["truths"] for row in rows)),
        "sensitivity_after": _share(sum(row["after"]["true"] for row in rows), sum(row["truths"] for row in rows)),
        "normal_below": _mean([row["below"] for row in normal]),
        "abnormal_below": _mean([row["below"] for row in other]),
    }


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _interval(values: list[float | None]) -> list[float] | None:
    """Return the 2.5 and 97.5 per cent quantiles; None where a replicate is undefined in more than one of 20."""
    known = [value for value in values if value is not None]
    return [round(float(q), 4) for q in np.quantile(known, [0.025, 0.975])] if len(known) >= 0.95 * len(values) else None


if __name__ == "__main__":
    main()
