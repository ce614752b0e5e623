"""Every run is held once, with what it was made of; what must stay at home stays."""

import json

import pytest

from pipeline import tracking
from pipeline.registry_store import open_registry
from pipeline.run import read_json, write_json


@pytest.fixture
def client(finished_run):
    return open_registry(finished_run.artifact("mlflow"))


def held(client, run_id):
    run = client.get_run(run_id)
    parts = ("training", "validation", "bundle", "environment")
    return run, {entry.path for part in parts for entry in client.list_artifacts(run_id, part)}


def test_a_run_has_parameters_curves_plots_environment_and_identities(finished_run, client):
    for folder, name in (("training", "loss.png"), ("validation", "gallery.png")):
        (finished_run.artifact(folder) / name).write_bytes(b"a plot")
    endpoint = {"id": "ap50-macro", "passed": True, "value": 0.7, "interval": {"low": 0.6, "high": 0.8}}
    write_json(finished_run.artifact("validation") / "validation.json", {"endpoints": [endpoint]})
    run, names = held(client, tracking.hold(client, finished_run, "abc"))
    assert run.data.params["train.epochs"] == "1"
    assert run.data.metrics["losses.loss_classifier"] == 0.5
    assert run.data.metrics["validation.ap50_by_finding.scoliosis"] == 0.4
    assert run.data.metrics["endpoint.ap50-macro.low"] == 0.6
    assert run.data.tags["commit"] == "abc"
    assert all(
        len(run.data.tags[name]) == 64
        for name in ("code_sha256", "params_sha256", "weights_sha256", "bundle_sha256", "run_sha256")
    )
    assert run.inputs.dataset_inputs[0].dataset.name == "cohort phantom"
    assert {"training/loss.png", "validation/gallery.png", "bundle/manifest.json", "environment/requirements.lock"} <= names
    assert run.info.status == "FINISHED"


def test_the_environment_is_kept_as_it_is(finished_run, client, tmp_path):
    run_id = tracking.hold(client, finished_run, "abc")
    kept = read_json(tmp_path.__class__(client.download_artifacts(run_id, "environment/environment.json", str(tmp_path))))
    assert kept["distributions"]["mlflow"]
    assert set(kept["numeric_environment"]) == set(tracking.NUMERIC_ENVIRONMENT)


def test_the_same_run_is_held_once_and_another_apart(finished_run, client):
    first = tracking.hold(client, finished_run, "abc")
    assert tracking.hold(client, finished_run, "def") == first
    write_json(finished_run.artifact("validation") / "validation.json", {"endpoints": []})
    assert tracking.hold(client, finished_run, "abc") != first


def test_a_failed_run_is_held_without_results(finished_run, client):
    run, names = held(client, tracking.hold(client, finished_run, "abc", finished=False))
    assert run.info.status == "FAILED"
    assert not run.data.metrics
    assert not {name for name in names if not name.startswith("environment/")}


def test_pictures_of_patients_and_the_path_of_the_data_stay_at_home(finished_run, client):
    params = finished_run.root / "params.yaml"
    text = params.read_text(encoding="utf-8").replace("phantom", "eda") + "data: {path: ../secret, weak_normals: 3}\n"
    params.write_text(text, encoding="utf-8")
    (finished_run.artifact("validation") / "gallery.png").write_bytes(b"a patient")
    run, names = held(client, tracking.hold(client, finished_run, "abc"))
    assert "secret" not in json.dumps(run.to_dictionary(), default=str)
    assert run.data.params["data.weak_normals"] == "3"
    assert not {"validation/gallery.png", "environment/params.yaml"} & names


def test_a_trial_without_code_of_its_own_is_made_of_the_checkouts(finished_run, client):
    other = {"family": "fcos"}
    params = finished_run.root / "params.yaml"
    params.write_text(
        params.read_text(encoding="utf-8").replace("epochs: 1", f"epochs: 1, network: {json.dumps(other)}"), encoding="utf-8"
    )
    run, _ = held(client, tracking.hold(client, finished_run, "abc"))
    assert run.data.tags["code_sha256"] == tracking.code_sha256(tracking.REPOSITORY)
    assert run.info.run_name == "phantom-quick 0.0.1 fcos"
    assert run.info.artifact_uri.startswith((finished_run.artifact("mlflow") / "artifacts").as_uri())


def test_code_is_known_by_path_and_content(tmp_path):
    for name, text in (("a", "x = 1\n"), ("b", "x = 1\n"), ("c", "x = 2\n")):
        (tmp_path / name / "phantom").mkdir(parents=True)
        (tmp_path / name / "phantom" / "one.py").write_text(text, encoding="utf-8")
    same, again, other = (tracking.code_sha256(tmp_path / name) for name in "abc")
    assert same == again != other
