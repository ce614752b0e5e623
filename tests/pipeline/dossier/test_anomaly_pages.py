"""The technical file states every known anomaly with its effect, its state and what was not assessed."""

from pathlib import Path

from pipeline.dossier.anomaly_pages import AnomalyPages
from verification.trace.anomalies import NO_LIST, read_anomalies

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
