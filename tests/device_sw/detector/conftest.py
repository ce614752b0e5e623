"""A small untrained bundle, written through the real code."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file

from device_sw.detector.architecture import FasterRCNNSmall
from device_sw.detector.bundle import load_bundle
from device_sw.detector.engine import NAME, PRECISION, VERSION
from device_sw.detector.families.registry import build
from device_sw.detector.inference import Detector, detections_to_json
from device_sw.detector.judgement import golden_judgement
from device_sw.types import Letterbox, ModelInput

ARCHITECTURE = FasterRCNNSmall(
    classes=2,
    input_size=64,
    score_floor=0.05,
    widths=(8, 8, 8, 8),
    blocks=1,
    pyramid=8,
    box_head=16,
    proposals_train=40,
    proposals_test=20,
    anchors=(((8.0, 8.0),), ((16.0, 16.0),), ((32.0, 32.0),)),
)
ENGINE = {"name": NAME, "version": VERSION, "precision": PRECISION}
FINDINGS = ["cardiac_hypertrophy", "scoliosis"]
CURVES = {"cardiac_hypertrophy": {"slope": 0.8, "offset": -0.5}, "scoliosis": {"slope": 1.5, "offset": 0.25}}
VALUES = {"picture": 92, "network": 16}


def write_reference(folder, *, limit=2.0):
    """Reference films around zero with independent values."""
    parts = {name: {"mean": np.zeros(n), "scale": np.ones(n), "precision": np.eye(n)} for name, n in VALUES.items()}
    save_arrays(
        {f"{name}_{part}": values for name, own in parts.items() for part, values in own.items()},
        folder / "distribution.safetensors",
    )
    counts = {"reference_films": 4, "held_out_films": 3}
    (folder / "distribution.json").write_text(json.dumps({"limit": limit, "units": {"picture": 10.0, "network": 5.0}, **counts}))


def seal(folder, **changes):
    """Write the manifest over what lies in the folder; ``changes`` replace single manifest fields."""
    files = sorted(path for path in folder.iterdir() if path.name != "manifest.json")
    entries = {p.name: {"sha256": hashlib.sha256(p.read_bytes()).hexdigest(), "size": p.stat().st_size} for p in files}
    manifest = {
        "schema": "thoratrace/bundle/1",
        "model_version": "0.0.1",
        "profile": "phantom",
        "budget": "quick",
        "lineage": {},
        "files": entries,
    }
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}), encoding="utf-8")


@pytest.fixture(scope="session")
def pristine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    torch.manual_seed(1)
    network = build(ARCHITECTURE)
    save_file(network.state_dict(), folder / "weights.safetensors")
    (folder / "findings.toml").write_text("", encoding="utf-8")
    (folder / "model.json").write_text(
        json.dumps(
            {"architecture": ARCHITECTURE.to_json(), "engine": ENGINE, "findings": FINDINGS, "preprocessing": "tt-default-1"}
        )
    )
    (folder / "parity.json").write_text(json.dumps({"films": 1, "max_box_px": 0.0, "max_score": 0.0}))
    (folder / "thresholds.json").write_text(json.dumps({"thresholds": dict.fromkeys(FINDINGS, 0.5)}))
    film = torch.linspace(0, 1, 64 * 64).reshape(64, 64)
    save_file({"film_0": film}, folder / "golden_inputs.safetensors")
    (folder / "golden_outputs.json").write_text("{}")
    (folder / "golden_judgements.json").write_text("{}")
    (folder / "calibration.json").write_text(json.dumps({"curves": CURVES}))
    write_reference(folder)
    seal(folder)
    found = Detector(load_bundle(folder)).candidates(ModelInput(film.numpy(), Letterbox(64, 64, 64)))
    golden = {"film_0": {"letterbox": {"rows": 64, "columns": 64, "size": 64}, "candidates": detections_to_json(found)}}
    (folder / "golden_outputs.json").write_text(json.dumps(golden))
    seal(folder)
    bundle = load_bundle(folder)
    judged = golden_judgement(bundle, Detector(bundle), "film_0", {"rows": 64, "columns": 48, "size": 64})
    (folder / "golden_judgements.json").write_text(json.dumps({"film_0": judged}))
    seal(folder)
    return folder


@pytest.fixture
def bundle_folder(pristine, tmp_path):
    """A copy of the bundle that a test may damage."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    for path in pristine.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder
