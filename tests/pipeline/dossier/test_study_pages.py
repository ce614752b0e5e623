"""The pages of studies: goals as judged, studies that were not run named as such, studies of another bundle marked."""

import json

import pytest

from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.figures import FigureShelf
from pipeline.dossier.study_pages import StudyPages

GOAL = {
    "title": "patients and files in more than one split",
    "value": 0.0,
    "interval": None,
    "n": 420,
    "direction": "at-most",
    "threshold": 0.0,
    "passed": True,
    "reason": None,
}
RECORD = {
    "question": "Were the test films seen in training?",
    "date": "2026-11-21",
    "films": 80,
    "patients": 80,
    "films_available": 80,
    "films_are": "phantom results",
    "device": {"bundle_sha256": "a" * 64},
    "command": "./qms study leakage",
    "goals": [GOAL, GOAL | {"value": None, "passed": False, "reason": "undefined: no training films"}],
    "planted": {"JPEG": {"copies": 12, "found": 11, "taken_for_another": 1}},
}


@pytest.fixture
def pages(tmp_path):
    def make(record, cut_offs=None, bundle="a" * 64):
        files = {
            "artifacts/predictions/predictions.json": {"bundle_sha256": bundle},
            "evidence/studies/leakage/study.json": record,
            "artifacts/cut_offs/cut_offs.json": cut_offs,
        }
        for path, value in files.items():
            if value is not None:
                (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / path).write_text(json.dumps(value), encoding="utf-8")
        book = EvidenceBook(tmp_path)
        (tmp_path / "page").mkdir()
        return StudyPages(book, FigureShelf(tmp_path, tmp_path / "page", book), {"scoliosis": "Scoliosis"})

    return make


def test_goals_are_shown_as_they_were_judged(pages):
    text = pages(RECORD).section("leakage")
    assert "Were the test films seen in training?" in text
    assert "`met <" in text
    assert "`not met <" in text
    assert "undefined: no training films" in text
    assert "the bundle that this file describes" in text
    assert "**not the bundle" not in text


def test_a_study_of_another_bundle_says_so(pages):
    assert "**not the bundle that this file describes**" in pages(RECORD, bundle="b" * 64).section("leakage")


def test_a_study_that_was_not_run_is_named_with_its_command(pages):
    assert pages(None).section("leakage") == "This study is not in this version. `./qms study leakage` runs it."


def test_the_first_version_has_no_predecessor(pages):
    assert "first version" in pages(RECORD, {"bundle_sha256": "a" * 64, "predecessor": None}).cut_offs()


def test_a_comparison_of_another_bundle_is_not_shown(pages):
    assert "not of the bundle" in pages(RECORD, {"bundle_sha256": "d" * 64, "predecessor": None}).cut_offs()


def test_versions_are_compared_finding_by_finding(pages):
    metric = {"value": 0.8, "interval": {"low": 0.7, "high": 0.9}}
    row = {
        "old_cut_off": 0.4,
        "new_cut_off": 0.5,
        "sensitivity": {"old at its cut-off": metric, "new at the old cut-off": metric, "new at its own cut-off": metric},
        "sensitivity_shipped_minus_old": {"value": None, "reason": "no truth boxes"},
    }
    text = pages(
        RECORD, {"bundle_sha256": "a" * 64, "predecessor": "c" * 64, "rows": {"scoliosis": row}, "passed": False}
    ).cut_offs()
    assert "does not hold" in text
    assert "Scoliosis" in text
    assert "undefined: no truth boxes" in text
