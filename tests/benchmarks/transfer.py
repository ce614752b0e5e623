"""What a backbone that learned on the phantom brings on real films: lung infiltration, by cross-validation over the training and validation films.

    python -m tests.benchmarks.transfer --work artifacts/transfer --out evidence/transfer
    python -m tests.benchmarks.transfer --work artifacts/transfer-trial --films 40 --epochs 1 --folds 2     a trial of minutes, no evidence

The films of train and val are shared out over the folds by patient; those of test are not touched. For each fold and arm one network is trained on the
other folds (an eighth of their patients chooses the epoch) and detects on the fold, so that every film is scored by networks that never saw its patient.
Arms, stated before the first run, with everything else as in params.yaml:

* scratch: random first weights;
* transfer: the backbone of the phantom run (artifacts/training/weights.safetensors of the repository);
* frozen: the same, stem and first stage frozen, the rest of the backbone at a tenth of the rate.

AP at IoU 0.3 and 0.5 and CPM with 95 % patient-level intervals, and the difference of each arm from scratch, paired patient by patient. One training per
fold and arm: how much two trainings from other seeds differ is not in the interval. The command goes on where it stopped, within a training, too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import yaml
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from device_sw.detector.families.registry import build
from device_sw.launcher import numeric_environment
from pipeline.dvc_runs import merge
from pipeline.progress import bar
from pipeline.run import REPOSITORY, available_workers, file_sha256, write_json
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.configuration import TrainingConfiguration
from pipeline.training.dataset import read_split, write_split
from pipeline.training.evaluation import validation_figures
from pipeline.training.loop import train
from validation.metrics.intervals import draw
from validation.metrics.matching import ALL_IOUS, match
from validation.stages import figures
from validation.stages.standalone import rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA = REPOSITORY.parent / "shared" / "data" / "cxr_boxes"
PHANTOM = REPOSITORY / "artifacts" / "training" / "weights.safetensors"
SCRATCH = {"source": None, "take": ["backbone"], "frozen": [], "rate": 1.0}
ARMS: dict[str, dict[str, Any]] = {
    "scratch": SCRATCH,
    "transfer": {**SCRATCH, "source": str(PHANTOM)},
    "frozen": {"source": str(PHANTOM), "take": ["backbone"], "frozen": ["backbone.stem", "backbone.stages.0"], "rate": 0.1},
}
FIGURES = ("ap30", "ap50", "cpm_iou30", "cpm")
INNER, REPLICATES, LEVEL, SEED = 8, 2000, 0.95, 20261121


def main() -> None:
    """Do what is not done yet, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for films, weights and detections; real films stay there"
    )
    parser.add_argument("--out", type=Path, help="folder of the record; without it the record stays in --work")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--films", type=int, help="so many films only, evenly spaced: a trial")
    parser.add_argument("--epochs", type=int, help="fewer epochs than params.yaml has: a trial")
    parser.add_argument("--arms", default=",".join(ARMS))
    arguments = parser.parse_args()
    params = study_params(arguments.epochs)
    prepared_films(arguments.work, params)
    films = pooled(arguments.work, arguments.films)
    arms = arguments.arms.split(",")
    for fold in range(arguments.folds):
        for arm in arms:
            one_training(arguments.work, params, films, (fold, arguments.folds), arm)
    record = judged(arguments.work, params, films, arguments.folds, arms)
    target = arguments.out or arguments.work
    write_json(target / "transfer.json", record)
    drawn(record).savefig(target / "transfer.png", metadata={"Software": None})
    print(json.dumps({"figures": record["figures"], "differences": record["differences_from_scratch"]}, indent=1))  # noqa: T201


def study_params(epochs: int | None) -> dict[str, Any]:
    """Return params.yaml with the coco profile's changes."""
    params: dict[str, Any] = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
    profile = tomllib.loads((REPOSITORY / "pipeline" / "profiles.toml").read_text(encoding="utf-8"))["profile"]["coco"]
    params = merge(params, profile["params"]) | {"profile": "coco"}
    params["data"] = {**params.get("data", {}), "path": str(DATA)}
    return merge(params, {"train": {"epochs": epochs}}) if epochs else params


def prepared_films(work: Path, params: dict[str, Any]) -> None:
    """Bring the real films into the cohort format and to network size, by the pipeline's own stages."""
    work.mkdir(parents=True, exist_ok=True)
    (work / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    environment = {**os.environ, **numeric_environment(), "PYTHONPATH": str(REPOSITORY)}
    for stage, made in (("import_films", "cohort/cohort.json"), ("prepare", "prepared/val.json")):
        if not (work / "artifacts" / made).exists():
            subprocess.run([sys.executable, "-m", f"pipeline.stages.{stage}"], cwd=work, env=environment, check=True)


@dataclass(frozen=True)
class Pool:
    """The films of train and val together: pixels (films, size, size), their rows, and the patient of each."""

    pixels: np.ndarray
    rows: list[dict[str, Any]]
    patients: list[str]

    def write(self, folder: Path, split: str, chosen: Sequence[int]) -> None:
        """Write some of the films as a prepared split."""
        folder.mkdir(parents=True, exist_ok=True)
        write_split(folder, split, self.pixels[list(chosen)], [self.rows[i] for i in chosen])


def pooled(work: Path, films: int | None) -> Pool:
    """Return the prepared films of train and val, or so many of them, evenly spaced."""
    prepared = work / "artifacts" / "prepared"
    known = json.loads((work / "artifacts" / "cohort" / "cohort.json").read_text(encoding="utf-8"))["films"]
    patient_of = {film["film_id"]: film["patient_id"] for film in known}
    pixels = np.concatenate([np.load(prepared / f"{split}.npy", mmap_mode="r") for split in ("train", "val")])
    parts = [json.loads((prepared / f"{split}.json").read_text(encoding="utf-8"))["films"] for split in ("train", "val")]
    rows = parts[0] + parts[1]
    kept = np.linspace(0, len(rows) - 1, min(films or len(rows), len(rows))).astype(int).tolist()
    return Pool(pixels[kept], [rows[i] for i in kept], [patient_of[rows[i]["film_id"]] for i in kept])


def parts_of(patients: Sequence[str], fold: int, folds: int) -> tuple[list[int], list[int], list[int]]:
    """Return the indices of training, epoch-choosing and held-out films; no patient lies in two of them.

    >>> train, inner, held = parts_of([f"p{i // 2}" for i in range(60)], 0, 3)
    >>> len(train) + len(inner) + len(held), len(held)
    (60, 20)
    """
    names = sorted(set(patients))
    order = np.random.Generator(np.random.Philox(SEED)).permutation(len(names)).tolist()
    place = {names[index]: rank for rank, index in enumerate(order)}
    held = [i for i, name in enumerate(patients) if place[name] % folds == fold]
    rest = [i for i, name in enumerate(patients) if place[name] % folds != fold]
    inner = [i for i in rest if place[patients[i]] // folds % INNER == 0]
    return [i for i in rest if i not in set(inner)], inner, held


def one_training(work: Path, params: dict[str, Any], pool: Pool, place: tuple[int, int], arm: str) -> None:
    """Train one arm of one fold and write its detections on the held-out films, unless they are there."""
    fold, folds = place
    target = work / "detections" / f"{arm}-{fold}-of-{folds}.json"
    if target.exists():
        return
    folder = work / "folds" / f"{fold}-of-{folds}"
    for split, chosen in zip(("train", "val", "held"), parts_of(pool.patients, fold, folds), strict=True):
        pool.write(folder, split, chosen)
    configuration = TrainingConfiguration.from_params(merge(params["train"], {"transfer": ARMS[arm]}))
    with bar(f"{arm}, fold {fold + 1} of {folds}") as report:
        trained = train(
            folder,
            configuration,
            score_floor=params["package"]["score_floor"],
            workers=available_workers(),
            evaluate=validation_figures(configuration.findings),
            progress=report,
            checkpoint=Checkpoint(
                work / "checkpoints" / f"{target.stem}.safetensors", f"{target.stem} {len(pool.rows)} {params}"
            ),
        )
    network = build(trained.architecture)
    network.load_state_dict(trained.state)
    network.eval()
    held = read_split(folder, "held")
    found = {film.film_id: boxes_on(network, held.image(i)) for i, film in enumerate(held.films)}
    epochs = {"epochs": len(trained.history), "best_epoch": trained.best_epoch + 1}
    write_json(target, {"films": found, "transferred": trained.transferred.to_json() if trained.transferred else None, **epochs})


def boxes_on(network: Any, image: np.ndarray) -> list[list[float]]:
    """Return rows x0, y0, x1, y1, score in network pixels."""
    with torch.inference_mode():
        output = network([torch.from_numpy(image)[None]])[0]
    rows = zip(output["boxes"].tolist(), output["scores"].tolist(), strict=True)
    return [[*box, score] for box, score in rows if box[2] > box[0] and box[3] > box[1]]


def judged(work: Path, params: dict[str, Any], pool: Pool, folds: int, arms: Sequence[str]) -> dict[str, Any]:
    """Return the figures of every arm over all films and the paired differences from scratch."""
    (finding,) = params["train"]["findings"]
    truths = {row["film_id"]: {finding: row["boxes"]} for row in pool.rows}
    drawn_patients = draw(dict(zip(truths, pool.patients, strict=True)), REPLICATES, SEED)
    tables, runs = {}, {}
    for arm in arms:
        outcomes = [
            json.loads((work / "detections" / f"{arm}-{fold}-of-{folds}.json").read_text(encoding="utf-8"))
            for fold in range(folds)
        ]
        found = {name: {finding: rows} for outcome in outcomes for name, rows in outcome["films"].items()}
        matches = match(truths, {name: found[name] for name in truths}, [finding], ALL_IOUS)
        tables[arm] = {
            key: value
            for key, value in figures.table(matches, drawn_patients, LEVEL, FIGURES).items()
            if not key.endswith(".macro")
        }
        runs[arm] = [{key: outcome[key] for key in ("epochs", "best_epoch", "transferred")} for outcome in outcomes]
    differences = {
        arm: {key: figures.difference(table[key], tables["scratch"][key], LEVEL) for key in table}
        for arm, table in tables.items()
        if arm != "scratch" and "scratch" in tables
    }
    return dict(
        rounded(
            {
                "schema": "thoratrace/transfer-study/1",
                "date": datetime.now(UTC).date().isoformat(),
                "films_are": "real films of NIH ChestX-ray14 with radiologists' boxes, train and val of the split as given; test not touched",
                "finding": finding,
                "films": len(pool.rows),
                "patients": len(set(pool.patients)),
                "boxes": sum(len(row["boxes"]) for row in pool.rows),
                "folds": folds,
                "replicates": REPLICATES,
                "level": LEVEL,
                "phantom_weights_sha256": file_sha256(PHANTOM),
                "train": params["train"],
                "arms": {arm: {**ARMS[arm], "source": "phantom run" if ARMS[arm]["source"] else None} for arm in arms},
                "runs": runs,
                "figures": {arm: figures.to_json(table) for arm, table in tables.items()},
                "differences_from_scratch": {arm: figures.to_json(table) for arm, table in differences.items()},
            }
        )
    )


def drawn(record: dict[str, Any]) -> Figure:
    """Return the figures of the arms and the differences from scratch, with their intervals."""
    made = Figure(figsize=(10, 4.5), dpi=110, layout="constrained")
    made.suptitle(
        f"Backbone from the phantom, on {record['films']} real films ({record['boxes']} boxes), out-of-fold, {record['level']:.0%} intervals",
        fontsize=10,
    )
    left, right = made.subplots(1, 2)
    names = {"ap30": "AP at IoU 0.3", "ap50": "AP at IoU 0.5", "cpm_iou30": "CPM at IoU 0.3", "cpm": "CPM at IoU 0.5"}
    for axes, part, title in (
        (left, record["figures"], "each arm"),
        (right, record["differences_from_scratch"], "minus scratch"),
    ):
        for index, (arm, table) in enumerate(part.items()):
            _bars(axes, [table[name][record["finding"]] for name in names], index * 0.18, arm, list(record["arms"]).index(arm))
        axes.set_yticks(np.arange(len(names)) + 0.18, list(names.values()))
        axes.invert_yaxis()
        axes.set_title(title, fontsize=10)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.grid(alpha=0.3, axis="x")
        axes.legend(fontsize=8)
    left.set_xlim(0, None)
    right.axvline(0, color="black", linewidth=0.8)
    return made


def _bars(axes: Any, metrics: list[dict[str, Any]], shift: float, arm: str, colour: int) -> None:
    for row, metric in enumerate(metrics):
        label = arm if row == 0 else None
        axes.plot(metric["value"], row + shift, "o", color=f"C{colour}", markersize=5, label=label)
        if metric.get("interval"):
            axes.plot(
                [metric["interval"]["low"], metric["interval"]["high"]], [row + shift] * 2, color=f"C{colour}", linewidth=1.5
            )


if __name__ == "__main__":
    main()
