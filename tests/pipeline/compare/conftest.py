"""A run with twenty invented films, as a comparison finds it, and the outcomes of a device on its test films."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

from pipeline.run import REPOSITORY, Run, write_json
from pipeline.training.dataset import write_split
from tests.validation.conftest import FINDINGS, film, outcome

SPLITS = {"train": 10, "val": 4, "test": 60}


@pytest.fixture
def source(tmp_path):
    """A finished run: params.yaml, cohort and prepared films of 32 pixels."""
    run, generator = Run(tmp_path / "run"), np.random.default_rng(4)
    films = [film(i, split, generator) for i, split in enumerate(name for name, count in SPLITS.items() for _ in range(count))]
    for number, row in enumerate(films):
        row["status"]["scoliosis"] = row["status"]["cardiac_hypertrophy"] = 0
        row["boxes"] = []
        if number % 3:
            row["status"][FINDINGS[number % 2]] = 1
            row["boxes"] = [{"finding": FINDINGS[number % 2], "box": [100, 100, 500, 400], "severity": 0.5}]
    cohort = {"schema": "thoratrace/cohort/1", "profile": "phantom", "budget": "quick", "seed": 4, "notes": [], "films": films}
    write_json(run.artifact("cohort") / "cohort.json", cohort)
    (run.artifact("cohort") / "films").mkdir()
    run.artifact("prepared").mkdir(parents=True)
    for split in ("train", "val"):
        rows = [{"film_id": row["film_id"], "boxes": [], "labels": []} for row in films if row["split"] == split]
        pixels = np.arange(len(rows), dtype=np.uint16)[:, None, None] * np.ones((1, 32, 32), np.uint16)
        write_split(run.artifact("prepared"), split, pixels, rows)
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
    params["train"]["findings"] = list(FINDINGS)
    (run.root / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    return run


def predictions_for(films, *, good):
    """Return predictions: truth boxes a little off for a good device, none of them for a bad one."""
    generator = np.random.default_rng(5)
    rows = [outcome(row, generator) for row in films]
    if not good:
        for row in rows:
            row["candidates"] = [found for found in row["candidates"] if found["box"][2] - found["box"][0] == 50]
    return {
        "schema": "thoratrace/predictions/1",
        "device_version": "0",
        "model_version": "0",
        "bundle_sha256": "0" * 64,
        "policy": "intended-use",
        "findings": list(FINDINGS),
        "thresholds": dict.fromkeys(FINDINGS, 0.5),
        "films": rows,
    }


def test_films_of(folder):
    """Return the test films of a comparison's material."""
    films = json.loads((folder / "cohort" / "cohort.json").read_text(encoding="utf-8"))["films"]
    return [row for row in films if row["split"] == "test"]


test_films_of.__test__ = False
