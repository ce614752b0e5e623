"""Each item and scenario finds exactly its own rows of the verification record, in the order of the record."""

import json

import pytest

from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.verification_pages import VERDICTS, VerificationPages


def row(feature, scenario, tags, outcome="passed", line=""):
    return {"feature": feature, "scenario": scenario, "row": line, "tags": tags, "outcome": outcome, "reason": "it differs"}


@pytest.fixture
def pages(tmp_path):
    rows = [
        row("b.feature", "Two rows", ["SRS-001", "RC-001"], line="1"),
        row("a.feature", "Same name", ["SRS-002"]),
        row("b.feature", "Two rows", ["SRS-001", "RC-001"], outcome="failed", line="2"),
        row("b.feature", "Same name", ["SRS-002", "SRS-002"]),
    ]
    path = tmp_path / VERDICTS
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"verdicts": rows}), encoding="utf-8")
    return VerificationPages(EvidenceBook(tmp_path))


@pytest.mark.parametrize(
    ("item", "said"),
    [("SRS-001", "1 of 2 passed"), ("RC-001", "1 of 2 passed"), ("SRS-002", "2 of 2 passed"), ("SRS-003", "no scenario result")],
)
def test_an_item_is_judged_by_all_its_rows_and_by_each_once(pages, item, said):
    assert said in pages.verdict(item)


def test_scenarios_of_one_name_in_two_files_stay_apart(pages):
    assert [place for place, _ in pages.results("a.feature", "Same name")] == [1]
    assert [place for place, _ in pages.results("b.feature", "Same name")] == [3]
    assert pages.results("a.feature", "Two rows") == ()


def test_only_items_of_which_all_passed_count(pages):
    assert pages.passed_ids() == {"SRS-002"}
