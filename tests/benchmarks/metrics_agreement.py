"""Whether the metrics are right: against references on 1,000 random cases each, on input that is none, and by the coverage of their intervals.

    python -m tests.benchmarks.metrics_agreement --out evidence/metrics_agreement

Parts, each written when it is done and skipped when it is there:

- `coco`: AP and AR against pycocotools and faster-coco-eval. Crowd-free; area range "all"; 1, 10 and 100 detections a film and finding; findings apart; half of the cases
  on a small integer grid, where overlaps, scores and thresholds tie, half off it.
- `counts`: FROC, CPM and the rates at an operating point against counting in plain Python with fractions.
- `bootstrap`: figures of weighted films against pycocotools on the films copied as often as they were drawn.
- `broken`: what each tool returns for boxes that are none.
- `coverage`: how often 95 % intervals hold the true value, with films drawn by patients as we do, without the bound at the ends of the scale, and with films drawn singly.
"""

from __future__ import annotations

import argparse
import json
import math
import warnings
from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tests.validation.metrics import coco_reference, plain_reference, small_cases
from validation.errors import ValidationError
from validation.metrics import average_precision as ap
from validation.metrics import froc, rates
from validation.metrics.intervals import bounded_interval, draw, percentile_interval
from validation.metrics.matching import ALL_IOUS, FindingMatches, match
from validation.metrics.pooling import pool
from validation.stages.figures import FIGURES

CASES = 1000
FINDINGS = ("one", "two")
COCO_FIGURES = tuple(name for name in FIGURES if not name.startswith("cpm"))


def _tools() -> dict[str, tuple[Any, Any]]:
    import faster_coco_eval

    return {
        "pycocotools": (COCO, COCOeval),
        "faster-coco-eval": (faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster),
    }


def main() -> None:
    """Measure what is not measured yet."""
    parts = {"coco": coco, "counts": counts, "bootstrap": bootstrap, "broken": broken, "coverage": coverage}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", choices=parts, help="one part only")
    parser.add_argument("--cases", type=int, default=CASES)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, measure in parts.items():
        place = arguments.out / f"{name}.json"
        if not place.exists() and arguments.part in {None, name}:
            packages = ("numpy", "pycocotools", "faster-coco-eval", "torchmetrics")
            head = {"date": datetime.now(UTC).date().isoformat(), "versions": {package: version(package) for package in packages}}
            value = head | measure(arguments.cases)
            place.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            print(place)  # noqa: T201


def coco(cases: int) -> dict[str, Any]:
    """AP and AR of both findings in every case, and whether both sides call the same figures undefined."""
    largest = {tool: dict.fromkeys(COCO_FIGURES, 0.0) for tool in _tools()}
    defined, undefined, contradictions = 0, 0, 0
    for seed in range(cases):
        truths, found = small_cases.case(seed, FINDINGS, whole=seed % 2 == 0)
        ours = _ours(match(truths, found, FINDINGS))
        sets = coco_reference.datasets(truths, found, FINDINGS)
        for tool, classes in _tools().items():
            arrays = coco_reference.evaluated(sets, ALL_IOUS, *classes).eval
            for column, name in enumerate(FINDINGS):
                theirs = coco_reference.figures(arrays["precision"], arrays["recall"], column)
                for figure, value in theirs.items():
                    mine = ours[name][figure]
                    contradictions += (mine is None) != (value is None)
                    undefined += mine is None
                    defined += mine is not None
                    if mine is not None and value is not None:
                        largest[tool][figure] = max(largest[tool][figure], abs(mine - value))
    return {
        "cases": cases,
        "conventions": "crowd-free, no ignored regions, area range all, maxDets 1/10/100, useCats 1, IoU 0.3, 0.4 and 0.5:0.05:0.95",
        "figures_compared": defined,
        "figures_undefined_on_both_sides": undefined - contradictions,
        "undefined_on_one_side": contradictions,
        "largest_difference": largest,
        "within_1e-12": max(max(row.values()) for row in largest.values()) <= 1e-12 and contradictions == 0,
    }


def _ours(matched: dict[str, FindingMatches]) -> dict[str, dict[str, float | None]]:
    once = {name: np.ones((1, len(found.films)), dtype=np.int64) for name, found in matched.items()}
    return {
        name: {figure: float(FIGURES[figure](found, once[name])[0]) if found.truth_count else None for figure in COCO_FIGURES}
        for name, found in matched.items()
    }


def counts(cases: int) -> dict[str, Any]:
    """FROC points, pooled FROC and rates; every comparison is of whole numbers or of exact fractions."""
    compared, different = Counter(), Counter()

    def note(what: str, mine: Any, theirs: Any) -> None:
        compared[what] += 1
        different[what] += mine != theirs

    for seed in range(cases):
        truths, found = small_cases.case(seed, FINDINGS, counts=(0, 1, 3, 6, 12))
        matched = match(truths, found, FINDINGS)
        marks = {name: plain_reference.marks(truths, found, name, 0.5) for name in FINDINGS}
        boxes = {name: plain_reference.truth_count(truths, name) for name in FINDINGS}
        for name in FINDINGS:
            if boxes[name]:
                note("FROC", _points(matched[name]), _expected(marks[name], boxes[name], len(truths)))
        if sum(boxes.values()):
            note(
                "FROC of all findings",
                _points(pool(matched)),
                _expected([*marks["one"], *marks["two"]], sum(boxes.values()), len(truths)),
            )
        threshold = (0.0, 0.3, 0.5, 1.0)[seed % 4]
        at = [froc.at_threshold(part, threshold, 0.5) for part in matched.values()]
        kept = {name: [mark for mark in part if mark[0] >= threshold] for name, part in marks.items()}
        _note_rates(note, truths, at, kept)
    return {"cases": cases, "compared": dict(compared), "different": dict(different), "equal": not any(different.values())}


def _points(matches: FindingMatches) -> list[Fraction]:
    found = [froc.sensitivity_at(matches, rate) for rate in froc.CPM_RATES]
    return [Fraction(point.numerator or 0, point.denominator or 1) for point in found]


def _expected(marks: Any, boxes: int, films: int) -> list[Fraction]:
    return [plain_reference.best_sensitivity(marks, boxes, films, rate) for rate in plain_reference.RATES]


def _note_rates(note: Any, truths: Any, at: Any, kept: Any) -> None:
    every = [mark for part in kept.values() for mark in part]
    positive = {film for film, found in truths.items() if any(map(len, found.values()))}
    absent = {(film, name) for film, found in truths.items() for name in FINDINGS if not len(found[name])}
    marked = {(film, name) for name, part in kept.items() for _, film, _ in part}
    false, normal = [film for _, film, hit in every if not hit], frozenset(set(truths) - positive)
    boxes = sum(len(rows) for found in truths.values() for rows in found.values())
    expected = {
        "sensitivity": (rates.sensitivity(at), sum(hit for *_, hit in every), boxes),
        "film sensitivity": (rates.film_sensitivity(at), len({film for _, film, hit in every if hit}), len(positive)),
        "specificity": (rates.specificity(at), len(absent - marked), len(absent)),
        "film specificity": (rates.film_specificity(at, normal), len(normal - set(false)), len(normal)),
        "false positives per film": (rates.false_positives_per_film(at), len(false), len(truths)),
        "false positives per normal film": (
            rates.false_positives_per_normal_film(at, normal),
            sum(film in normal for film in false),
            len(normal),
        ),
    }
    for name, (rate, above, below) in expected.items():
        note(name, (int(rate.above.sum()), int(rate.below.sum())), (above, below))


def bootstrap(cases: int) -> dict[str, Any]:
    """Weighted films against copied films given to pycocotools; every score is another, because copies of different films would tie otherwise."""
    largest, compared = dict.fromkeys(COCO_FIGURES, 0.0), 0
    for seed in range(cases // 10):
        truths, found = small_cases.case(seed, FINDINGS, counts=(0, 1, 3, 6, 12))
        found = _distinct(found, seed)
        matched = match(truths, found, FINDINGS)
        drawn = draw({film: film for film in truths}, 2, seed)
        values = {(name, figure): FIGURES[figure](matched[name], drawn.weights) for name in FINDINGS for figure in COCO_FIGURES}
        for row, weights in enumerate(drawn.weights):
            copies = [f"{film}#{copy}" for film, weight in zip(truths, weights, strict=True) for copy in range(weight)]
            both = ({copy: part[copy.partition("#")[0]] for copy in copies} for part in (truths, found))
            precision, recall = coco_reference.arrays(*both, FINDINGS, ALL_IOUS)
            for column, name in enumerate(FINDINGS):
                for figure, value in coco_reference.figures(precision, recall, column).items():
                    mine = float(values[name, figure][row])
                    assert math.isnan(mine) == (value is None)
                    if value is not None:
                        compared += 1
                        largest[figure] = max(largest[figure], abs(mine - value))
    return {"cases": cases // 10, "resamples": 2, "figures_compared": compared, "largest_difference": largest}


def _distinct(found: Any, seed: int) -> Any:
    generator = np.random.default_rng(seed)
    total = sum(len(rows) for part in found.values() for rows in part.values())
    scores = iter(generator.permutation(total) / max(total, 1))
    return {
        film: {name: np.array([[*row[:4], next(scores)] for row in rows]).reshape(-1, 5) for name, rows in part.items()}
        for film, part in found.items()
    }


GOOD, OTHER = (10.0, 10.0, 50.0, 50.0), (60.0, 60.0, 90.0, 90.0)
BROKEN = {
    "as it should be": ([GOOD], [(*GOOD, 0.9)]),
    "detection: an edge is NaN": ([GOOD], [(math.nan, 10.0, 50.0, 50.0, 0.9)]),
    "detection: an edge is infinite": ([GOOD], [(10.0, 10.0, math.inf, 50.0, 0.9)]),
    "detection: inverted": ([GOOD], [(50.0, 50.0, 10.0, 10.0, 0.9)]),
    "detection: without area": ([GOOD], [(10.0, 10.0, 10.0, 50.0, 0.9)]),
    "detection: given twice": ([GOOD, OTHER], [(*GOOD, 0.9), (*GOOD, 0.8), (*OTHER, 0.7)]),
    "detection: score is NaN": ([GOOD], [(*GOOD, math.nan)]),
    "detection: score is 1.5": ([GOOD], [(*GOOD, 1.5)]),
    "truth: an edge is NaN": ([(math.nan, 10.0, 50.0, 50.0)], [(*GOOD, 0.9)]),
    "truth: inverted": ([(50.0, 50.0, 10.0, 10.0)], [(*GOOD, 0.9)]),
    "truth: without area": ([(10.0, 10.0, 10.0, 50.0)], [(*GOOD, 0.9)]),
    "truth: given twice": ([GOOD, GOOD], [(*GOOD, 0.9)]),
    "no truth at all": ([], [(*GOOD, 0.9)]),
}


def broken(_cases: int) -> dict[str, Any]:
    """AP at IoU 0.5 as each tool gives it, or its error; ours by its code, or None with the reason."""
    tools = {
        "ours": _said_ours,
        **{name: partial(_said_coco, classes=classes) for name, classes in _tools().items()},
        "torchmetrics": _said_torchmetrics,
    }
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return {"ap50": {name: {tool: said(*case) for tool, said in tools.items()} for name, case in BROKEN.items()}}


def _said_ours(truth: Any, rows: Any) -> Any:
    try:
        found = ap.average_precision(match({"a": {"x": truth}}, {"a": {"x": rows}}, ["x"])["x"], (0.5,))
    except ValidationError as error:
        return f"refused: {error.code}"
    return found.reason if found.value is None else found.value


def _said_coco(truth: Any, rows: Any, classes: Any) -> Any:
    truths, found = ({"a": {"x": np.array(part).reshape(-1, width)}} for part, width in ((truth, 4), (rows, 5)))
    try:
        precision = coco_reference.evaluated(coco_reference.datasets(truths, found, ("x",)), (0.5,), *classes).eval["precision"]
    except Exception as error:  # noqa: BLE001 - whatever the tool raises is what is recorded
        return f"error: {type(error).__name__}"
    return _plain(float(precision[0, :, 0, 0, 2].mean()))


def _said_torchmetrics(truth: Any, rows: Any) -> Any:
    from torchmetrics.detection import MeanAveragePrecision

    metric = MeanAveragePrecision(iou_thresholds=[0.5])
    boxes, scored = torch.tensor(truth).reshape(-1, 4), torch.tensor(rows).reshape(-1, 5)
    try:
        metric.update(
            [{"boxes": scored[:, :4], "scores": scored[:, 4], "labels": torch.zeros(len(scored), dtype=torch.long)}],
            [{"boxes": boxes, "labels": torch.zeros(len(boxes), dtype=torch.long)}],
        )
        return _plain(float(metric.compute()["map"]))
    except Exception as error:  # noqa: BLE001 - as above
        return f"error: {type(error).__name__}"


def _plain(value: float) -> Any:
    return round(value, 6) if math.isfinite(value) else str(value)


COHORTS, REPLICATES, SIZES = 200, 300, (20, 60, 200)
TRUE_PATIENTS = 60_000


def coverage(_cases: int) -> dict[str, Any]:
    """Share of drawn cohorts whose 95 % interval holds the value of the population they are drawn from."""
    found: dict[str, Any] = {}
    for name, ability in {"ordinary": (6.0, 2.0), "nearly perfect": (400.0, 2.0)}.items():
        true = {figure: float(value[0]) for figure, value in _values(_cohort(ability, TRUE_PATIENTS, 0), None).items()}
        rows = {str(size): _covered(ability, size, true) for size in SIZES}
        found[name] = {"true": {figure: round(value, 4) for figure, value in true.items()}, "by_patients": rows}
    return {"cohorts": COHORTS, "replicates": REPLICATES, "films_per_patient": 2, "level": 0.95, "populations": found}


def _cohort(ability: tuple[float, float], patients: int, seed: int) -> tuple[FindingMatches, dict[str, str]]:
    """Two films a patient, each with one truth box in half of the patients; a patient's hits and false marks go with an ability of its own."""
    generator = np.random.default_rng((seed, patients, int(ability[0])))
    skill = np.repeat(generator.beta(*ability, patients), 2)
    truths = np.repeat(generator.random(patients) < 0.5, 2).astype(np.int64)
    hit = (generator.random(2 * patients) < skill) & (truths == 1)
    false = generator.poisson(3 * (1 - skill))
    film = np.concatenate([np.flatnonzero(hit), np.repeat(np.arange(2 * patients), false)])
    scores = np.concatenate([generator.beta(5, 2, hit.sum()), generator.beta(2, 4, false.sum())])
    hits = np.arange(len(film)) < hit.sum()
    order = np.argsort(-scores, kind="stable")
    names = tuple(f"f{index}" for index in range(2 * patients))
    matches = FindingMatches(
        "x", names, truths, film[order], np.zeros(len(film), dtype=np.int64), scores[order], hits[None, order], (0.5,)
    )
    return matches, {film_: f"p{index // 2}" for index, film_ in enumerate(names)}


def _values(cohort: tuple[FindingMatches, dict[str, str]], weights: Any) -> dict[str, Any]:
    matches = cohort[0]
    weights = np.ones((1, len(matches.films)), dtype=np.int64) if weights is None else weights
    at = froc.at_threshold(matches, 0.4)
    shares = {
        "sensitivity": rates.sensitivity([at]),
        "specificity": rates.specificity([at]),
        "false positives per film": rates.false_positives_per_film([at]),
    }
    found = {name: _share(rate, weights) for name, rate in shares.items()}
    found["AP50"] = ap.replicated_average_precision(matches, (0.5,), weights)
    found["CPM"] = froc.replicated_sensitivity(matches, froc.CPM_RATES, 0.5, weights).mean(axis=1)
    return found


def _share(rate: rates.Rate, weights: Any) -> Any:
    above, below = weights @ rate.above, (weights @ rate.below).astype(float)
    return np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)


def _covered(ability: tuple[float, float], size: int, true: dict[str, float]) -> dict[str, Any]:
    ways = ("patients", "patients, percentile alone", "films")
    held, asked = {way: Counter() for way in ways}, {way: Counter() for way in ways}
    for seed in range(1, COHORTS + 1):
        cohort = _cohort(ability, size, seed)
        matches, patient_of = cohort
        by_patient = draw(patient_of, REPLICATES, seed)
        positive, everyone = by_patient.patients_with(matches.films, matches.truths > 0), by_patient.patients
        negative = everyone - positive
        people = {"specificity": negative, "false positives per film": everyone}
        replicated = {"patients": _values(cohort, by_patient.weights)}
        replicated["films"] = _values(cohort, draw({film: film for film in patient_of}, REPLICATES, seed).weights)
        for figure, value in true.items():
            largest = None if figure.startswith("false") else 1.0
            intervals = {
                "patients": bounded_interval(replicated["patients"][figure], 0.95, people.get(figure, positive), largest),
                "patients, percentile alone": percentile_interval(replicated["patients"][figure]),
                "films": percentile_interval(replicated["films"][figure]),
            }
            for way, interval in intervals.items():
                if not isinstance(interval, str):
                    asked[way][figure] += 1
                    held[way][figure] += interval.low <= value <= interval.high
    return {way: {figure: round(held[way][figure] / asked[way][figure], 3) for figure in true} for way in ways}


if __name__ == "__main__":
    main()
