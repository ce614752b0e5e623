"""The technical file states every known anomaly with its effect, its state and what was not assessed."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from device_sw._version import __version__
from pipeline.dossier.anomaly_pages import NONE_FOR_USERS, AnomalyPages, owed_to_users, told_sentences
from tests.edits import edit
from verification.trace.anomalies import ANOMALIES, NO_LIST, AnomalyList, State, read_anomalies

ROOT = Path(__file__).resolve().parents[3]


def test_every_anomaly_is_listed_with_effect_state_and_cause():
    known, problems = read_anomalies(ROOT)
    assert problems == ()
    pages = AnomalyPages(known)
    text = pages.listed()
    for each in known.anomalies:
        assert f"[{each.id}]" in text
        assert f"**{each.state}** since {each.history[-1].date}" in text
    assert "No hazardous situation: " in text
    by_design = sum(each.category == "design" for each in known.anomalies)
    assert f"design {by_design}" in pages.trends()


def test_an_empty_list_says_so():
    assert AnomalyPages(NO_LIST).listed() == "No anomaly is known."
    assert AnomalyPages(NO_LIST).trends() == "By cause: none."
    assert AnomalyPages(NO_LIST).for_users() == NONE_FOR_USERS


def first(**changed):
    known, _ = read_anomalies(ROOT)
    found = ("2026-11-20", "by use", "0.1.0", "0.1.0")
    return replace(known.anomalies[0], discovered=found, **changed)


@pytest.mark.parametrize(
    ("changed", "version", "owed"),
    [
        ({"state": State.OPEN}, "0.1.0", True),
        ({"state": State.ASSESSED}, "0.9.0", True),
        ({"state": State.RESOLVED, "fixed_in": "0.2.0"}, "0.1.0", True),
        ({"state": State.VERIFIED, "fixed_in": "0.10.0"}, "0.9.0", True),
        ({"state": State.RESOLVED, "fixed_in": "0.2.0"}, "0.2.0", True),
        ({"state": State.RESOLVED}, "0.1.0", False),
        ({"state": State.RESOLVED, "fixed_in": "0.1.0"}, "0.1.0", False),
        ({"state": State.OPEN, "situations": (), "no_safety_impact": "data only"}, "0.1.0", False),
    ],
)
def test_whom_an_anomaly_concerns(changed, version, owed):
    assert bool(owed_to_users(AnomalyList((first(**changed),)), version)) is owed


def test_what_users_are_told_is_what_the_page_prints():
    known, _ = read_anomalies(ROOT)
    text = AnomalyPages(known).for_users()
    assert [name for name in ("ANO-001", "ANO-003") if f"[{name}](#{name.lower()})" in text] == ["ANO-001", "ANO-003"]
    shown = text.replace("\\", "")
    assert [name for name, words in told_sentences(known).items() if words not in shown] == []
    assert "ANO-005" not in text, "it can lead to no hazardous situation"


def test_the_versions_with_an_anomaly_are_told_apart():
    here = AnomalyPages(AnomalyList((first(state=State.OPEN),))).for_users()
    mended = AnomalyPages(AnomalyList((first(state=State.RESOLVED, fixed_in=__version__),))).for_users()
    assert f"this one, {__version__}" in here
    assert f"before {__version__}" in mended


def test_a_weakness_is_named_where_one_fits():
    assert AnomalyPages(AnomalyList((first(),))).listed().count("*Weakness:* CWE-353") == 1
    assert "Weakness" not in AnomalyPages(AnomalyList((first(cwe=()),))).listed()


@pytest.mark.parametrize(("old", "new"), [('cwe = ["CWE-353"]', 'cwe = ["353"]'), ('fixed_in = "0.1.1"', 'fixed_in = "next"')])
def test_a_weakness_or_version_of_another_form_is_a_problem(tmp_path, old, new):
    (tmp_path / "verification").mkdir()
    shutil.copy(ROOT / ANOMALIES, tmp_path / ANOMALIES)
    _, problems = read_anomalies(edit(tmp_path, ANOMALIES, old, new))
    assert [each.code for each in problems] == ["SPC-VALUE"]
