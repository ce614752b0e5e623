"""The Chinese page prints what the English one prints: the same warnings, the same residual risks, the same figures; and the label names what is missing."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.dossier.anomaly_pages import AnomalyPages
from pipeline.dossier.chinese_pages import ChinesePages
from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.label_page import MISSING, LabelPage
from pipeline.dossier.orientation_pages import OrientationPages
from pipeline.dossier.risk_pages import RiskPages
from pipeline.dossier.translation import load_translation
from verification.trace.anomalies import read_anomalies

ROOT = Path(__file__).resolve().parents[3]
CITED = re.compile(r"\{ev\}`([^<]+) <")


@pytest.fixture(scope="module")
def subject(risk, evaluation, verdicts):
    english = RiskPages(risk, risk.policy, evaluation, verdicts)
    book = EvidenceBook(ROOT)
    finding = {"id": "cardiac_hypertrophy", "name": "Cardiac hypertrophy", "chinese": ["心脈肥大"]}
    return SimpleNamespace(
        risk_file=risk,
        risk=english,
        book=book,
        orientation=OrientationPages(book),
        anomalies=AnomalyPages(read_anomalies(ROOT)[0]),
        findings=[finding],
        device_version="0.1.0",
    )


@pytest.fixture(scope="module")
def words(subject, told):
    return load_translation(ROOT, subject.risk_file, subject.risk.policy, told)


@pytest.fixture(scope="module")
def pages(subject, words):
    return ChinesePages(words, subject)


@pytest.mark.parametrize("part", ["residuals", "instructions"])
def test_the_items_are_those_of_the_english_page_in_its_order(pages, subject, part):
    theirs = re.findall(r"\[((?:HS|RC)-\d{3})\]", getattr(subject.risk, part)())
    assert theirs
    assert re.findall(r"\[((?:HS|RC)-\d{3})\]", getattr(pages, part)()) == theirs


def test_the_anomalies_are_those_of_the_english_page_in_its_order(pages, subject):
    theirs = re.findall(r"\[(ANO-\d{3})\]", subject.anomalies.for_users())
    assert {"ANO-001", "ANO-003"} <= set(theirs)
    assert re.findall(r"\[(ANO-\d{3})\]", pages.anomalies()) == theirs


@pytest.mark.parametrize("part", ["noticed", "wrongly"])
def test_the_figures_are_those_of_the_english_page(pages, subject, part):
    theirs = CITED.findall(getattr(subject.orientation, part)())
    assert theirs
    assert CITED.findall(getattr(pages, part)()) == [text.replace(" of ", "/") for text in theirs]


def test_no_english_sentence_is_left_in_a_row(pages):
    text = pages.residuals() + pages.misuse() + pages.words() + pages.anomalies()
    assert not re.search(r"[a-z]{4,} [a-z]{3,} [a-z]{3,}", re.sub(r'<span class="\w+">', "", text.split("\n\n", 1)[1]))


def test_the_state_of_the_translation_is_said(pages):
    assert "not checked by a native reader" in pages.note()


def test_what_no_manufacturer_has_stated_stands_on_the_label_with_its_gap(words, subject, monkeypatch):
    monkeypatch.setattr(subject.book, "figure", lambda _path, pointer: pointer)
    text = LabelPage(words, subject).listed()
    assert "/model_version" in text
    for item, _, gaps in MISSING:
        (row,) = [row for row in text.split("* - ") if row.startswith(item)]
        assert all(row.count(f"[{gap}](#{gap.lower()})") == 2 for gap in gaps)
