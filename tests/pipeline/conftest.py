"""A finished little bundle and run, made through the real code, for tests that need one."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest

from pipeline.registry_store import open_registry
from pipeline.run import Run, write_json
from verification.steps import bundles


def write_bundle(folder):
    """Write an untrained bundle with everything a bundle holds, under a manifest of this run."""
    bundles.untrained(folder)
    say_chosen_for(folder)
    write_manifest(folder)


def say_chosen_for(folder):
    """Let the cut-offs name the weights and the calibration that lie beside them, as the package stage does."""
    place = folder / "thresholds.json"
    value = json.loads(place.read_text(encoding="utf-8"))
    value["chosen_for"] = {name: sha256(folder / name) for name in ("weights.safetensors", "calibration.json")}
    place.write_text(json.dumps(value), encoding="utf-8")


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


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """An MLflow store without anything in it; making its tables is most of the time a test of the registry would take."""
    folder = tmp_path_factory.mktemp("store")
    open_registry(folder)
    return folder / "mlflow.db"


@pytest.fixture
def finished_run(tmp_path, bundle, empty_store):
    """A run folder with bundle, history, predictions, a validation that passed, and an empty MLflow store."""
    return finish(tmp_path, empty_store)


@pytest.fixture(scope="module")
def shared_run(tmp_path_factory, empty_store):
    """The same for all tests of a module, which leave it as they found it."""
    folder = tmp_path_factory.mktemp("run")
    write_bundle(folder / "artifacts" / "bundle")
    return finish(folder, empty_store)


def finish(folder, empty_store):
    """Write what a run leaves beside its bundle."""
    run = Run(folder)
    bundle = run.artifact("bundle")
    run.artifact("mlflow").mkdir()
    shutil.copy(empty_store, run.artifact("mlflow") / "mlflow.db")
    (folder / "params.yaml").write_text(
        "profile: phantom\nbudget: quick\nmodel_version: 0.0.1\ntrain: {epochs: 1}\n", encoding="utf-8"
    )
    losses = dict.fromkeys(("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg"), 0.5)
    validation = {"ap50": 0.4, "ar100": None, "ap50_by_finding": {"scoliosis": 0.4}}
    write_json(run.artifact("training") / "history.json", {"epochs": [{"epoch": 1, "losses": losses, "validation": validation}]})
    write_json(run.artifact("predictions") / "predictions.json", {"bundle_sha256": sha256(bundle / "manifest.json")})
    write_json(run.artifact("validation") / "validation.json", {"endpoints": [{"id": "ap50-macro", "passed": True}]})
    write_json(
        run.artifact("cut_offs") / "cut_offs.json",
        {"bundle_sha256": sha256(bundle / "manifest.json"), "predecessor": None, "passed": True},
    )
    return run
