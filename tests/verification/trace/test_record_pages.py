"""One click behind the matrix: the record of each scenario row, of an accepted run and of no other."""

import json
import re

import pytest

from verification.trace import matrix, record_pages
from verification.trace.matrix_rows import anchor
from verification.trace.records import RECORDS

ROW = "TC:admission.feature::Every view is told"


def pages(project):
    matrix.write_formats(project.root, project.check(), ["html"])
    return {
        path.name: path.read_text(encoding="utf-8") for path in (project.root / matrix.FOLDER / record_pages.FOLDER).iterdir()
    }


def test_a_record_shows_what_the_clause_asks_for(project):
    (text,) = pages(project).values()
    for part in (
        "Procedure",
        "Expected",
        "Observed",
        "When the view is PA",
        "passed: Then the record says PA",
        "2026-11-21T10:00:00Z",
        "automated run, no person",
        "pytest 9.2.0",
    ):
        assert part in text
    assert project.check().identity.sha256 in text
    assert "IEC 62304 5.7.5" in text


def test_every_record_link_of_the_matrix_leads_to_its_record(project):
    found = pages(project)
    text = (project.root / matrix.MATRIX).read_text(encoding="utf-8")
    links = re.findall(r'href="records/([^"#]+)#([^"]+)"', text)
    assert len(links) == 2
    for name, target in links:
        assert f'id="{target}"' in found[name]


def test_the_way_back_leads_to_a_row_of_the_matrix(project):
    (text,) = pages(project).values()
    page = (project.root / matrix.MATRIX).read_text(encoding="utf-8")
    targets = re.findall(r'href="\.\./matrix\.html#([^"]+)"', text)
    assert {"SRS-001", "RC-001", anchor(ROW)} <= set(targets)
    assert all(f'id="{target}"' in page for target in targets)


def test_dates_stand_in_the_records_and_never_in_the_matrix(project):
    (text,) = pages(project).values()
    assert "2026-11-21T" in text
    for name in matrix.FORMATS:
        matrix.write_formats(project.root, project.check(), [name])
        if name != "xlsx":
            assert b"2026-11-21T" not in (project.root / matrix.FOLDER / f"matrix.{name}").read_bytes()


def test_records_of_a_run_that_is_not_accepted_are_not_shown(project):
    project.write("device_sw/device.py", "ADULT = 16\n")
    (text,) = pages(project).values()
    assert "not accepted as evidence" in text
    assert "Procedure" not in text


def test_a_missing_and_a_foreign_record_file_give_a_reason(project):
    data = json.loads(project.read(RECORDS))
    project.write(RECORDS, json.dumps({**data, "junit_sha256": "0" * 64}))
    (text,) = pages(project).values()
    assert record_pages.OTHER_RUN in text
    (project.root / RECORDS).unlink()
    (text,) = pages(project).values()
    assert f"no {RECORDS}" in text


def test_a_failed_row_says_why(project):
    project.verify({("Every view is told", "view=PA"): "<failure message='&lt;script&gt;alert(1)&lt;/script&gt;'/>"})
    (text,) = pages(project).values()
    assert "&lt;script&gt;alert(1)" in text
    assert "<script" not in text


def test_the_page_of_a_feature_that_is_gone_does_not_stay(project):
    pages(project)
    project.write(f"{matrix.FOLDER}/{record_pages.FOLDER}/old.html", "old")
    assert "old.html" not in pages(project)


@pytest.mark.parametrize("feature", ["../../x.feature", "a/b.feature", "a b.feature", "心.feature", ".feature", "x" * 300])
def test_the_name_of_a_page_is_safe_and_its_own(feature):
    name = record_pages.page_name(feature)
    assert re.fullmatch(r"[a-z0-9-]+\.html", name)
    assert len(name) < 80
    assert name != record_pages.page_name(f"{feature}2")
