"""The page of reasons: every family with its figures and objections, trials called trials, and studies that were not run named as such."""

import json
import re

import pytest

from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.figures import FigureShelf
from pipeline.dossier.rationale_pages import COMPARISON, TRANSFER, RationalePages

METRIC = {"value": 0.7, "interval": {"low": 0.6, "high": 0.8}}
FAMILY = {
    "figures": {name: {"macro": METRIC} for name in ("ap50", "ar100", "cpm", "d_ece")},
    "size": {"bundle_bytes": 7_500_000},
    "latency": {"p95_s": 0.31},
    "objections": [],
}
RECORD = {
    "date": "2026-11-21",
    "films_are": "phantom results",
    "share": 1,
    "films": {"train": 290},
    "epochs": 12,
    "train": {"epochs": 12},
    "choice": {"family": "small", "reason": "it stays: no admissible family has a higher AP50"},
    "rule": "The rule\nof two lines.",
    "families": {"small": FAMILY, "large": FAMILY | {"objections": ["its bundle has 99.0 MB, at most 20 allowed"]}},
    "failed": {"odd": "CMP-TRIAL"},
    "not_compared": ["yolo", "ssdlite"],
}
STUDY = {
    "date": "2026-11-21",
    "films_are": "real films",
    "finding": "scoliosis",
    "films": 282,
    "patients": 270,
    "boxes": 211,
    "folds": 3,
    "arms": {"frozen": {"rate": 0.1}},
    "train": {"learning_rate": 0.03},
    "figures": {arm: {name: {"scoliosis": METRIC} for name in ("ap30", "ap50", "cpm")} for arm in ("scratch", "transfer")},
    "differences_from_scratch": {"transfer": {name: {"scoliosis": {"value": 0.05}} for name in ("ap30", "ap50", "cpm")}},
}


@pytest.fixture
def pages(tmp_path):
    def make(files):
        for path, value in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(json.dumps(value), encoding="utf-8")
        (tmp_path / "evidence" / "transfer").mkdir(parents=True, exist_ok=True)
        (tmp_path / "evidence" / "transfer" / "transfer.png").write_bytes(b"picture")
        (tmp_path / "page").mkdir()
        book = EvidenceBook(tmp_path)
        return RationalePages(book, FigureShelf(tmp_path, tmp_path / "page", book))

    return make


def test_every_family_is_shown_with_what_speaks_against_it(pages):
    text = pages({COMPARISON: RECORD}).families()
    assert "it stays: no admissible family has a higher AP50" in text
    assert "The rule of two lines." in text
    assert "0.700 [0.600,\N{NO-BREAK SPACE}0.800]" in text
    assert "its bundle has 99.0 MB, at most 20 allowed" in text
    assert "its trial failed" in text
    assert "Not compared: " in text
    assert "yolo, ssdlite" in text
    assert "A trial of the tool" not in text
    assert re.search(r"trained on .*290.* films for at most .*12.* epochs", text)


@pytest.mark.parametrize("part", [{"share": 0.1}, {"epochs": 1}])
def test_a_trial_is_called_one(pages, part):
    assert "its figures say nothing about the families" in pages({COMPARISON: RECORD | part}).families()


def test_transfer_shows_each_arm_and_its_difference(pages):
    text = pages({TRANSFER: STUDY}).transfer()
    assert "transfer minus scratch" in text
    assert "one training for each fold and arm" in text
    assert "Where an interval of a difference holds 0, none was shown." in text
    assert "scratch minus scratch" not in text
    assert "0.050" in text
    assert "evidence/transfer/transfer.png" in text


def test_studies_that_were_not_run_are_named_with_their_commands(pages):
    found = pages({})
    assert "`./qms compare --keep evidence/compare` makes it" in found.families()
    assert "`python -m tests.benchmarks.transfer" in found.transfer()
