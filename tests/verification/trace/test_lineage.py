"""The claims of dvc.lock are recomputed, and DVC's own hash of a folder agrees with ours."""

import pytest
import yaml

from verification.trace.lineage import md5_of, stale_stages
from verification.trace.slices import SLICES

STAGES = SLICES["verification"].stages


def stale(project):
    return [(entry.stage, entry.what) for entry in stale_stages(project.root, STAGES)]


def test_a_fresh_run_is_not_stale(project):
    assert stale(project) == []


@pytest.mark.parametrize(
    ("name", "stage", "what"),
    [
        ("phantom/thorax.py", "cohort", "input phantom"),
        ("pipeline/training/loop.py", "train", "input pipeline/training"),
        ("device_sw/device.py", "predict", "input device_sw"),
        ("artifacts/validation/validation.json", "validate", "output artifacts/validation"),
        ("artifacts/bundle/manifest.json", "package", "output artifacts/bundle"),
    ],
)
def test_a_changed_input_or_output_is_named(project, name, stage, what):
    project.write(name, project.read(name) + " ")
    assert (stage, what) in stale(project)
    assert "TRC-PIPELINE-STALE" in project.codes()


def test_a_changed_parameter_is_named(project):
    project.write("params.yaml", "profile: coco\n")
    assert ("cohort", "parameter profile of params.yaml") in stale(project)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda stage: stage.update(cmd="python -m other"), "command"),
        (lambda stage: stage["deps"].append("risk"), "deps of dvc.yaml: risk"),
        (lambda stage: stage["deps"].remove("phantom"), "deps of dvc.yaml: phantom"),
        (lambda stage: stage["outs"].append("artifacts/more"), "outs of dvc.yaml: artifacts/more"),
    ],
)
def test_a_stage_defined_otherwise_is_named(project, change, what):
    definitions = yaml.safe_load(project.read("dvc.yaml"))
    change(definitions["stages"]["cohort"])
    project.write("dvc.yaml", yaml.safe_dump(definitions))
    assert stale(project) == [("cohort", what)]


def test_without_definitions_every_stage_is_stale(project):
    (project.root / "dvc.yaml").unlink()
    assert {stage for stage, _ in stale(project)} == set(STAGES)


def test_a_missing_output_is_named(project):
    (project.root / "artifacts/predictions/predictions.json").unlink()
    (project.root / "artifacts/predictions").rmdir()
    assert ("predict", "output artifacts/predictions") in stale(project)


def test_stages_that_do_not_fit_together_are_named(project):
    project.write("artifacts/train/out.txt", "another training")
    lock = yaml.safe_load(project.read("dvc.lock"))
    lock["stages"]["train"]["outs"][0]["md5"] = md5_of(project.root / "artifacts/train")
    project.write("dvc.lock", yaml.safe_dump(lock))
    assert stale(project) == [("package", "input artifacts/train")]


def test_validation_of_another_pipeline_is_not_shown(project):
    project.write("phantom/thorax.py", "RIBS = 23\n")
    assert project.check().counts["endpoints"] == 0


def test_folder_hash_is_that_of_dvc(tmp_path):
    hashing = pytest.importorskip("dvc_data.hashfile.tree")
    meta = pytest.importorskip("dvc_data.hashfile.meta")
    info = pytest.importorskip("dvc_data.hashfile.hash_info")
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_text("b")
    (tmp_path / "sub" / "a.txt").write_text("a")
    tree = hashing.Tree()
    for key in (("b.txt",), ("sub", "a.txt")):
        tree.add(key, meta.Meta(), info.HashInfo("md5", md5_of(tmp_path.joinpath(*key))))
    tree.digest()
    assert md5_of(tmp_path) == tree.hash_info.value


def test_what_dvc_ignores_does_not_count(tmp_path):
    (tmp_path / "a.py").write_text("a")
    before = md5_of(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.cpython-311.pyc").write_text("x")
    assert md5_of(tmp_path) == before
    assert md5_of(tmp_path / "absent") == "nothing"
