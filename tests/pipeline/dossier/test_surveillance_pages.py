"""A plan of surveillance rests on what the device writes, and on hazardous situations that exist."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.surveillance_pages import SurveillancePages
from pipeline.dossier.validation_pages import RECORD
from pipeline.file_error import FileError
from pipeline.surveillance.control_limits import control_limits
from pipeline.surveillance.plan import IDENTITY, PLAN, RESULTS, WRITER, audit_fields, load_plan, result_fields
from tests.edits import edit

ROOT = Path(__file__).resolve().parents[3]
SITUATIONS = {f"HS-{number:03d}" for number in range(100)}


@pytest.fixture
def tree(tmp_path):
    for name in (PLAN, WRITER, IDENTITY, RESULTS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_fields_are_those_of_a_line_that_the_device_wrote():
    sample = ROOT / "artifacts/samples/audit.jsonl"
    if not sample.is_file():
        pytest.skip("no finished run here (./qms demo makes it)")
    lines = [json.loads(line) for line in sample.read_text(encoding="utf-8").splitlines()]
    assert all(set(line) <= audit_fields(ROOT) for line in lines)
    assert {"status", "code", "detections", "bundle_sha256", "previous", "time"} <= audit_fields(ROOT)


def test_the_fields_of_a_result_are_those_of_its_schema():
    assert {"cautions", "scores", "distribution"} <= result_fields(ROOT)


def test_the_plan_of_this_project_holds():
    plan = load_plan(ROOT, SITUATIONS)
    assert len({each.id for each in plan.indicators}) == len(plan.indicators) > 8
    assert all(each.owner_role and each.limit and each.action for each in plan.indicators)


def test_a_record_that_the_device_does_not_write_is_named(tree):
    edit(tree, PLAN, '"audit:code"', '"audit:patient"')
    with pytest.raises(
        FileError, match=r"^FILE-CONTENT at docs/surveillance\.toml PMI-01: found no record of the device audit:patient"
    ):
        load_plan(tree, SITUATIONS)


def test_a_field_that_is_taken_out_of_the_device_is_noticed(tree):
    edit(tree, WRITER, '"detections": examination.detections,', "")
    with pytest.raises(FileError, match=r"^FILE-CONTENT at docs/surveillance\.toml PMI-03: .*audit:detections"):
        load_plan(tree, SITUATIONS)


def test_code_that_moved_is_named(tree):
    edit(tree, WRITER, "def _line(", "def _row(")
    with pytest.raises(FileError, match=r"^FILE-CONTENT at device_sw/batch/run\.py, .*found no _line"):
        load_plan(tree, SITUATIONS)


def test_a_situation_that_does_not_exist_is_named():
    with pytest.raises(FileError, match=r"PMI-01: found no hazardous situation HS-014"):
        load_plan(ROOT, SITUATIONS - {"HS-014"})


def test_an_unknown_key_is_refused_with_its_line(tree):
    edit(tree, PLAN, "chart = ", "graph = ")
    with pytest.raises(FileError, match=r"^FILE-DATA at docs/surveillance\.toml:\d+"):
        load_plan(tree, SITUATIONS)


@pytest.mark.parametrize(
    ("share", "films", "known", "limits"),
    [
        (0.5, 900, 10**9, (0.45, 0.55)),
        (0.5, 900, 900, (0.4293, 0.5707)),
        (0.01, 100, 400, (0.0, 0.0434)),
        (1.0, 50, 50, (1.0, 1.0)),
    ],
)
def test_limits_are_three_standard_deviations_of_window_and_baseline_and_stay_shares(share, films, known, limits):
    assert control_limits(share, films, known) == pytest.approx(limits, abs=1e-4)


def test_the_worked_example_is_read_from_the_record(tmp_path):
    record = {
        "findings": [],
        "films": {"test": 200},
        "refused": {"films": 10, "codes": {"ADM-PICTURE": 10}},
        "operating_point": {"all_findings": {"film_specificity": {"numerator": 45, "denominator": 50}}},
    }
    (tmp_path / RECORD).parent.mkdir(parents=True)
    (tmp_path / RECORD).write_text(json.dumps(record), encoding="utf-8")
    text = SurveillancePages(load_plan(ROOT, SITUATIONS), EvidenceBook(tmp_path)).worked()
    assert "10 of 200 (0.050)" in text
    assert "0.000 to 0.105" in text
    assert "5 of 50 (0.100)" in text


def test_a_share_that_did_not_occur_has_no_limits_by_the_formula(tmp_path):
    record = {
        "films": {"test": 80},
        "refused": {"films": 0, "codes": {}},
        "operating_point": {"all_findings": {"film_specificity": {"numerator": 13, "denominator": 20}}},
    }
    (tmp_path / RECORD).parent.mkdir(parents=True)
    (tmp_path / RECORD).write_text(json.dumps(record), encoding="utf-8")
    assert "each one is looked at" in SurveillancePages(load_plan(ROOT, SITUATIONS), EvidenceBook(tmp_path)).worked()


def test_the_page_says_of_each_indicator_whether_a_program_sums_it_up(tmp_path):
    plan = load_plan(ROOT, SITUATIONS)
    pages = SurveillancePages(plan, EvidenceBook(tmp_path))
    assert pages.indicators().count("*Summed up by* `./qms surveil`") == len(pages.summed().split(", ")) == 6
    reasons = pages.not_summed().splitlines()
    assert len(reasons) == len(plan.indicators) - 6
    assert all(line.startswith("- PMI-") and len(line) > 80 for line in reasons)
