"""How the input contract was tried is told from the committed studies, each figure with the place it was read from."""

import json
from pathlib import Path

import pytest

from device_sw.dicom.admission import RULES
from pipeline.dossier.admission_pages import CASES, DEVICE, FUZZING, AdmissionPages, admission_table
from pipeline.dossier.evidence import EvidenceBook
from pipeline.file_error import FileError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def book():
    return EvidenceBook(ROOT)


def study(path):
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def rows(text):
    return text.count("* - ")


def test_every_rule_has_a_row_with_its_control():
    text = admission_table()
    assert all(f"`{rule.code}`" in text and rule.control in text for rule in RULES)


def test_each_part_of_the_contract_has_one_row_and_no_case_is_left_out(book):
    cases = study(CASES)["cases"]
    text = AdmissionPages(book).cases()
    assert rows(text) == len({case["item"] for case in cases}) + 1
    assert all(case["item"] in text for case in cases)
    assert all(f"`{case['intended-use']}`" in text for case in cases if case["intended-use"] != "admitted")


def test_each_bomb_has_its_outcome_time_and_memory(book):
    bombs = study(DEVICE)["bombs"]
    text = AdmissionPages(book).bombs()
    assert rows(text) == len(bombs) + 1
    assert all(bomb["file"] in text and f"{bomb['bytes']:,}" in text for bomb in bombs)


def test_the_study_of_spoilt_files_tells_its_faults_and_its_remark(book):
    text = AdmissionPages(book).fuzzing()
    told = study(FUZZING)
    assert f"{told['mutated_files']:,}" in text
    assert "/uncaught" in text
    assert told.get("remark", "") in text.replace("\\", "")


def test_a_wrong_case_is_counted_in_its_row(tmp_path):
    value = {
        "cases": [
            {"item": "age", "intended-use": "ADM-CHILD", "right": False},
            {"item": "age", "intended-use": "admitted", "right": True},
        ]
    }
    (tmp_path / CASES).parent.mkdir(parents=True)
    (tmp_path / CASES).write_text(json.dumps(value), encoding="utf-8")
    cells = [line.strip().lstrip("*- ") for line in AdmissionPages(EvidenceBook(tmp_path)).cases().splitlines() if line.strip()]
    assert cells[-5:-1] == ["2", "1", "`ADM-CHILD`", "1"]


def test_a_study_that_is_missing_stops_the_page(tmp_path):
    with pytest.raises(FileError, match="FILE-EVIDENCE"):
        AdmissionPages(EvidenceBook(tmp_path)).cases()
