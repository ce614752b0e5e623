"""A finished little bundle and run, made through the real code, for tests that need one."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch
from safetensors.torch import save_file

from device_sw.detector.architecture import Architecture, build
from device_sw.detector.engine import NAME, PRECISION, VERSION
from pipeline.run import Run, write_json
from pipeline.training.initialisation import initialise

FINDINGS = ("cardiac_hypertrophy", "scoliosis")
ARCHITECTURE = Architecture(2, 64, (8, 8, 8, 8), 1, 8, 16, 40, 20, (((8.0, 8.0),), ((16.0, 16.0),), ((32.0, 32.0),)), 0.05)
ENGINE = {"name": NAME, "version": VERSION, "precision": PRECISION}


def write_bundle(folder, seed=3):
    """Write an untrained bundle with an empty golden set replaced by one golden film of its own outputs."""
    from device_sw.detector.bundle import load_bundle
    from device_sw.detector.inference import Detector, detections_to_json
    from device_sw.types import Letterbox, ModelInput

    folder.mkdir(parents=True)
    network = build(ARCHITECTURE)
    initialise(network, seed)
    save_file(network.state_dict(), folder / "weights.safetensors")
    (folder / "findings.toml").write_text('schema = "thoratrace/findings/1"\n', encoding="utf-8")
    write_json(
        folder / "model.json",
        {"architecture": ARCHITECTURE.to_json(), "engine": ENGINE, "findings": list(FINDINGS), "preprocessing": "tt-default-1"},
    )
    write_json(folder / "parity.json", {"films": 1, "max_box_px": 0.0, "max_score": 0.0})
    write_json(folder / "thresholds.json", {"thresholds": dict.fromkeys(FINDINGS, 0.5)})
    film = torch.linspace(0, 1, 64 * 64).reshape(64, 64)
    save_file({"film_0": film}, folder / "golden_inputs.safetensors")
    write_json(folder / "golden_outputs.json", {})
    write_manifest(folder)
    found = Detector(load_bundle(folder)).detect(ModelInput(film.numpy(), Letterbox(64, 64, 64))).candidates
    box = {"rows": 64, "columns": 64, "size": 64}
    write_json(folder / "golden_outputs.json", {"film_0": {"letterbox": box, "candidates": detections_to_json(found)}})
    write_manifest(folder)


def write_manifest(folder):
    """Hash what lies in the folder, as the package stage does."""
    files = sorted(path for path in folder.iterdir() if path.name != "manifest.json")
    manifest = {
        "schema": "thoratrace/bundle/1",
        "model_version": "0.0.1",
        "profile": "phantom",
        "budget": "quick",
        "lineage": {
            "weights_sha256": sha256(folder / "weights.safetensors"),
            "cohort_sha256": "c" * 64,
            "history_sha256": "d" * 64,
        },
        "files": {path.name: {"sha256": sha256(path), "size": path.stat().st_size} for path in files},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "artifacts" / "bundle"
    write_bundle(folder)
    return folder


@pytest.fixture
def finished_run(tmp_path, bundle):
    """A run folder with bundle, history, predictions and a validation that passed."""
    run = Run(tmp_path)
    (tmp_path / "params.yaml").write_text(
        "profile: phantom\nbudget: quick\nmodel_version: 0.0.1\ntrain: {epochs: 1}\n", encoding="utf-8"
    )
    losses = dict.fromkeys(("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg"), 0.5)
    validation = {"ap50": 0.4, "ar100": None, "ap50_by_finding": {"scoliosis": 0.4}}
    write_json(run.artifact("training") / "history.json", {"epochs": [{"epoch": 1, "losses": losses, "validation": validation}]})
    write_json(run.artifact("predictions") / "predictions.json", {"bundle_sha256": sha256(bundle / "manifest.json")})
    write_json(run.artifact("validation") / "validation.json", {"endpoints": [{"id": "ap50-macro", "passed": True}]})
    return run
