"""How long scoring takes: ours beside pycocotools, faster-coco-eval and torchmetrics, in one run on the same boxes.

    python -m tests.benchmarks.metrics_speed --out evidence/metrics_speed

Drawn boxes, no films: 1,000 films with seven findings, and 100 detections a film, once shared among the findings and once for each finding. All tools start from
boxes in memory in the form they ask for; making that form is timed apart. Ours is timed twice: for the figures the others give (AP at ten thresholds, AR at 1, 10 and 100),
and for everything a validation record holds besides (AP30, AP40, FROC, the rates at an operating point). The bootstrap is timed for ours alone, because no other has one.
Wall and processor time, the least of the repeats. The goals (1.0 s and 30 s) are judged by both; where the machine had other work (`load_average` above its cores), only the
processor time, which for one thread is the wall time on a free core, says something of the program. Not part of this: drawing, reading and printing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tests.validation.metrics import coco_reference
from validation.metrics import froc, rates
from validation.metrics.average_precision import RECALLS
from validation.metrics.intervals import draw
from validation.metrics.matching import COCO_IOUS, match
from validation.stages import figures, free_response

FINDINGS = tuple(f"finding {number}" for number in range(1, 8))
FILMS, DETECTIONS, REPLICATES = 1000, 100, 1000
GOAL_FIGURES_S, GOAL_BOOTSTRAP_S = 1.0, 30.0
LEVEL, IOU, THRESHOLD = 0.95, 0.5, 0.5
SHARED_BY = ("ap50", "ap75", "ap50_95", "ar1", "ar10", "ar100")
PACKAGES = ("numpy", "pycocotools", "faster-coco-eval", "torchmetrics", "torch")


def main() -> None:
    """Time everything and write speed.json and speed.png."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--films", type=int, default=FILMS)
    parser.add_argument("--replicates", type=int, default=REPLICATES)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "versions": {name: version(name) for name in PACKAGES},
        "goals": {"figures_s": GOAL_FIGURES_S, "bootstrap_s": GOAL_BOOTSTRAP_S},
        "films": arguments.films,
        "findings": len(FINDINGS),
        "shared": scene_timed(arguments.films, DETECTIONS, arguments.repeats),
        "each": scene_timed(arguments.films, DETECTIONS * len(FINDINGS), 1),
        "bootstrap": bootstrap_timed(arguments.films, arguments.replicates),
    }
    record["met"] = {
        name: {time_: times[time_] <= goal for time_ in ("cpu_s", "wall_s")}
        for name, times, goal in (
            ("figures", record["shared"]["ours, everything"], GOAL_FIGURES_S),
            ("bootstrap", record["bootstrap"], GOAL_BOOTSTRAP_S),
        )
    }
    (arguments.out / "speed.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    drawn(record).savefig(arguments.out / "speed.png", dpi=110, metadata={"Software": None})
    print(json.dumps(record, indent=1, sort_keys=True))  # noqa: T201


def machine() -> dict[str, Any]:
    """Return what the times depend on; the load says who else was working."""
    names = [
        row.partition(":")[2].strip() for row in Path("/proc/cpuinfo").read_text().splitlines() if row.startswith("model name")
    ]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
    }


def scene(films: int, per_film: int, seed: int = 1) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return truths and detections: 35 % of the findings present with one or two boxes, three detections near each, the rest noise."""
    generator = np.random.default_rng(seed)
    truths: dict[str, Any] = {}
    found: dict[str, Any] = {}
    for film in range(films):
        truths[f"f{film}"], found[f"f{film}"] = {}, {}
        for place, name in enumerate(FINDINGS):
            count = per_film // len(FINDINGS) + (place < per_film % len(FINDINGS))
            truth = _boxes(generator, int(generator.integers(1, 3)) if generator.random() < 0.35 else 0, 100)
            near = np.repeat(truth, 3, axis=0)
            near = np.clip(near + generator.normal(0, 30, near.shape), near - 45, near + 45)
            noise = _boxes(generator, count - len(near), 50)
            scores = np.concatenate([generator.beta(4, 2, len(near)), generator.beta(1, 5, len(noise))])
            truths[f"f{film}"][name] = truth
            found[f"f{film}"][name] = np.hstack([np.vstack([near, noise]), scores[:, None]])
    return truths, found


def _boxes(generator: np.random.Generator, count: int, least: float) -> np.ndarray:
    corner = generator.uniform(0, 1500, (count, 2))
    return np.hstack([corner, corner + generator.uniform(least, 700, (count, 2))])


def timed(function: Any, repeats: int) -> tuple[Any, dict[str, Any]]:
    """Return the last result, and the least wall and processor time."""
    wall, cpu, result = [], [], None
    for _ in range(repeats):
        began, worked = time.perf_counter(), time.process_time()
        result = function()
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - worked)
    return result, {"wall_s": round(min(wall), 3), "cpu_s": round(min(cpu), 3), "repeats": repeats}


def scene_timed(films: int, per_film: int, repeats: int) -> dict[str, Any]:
    """Time every tool on one scene and compare their AP@[.5:.95] and AR100 with ours."""
    truths, found = scene(films, per_film)
    sets, making = timed(lambda: coco_reference.datasets(truths, found, FINDINGS), 1)
    tensors, making_tensors = timed(lambda: _tensors(truths, found), 1)
    matched, everything = timed(lambda: _everything(truths, found), repeats)
    same, ours = timed(lambda: _same_figures(truths, found), repeats)
    record = {
        "detections": sum(len(rows) for film in found.values() for rows in film.values()),
        "truth_boxes": sum(len(rows) for film in truths.values() for rows in film.values()),
        "ours, everything": everything,
        "ours, the others' figures": ours,
    }
    import faster_coco_eval

    for name, coco, evaluation in (
        ("pycocotools", COCO, COCOeval),
        ("faster-coco-eval", faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster),
    ):
        run, times = timed(lambda c=coco, e=evaluation: coco_reference.evaluated(sets, COCO_IOUS, c, e), repeats)
        record[name] = times | {
            "making_the_input_s": making["wall_s"],
            "largest_difference": _difference(same, _of_arrays(run.eval)),
        }
    for backend in ("pycocotools", "faster_coco_eval"):
        result, times = timed(lambda b=backend: _torchmetrics(tensors, b), repeats)
        record[f"torchmetrics ({backend})"] = times | {
            "making_the_input_s": making_tensors["wall_s"],
            "largest_difference": _difference(same, _of_tensors(result)),
        }
    exact = _torchmetrics(tensors, "faster_coco_eval", rec_thresholds=RECALLS.tolist())
    record["torchmetrics_with_recall_levels_in_double_precision"] = _difference(same, _of_tensors(exact))
    assert set(matched) == set(FINDINGS)
    return record


def _everything(truths: Any, found: Any) -> dict[str, Any]:
    """Everything a validation record states about the marks: ten figures and FROC for each finding, pooled FROC, six rates."""
    matched = match(truths, found, FINDINGS)
    once = {name: np.ones((1, len(matches.films)), dtype=np.int64) for name, matches in matched.items()}
    for name, matches in matched.items():
        for figure in figures.FIGURES.values():
            figure(matches, once[name])
    free_response.figures(matched, draw({film: film for film in truths}, 1, 1), IOU, LEVEL)
    counts = [froc.at_threshold(matches, THRESHOLD, IOU) for matches in matched.values()]
    normal = frozenset(film for film, boxes in truths.items() if not any(map(len, boxes.values())))
    for rate in (rates.sensitivity, rates.film_sensitivity, rates.specificity, rates.false_positives_per_film):
        rate(counts).metric()
    for rate in (rates.film_specificity, rates.false_positives_per_normal_film):
        rate(counts, normal).metric()
    return matched


def _same_figures(truths: Any, found: Any) -> dict[str, list[float]]:
    matched = match(truths, found, FINDINGS, COCO_IOUS)
    once = np.ones((1, len(truths)), dtype=np.int64)
    return {name: [float(figures.FIGURES[name](matches, once)[0]) for matches in matched.values()] for name in SHARED_BY}


def _of_arrays(arrays: Any) -> dict[str, list[float]]:
    precision, recall = arrays["precision"], arrays["recall"]
    columns = range(len(FINDINGS))
    return {
        "ap50_95": [precision[:, :, column, 0, 2].mean() for column in columns],
        "ar100": [recall[:, column, 0, 2].mean() for column in columns],
    }


def _difference(ours: dict[str, list[float]], theirs: dict[str, list[float]]) -> float:
    return max(abs(a - b) for name, values in theirs.items() for a, b in zip(ours[name], values, strict=True))


def _tensors(truths: Any, found: Any) -> tuple[list[Any], list[Any]]:
    sides: tuple[list[Any], list[Any]] = ([], [])
    for films, side in ((found, sides[0]), (truths, sides[1])):
        for parts in films.values():
            rows = torch.from_numpy(np.vstack([part[:, :4] for part in parts.values()]))
            labels = torch.repeat_interleave(torch.arange(len(FINDINGS)), torch.tensor([len(part) for part in parts.values()]))
            side.append({"boxes": rows, "labels": labels})
    for film, parts in zip(sides[0], found.values(), strict=True):
        film["scores"] = torch.from_numpy(np.concatenate([part[:, 4] for part in parts.values()]))
    return sides


def _of_tensors(result: Any) -> dict[str, list[float]]:
    return {"ap50_95": result["map_per_class"].tolist(), "ar100": result["mar_100_per_class"].tolist()}


def _torchmetrics(tensors: Any, backend: str, **levels: Any) -> Any:
    from torchmetrics.detection import MeanAveragePrecision

    metric = MeanAveragePrecision(class_metrics=True, backend=backend, **levels)
    metric.warn_on_many_detections = False
    metric.update(*tensors)
    return metric.compute()


def bootstrap_timed(films: int, replicates: int) -> dict[str, Any]:
    """Time every figure of the record with its patient-level interval; two films a patient."""
    truths, found = scene(films, DETECTIONS)
    matched = match(truths, found, FINDINGS)
    patients = {film: f"p{index // 2}" for index, film in enumerate(truths)}

    def bootstrap() -> int:
        drawn_ = draw(patients, replicates, 1)
        table = figures.table(matched, drawn_, LEVEL)
        free_response.figures(matched, drawn_, IOU, LEVEL)
        return len(table)

    count, times = timed(bootstrap, 1)
    return times | {"replicates": replicates, "intervals": count + (len(FINDINGS) + 2) * (len(froc.CPM_RATES) + 1)}


def drawn(record: dict[str, Any]) -> Figure:
    """Return the times of both scenes as bars, with the goal."""
    made = Figure(figsize=(9, 5.2), layout="constrained")
    axes = made.add_subplot()
    names = [name for name, value in record["shared"].items() if isinstance(value, dict)]
    rows = np.arange(len(names))
    for key, offset, colour in (("shared", -0.2, "tab:blue"), ("each", 0.2, "tab:gray")):
        times = [record[key][name]["cpu_s"] for name in names]
        axes.barh(rows + offset, times, height=0.38, color=colour, label=f"{record[key]['detections']:,} detections")
        for row, seconds in zip(rows + offset, times, strict=True):
            axes.text(seconds * 1.05, row, f"{seconds:.2f} s", va="center", fontsize=8)
    axes.axvline(GOAL_FIGURES_S, color="black", linestyle=":", linewidth=1, label=f"goal for {record['shared']['detections']:,}")
    axes.set_yticks(rows, names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(left=0.05, right=2.5 * max(record["each"][name]["cpu_s"] for name in names))
    axes.set(
        xlabel="processor seconds of one thread (logarithmic), less is better",
        title=f"Scoring {record['films']:,} films, {record['findings']} findings",
    )
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3, axis="x")
    return made


if __name__ == "__main__":
    main()
