"""The bill of the model says what this run's own results say, word for word and number for number."""

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from pipeline.release.errors import ReleaseRefused
from pipeline.release.parts.model_bill import model_bill
from pipeline.run import REPOSITORY, read_json, write_json

TIME = "2026-11-21T00:00:00Z"
WEIGHTS = "a" * 64
INTERVAL = {"low": 0.6, "high": 0.8, "level": 0.95}


@pytest.fixture
def root(tmp_path):
    """A run's results, as small as they can be."""
    folder = tmp_path / "artifacts"
    (tmp_path / "risk").symlink_to(REPOSITORY / "risk")
    shape = {"family": "faster_rcnn_small", "input_size": 384, "widths": [32, 64], "anchors": [[[1.0, 2.0]]]}
    engine = {"name": "openvino", "version": "2026.4.1", "precision": "f32"}
    files = {"weights.safetensors": {"sha256": WEIGHTS, "size": 7}}
    manifest = {
        "model_version": "0.0.1",
        "profile": "phantom",
        "budget": "quick",
        "files": files,
        "lineage": {"weights_sha256": WEIGHTS},
    }
    model = {"architecture": shape, "engine": engine, "findings": ["scoliosis"], "preprocessing": "tt-default-1"}
    endpoint = {
        "title": "AP",
        "direction": "at-least",
        "threshold": 0.65,
        "bound": "point",
        "passed": True,
        "value": 0.7,
        "interval": INTERVAL,
    }
    undefined = {"value": None, "reason": "no film with the finding"}
    group = {"difference": {"not_compared": "n=9 on one side, minimum 30"}, "patients": 9}
    validation = {
        "device": {"model_version": "0.0.1"},
        "endpoints": [endpoint],
        "figures": {"ap50": {"scoliosis": undefined, "macro": {"value": 0.7}}},
        "films_are": "phantom results",
        "operating_point": {
            "all_findings": {"sensitivity": {"value": 0.5, "interval": INTERVAL}},
            "per_finding": {"scoliosis": {}},
        },
        "protocol": {"sha256": "b" * 64},
        "statement": "pipeline check",
        "subgroups": {"figure": "sensitivity", "limitations": [], "strata": {"sex": {"F": group}}},
    }
    films = [
        {"split": "train", "patient_id": "P1", "status": {"scoliosis": 1}},
        {"split": "train", "patient_id": "P1", "status": {"scoliosis": 0}},
        {"split": "test", "patient_id": "P2", "status": {"scoliosis": None}},
    ]
    write_json(folder / "bundle" / "manifest.json", manifest)
    write_json(folder / "bundle" / "model.json", model)
    write_json(folder / "training" / "training.json", {"weights_sha256": WEIGHTS, "mode": "audit"})
    write_json(folder / "validation" / "validation.json", validation)
    write_json(folder / "cohort" / "cohort.json", {"films": films, "notes": ["phantom"], "profile": "phantom", "budget": "quick"})
    return tmp_path


def bill(root):
    return json.loads(model_bill(root, "d" * 64, TIME))


def test_it_is_valid_and_the_same_bytes_again(root):
    text = model_bill(root, "d" * 64, TIME)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.decode()) is None
    assert model_bill(root, "d" * 64, TIME) == text


def test_the_model_is_known_by_its_weights(root):
    component = bill(root)["components"][0]
    assert component["type"] == "machine-learning-model"
    assert component["hashes"] == [{"alg": "SHA-256", "content": WEIGHTS}]
    assert "not acceptable for clinical use" in component["description"]


def test_figures_are_copied_and_an_undefined_one_says_why(root):
    metrics = bill(root)["components"][0]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    bounds = {"lowerBound": "0.6", "upperBound": "0.8"}
    goal = "phantom results; at-least 0.65, judged on the point: met"
    assert metrics == [
        {"type": "AP", "slice": goal, "value": "0.7", "confidenceInterval": bounds},
        {"type": "AP at IoU 0.5", "slice": "macro", "value": "0.7"},
        {"type": "AP at IoU 0.5", "slice": "scoliosis", "value": "undefined: no film with the finding"},
        {"type": "sensitivity at the operating point", "slice": "all findings", "value": "0.5", "confidenceInterval": bounds},
    ]


def test_data_are_counted_by_split_and_named_by_their_root(root):
    data = {each["bom-ref"]: each for each in bill(root)["components"] if each["type"] == "data"}
    said = {each["name"]: each["value"] for each in data["data-train"]["data"][0]["contents"]["properties"]}
    assert said == {
        "thoratrace:data_root": "d" * 64,
        "thoratrace:films": "2",
        "thoratrace:patients": "1",
        "thoratrace:scoliosis": "1",
    }
    assert set(data) == {"data-train", "data-val", "data-test"}


def test_intended_use_and_subgroups_are_stated(root):
    considerations = bill(root)["components"][0]["modelCard"]["considerations"]
    assert "never stand-alone, never triage" in considerations["useCases"][0]
    assert considerations["fairnessAssessments"][0]["groupAtRisk"] == "sex F, 9 patients"
    assert considerations["technicalLimitations"][0] == "phantom results; pipeline check"


@pytest.mark.parametrize(
    ("name", "change", "where"),
    [
        ("training/training.json", {"weights_sha256": "c" * 64}, "artifacts/training"),
        ("validation/validation.json", {"device": {"model_version": "0.0.2"}}, "artifacts/validation"),
    ],
)
def test_results_of_another_model_are_refused(root, name, change, where):
    place = root / "artifacts" / name
    write_json(place, read_json(place) | change)
    with pytest.raises(ReleaseRefused, match=f"REL-BILL-MODEL at {where}"):
        bill(root)


def test_a_missing_result_is_refused(root):
    (root / "artifacts" / "cohort" / "cohort.json").unlink()
    with pytest.raises(ReleaseRefused, match="REL-BILL-RUN at the run's results: found FileNotFoundError"):
        bill(root)
