"""A run says its figures, and keeps them as dated evidence with what they belong to."""

from __future__ import annotations

import json

import pytest

from pipeline.report import KEPT, keep, summarise
from pipeline.run import Run, write_json

ENDPOINT = {"id": "ap50-macro", "value": 0.7, "interval": None, "threshold": 0.65, "reason": None, "passed": True}
MISSED = {"id": "ap50-alarm", "value": None, "interval": None, "threshold": 0.8, "reason": "no truth boxes", "passed": False}


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path)
    (tmp_path / "params.yaml").write_text("profile: coco\nbudget: quick\ndata: {path: somewhere/private}\n", encoding="utf-8")
    record = dict.fromkeys(KEPT, "kept") | {
        "profile": "coco",
        "budget": "quick",
        "films_are": "real films",
        "statement": "no performance claim",
        "films": {"test": 3, "analysed": 2, "scored": 2, "scored_patients": 2},
        "refused": {"films": 1, "codes": {"ADM-CHILD": 1}},
        "endpoints": [ENDPOINT, MISSED],
        "subgroups": {},
        "confusion": "left out",
    }
    write_json(run.artifact("validation") / "validation.json", record)
    for folder, name in (("cohort", "cohort.json"), ("training", "weights.safetensors")):
        write_json(run.artifact(folder) / name, {})
    return run


def test_a_summary_says_refusals_and_what_was_not_passed(run):
    text = summarise(run)
    assert "test films 3, analysed 2, scored 2 of 2 patients" in text
    assert "ADM-CHILD" in text
    assert "passed: ap50-macro 0.700 (goal 0.65)" in text
    assert "NOT PASSED: ap50-alarm undefined: no truth boxes" in text


def test_kept_evidence_names_code_data_and_weights_but_no_folder_of_the_user(run, tmp_path):
    keep(run, tmp_path / "evidence.json")
    kept = json.loads((tmp_path / "evidence.json").read_text(encoding="utf-8"))
    assert {"date", "commit", "params", "cohort_sha256", "weights_sha256", "validation_sha256"} <= set(kept)
    assert set(kept["validation"]) == set(KEPT)
    assert "private" not in json.dumps(kept)
