"""Runs: the canonical one is the repository, every other one a folder of its own with its own parameters."""

from __future__ import annotations

import pytest
import yaml

from pipeline import dvc_runs
from pipeline.run import REPOSITORY, Run


def test_phantom_quick_is_the_repository_itself():
    assert dvc_runs.configure("phantom", "quick", None).root == REPOSITORY


@pytest.mark.parametrize(
    ("profile", "budget", "message"),
    [
        ("mri", "quick", r"RUN-PROFILE at --profile: found mri, expected phantom or coco or eda or vindr or nih"),
        ("phantom", "huge", r"RUN-BUDGET at --budget: found huge"),
    ],
)
def test_an_unknown_name_is_refused(profile, budget, message):
    with pytest.raises(dvc_runs.RunError, match=message):
        dvc_runs.configure(profile, budget, None)


def test_a_missing_data_folder_is_one_clear_line(tmp_path):
    with pytest.raises(dvc_runs.RunError, match=r"DATA-MISSING at --data: found no folder .*nowhere"):
        dvc_runs.configure("coco", "quick", tmp_path / "nowhere")


def test_another_run_has_its_own_parameters_and_stages(tmp_path, monkeypatch):
    monkeypatch.setattr(dvc_runs, "run_folder", lambda profile, budget: tmp_path / f"{profile}-{budget}")
    data = tmp_path / "data"
    data.mkdir()
    run = dvc_runs.configure("coco", "quick", data)
    params = run.params()
    assert (params["profile"], params["budget"], params["data"]["path"]) == ("coco", "quick", str(data.resolve()))
    assert params["train"]["findings"] == ["lung_field_infiltration"]
    assert params["train"]["seed"] == Run(REPOSITORY).params()["train"]["seed"]
    stages = yaml.safe_load((run.root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert stages["cohort"]["cmd"] == "python -m pipeline.stages.import_films"
    assert stages["train"] == yaml.safe_load((REPOSITORY / "dvc.yaml").read_text(encoding="utf-8"))["stages"]["train"]
    assert (run.root / "device_sw" / "errors.py").read_bytes() == (REPOSITORY / "device_sw" / "errors.py").read_bytes()


def test_a_run_keeps_the_weights_that_it_starts_from(tmp_path, monkeypatch):
    monkeypatch.setattr(dvc_runs, "run_folder", lambda profile, budget: tmp_path / f"{profile}-{budget}")
    weights = tmp_path / "phantom.safetensors"
    weights.write_bytes(b"weights")
    run = dvc_runs.configure("phantom", "release", None, weights)
    assert run.params()["train"]["transfer"]["source"] == "pretrained/phantom.safetensors"
    assert (run.root / "pretrained" / "phantom.safetensors").read_bytes() == b"weights"
    stages = yaml.safe_load((run.root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert "pretrained/phantom.safetensors" in stages["train"]["deps"]
    assert str(tmp_path) not in (run.root / "params.yaml").read_text(encoding="utf-8")
    again = dvc_runs.configure("phantom", "release", None)
    assert again.params()["train"]["transfer"]["source"] is None
    assert not (again.root / "pretrained").exists()


@pytest.mark.parametrize(("profile", "budget"), [("phantom", "quick"), ("phantom", "release")])
def test_weights_that_are_not_there_or_not_for_this_run_are_refused(tmp_path, profile, budget):
    with pytest.raises(dvc_runs.RunError, match="RUN-PRETRAINED at --pretrained"):
        dvc_runs.configure(profile, budget, None, tmp_path / "nothing.safetensors")
