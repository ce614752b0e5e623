"""A small cohort and predictions in the exact file formats, drawn from a seed; values are invented, nothing comes from a patient."""

import json

import numpy as np
import pytest

FINDINGS = ("cardiac_hypertrophy", "scoliosis")


def film(number, split, generator):
    """One film: each finding present in half of the films, with a box near a typical place."""
    boxes, status = [], {}
    for index, name in enumerate(FINDINGS):
        status[name] = int(generator.random() < 0.5)
        if status[name]:
            x, y = generator.integers(0, 200, size=2) + 100 * index
            boxes.append(
                {"finding": name, "box": [int(x), int(y), int(x) + 400, int(y) + 300], "severity": float(generator.random())}
            )
    strata = {
        "sex": "FM"[number % 2],
        "age": 40 + number % 40,
        "age_band": "40-59" if number % 40 < 20 else "60-74",
        "body_size": "medium",
    }
    return {
        "film_id": f"P{number:04d}-1",
        "patient_id": f"P{number:04d}",
        "split": split,
        "path": f"films/P{number:04d}-1.dcm",
        "sha256": f"{number:064x}",
        "rows": 1024,
        "columns": 1024,
        "boxes": boxes,
        "status": status,
        "measurements": {},
        "strata": strata | {"vendor": "A", "view": "PA", "modality": "DX", "dose": "standard"},
        "mask": None,
        "scored": True,
        "exclusion": None,
    }


def outcome(film_, generator):
    """A good device: a jittered box with a high score for each truth, and a low-scored false one."""
    rows = []
    for box in film_["boxes"]:
        jitter = generator.integers(-30, 31, size=4)
        rows.append(
            {"finding": box["finding"], "box": (np.array(box["box"]) + jitter).tolist(), "score": 0.5 + generator.random() / 2}
        )
    x = int(generator.integers(0, 900))
    rows.append({"finding": FINDINGS[x % 2], "box": [x, x, x + 50, x + 50], "score": generator.random() * 0.6})
    return {
        "film_id": film_["film_id"],
        "status": "analysed",
        "code": None,
        "candidates": sorted(rows, key=lambda row: -row["score"]),
    }


@pytest.fixture
def cohort_json():
    generator = np.random.default_rng(5)
    films = [film(number, "train" if number < 30 else "val" if number < 40 else "test", generator) for number in range(120)]
    return {
        "schema": "thoratrace/cohort/1",
        "profile": "phantom",
        "budget": "quick",
        "seed": 1,
        "notes": ["drawn by a test"],
        "films": films,
    }


@pytest.fixture
def predictions_json(cohort_json):
    generator = np.random.default_rng(6)
    return {
        "schema": "thoratrace/predictions/1",
        "device_version": "0.0.0",
        "model_version": "0.0.0",
        "bundle_sha256": "0" * 64,
        "policy": "intended-use",
        "findings": list(FINDINGS),
        "thresholds": dict.fromkeys(FINDINGS, 0.5),
        "films": [outcome(film_, generator) for film_ in cohort_json["films"] if film_["split"] == "test"],
    }


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a value as JSON and returns its path."""

    def write(name, value):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value), encoding="utf-8")
        return path

    return write
