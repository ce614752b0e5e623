"""Calibration changes no order, so the version before it is as good, and its cut-offs are wrong for the one after it."""

from types import SimpleNamespace

import pytest

from device_sw.types import ScoreCurve
from validation import cohort, predictions, protocol
from validation.studies import carried_over
from validation.studies.carried_over import uncalibrated


@pytest.fixture
def found(predictions_json):
    return predictions.parse(predictions_json, "test")


@pytest.fixture
def curves(found):
    return dict.fromkeys(found.findings, ScoreCurve(slope=0.8, offset=-1.5))


def test_undoing_keeps_which_boxes_are_marked(found, curves):
    before = uncalibrated(found, curves)
    for name, film in found.films.items():
        kept = [one.score >= found.thresholds[one.finding] for one in film.candidates]
        assert [one.score >= before.thresholds[one.finding] for one in before.films[name].candidates] == kept


def test_old_cut_offs_are_refused_and_own_ones_accepted(found, curves, cohort_json, written, monkeypatch):
    films = cohort.load(written("cohort.json", cohort_json)).of_split("test")
    monkeypatch.setattr(carried_over, "observed", lambda *_: found)
    monkeypatch.setattr(carried_over, "load_bundle", lambda _: SimpleNamespace(settings=SimpleNamespace(calibration=curves)))
    record = carried_over.study(SimpleNamespace(bundle=None), films, protocol.load(), 1, lambda *_: None)
    assert [goal["passed"] for goal in record["goals"]] == [True, True]
    assert record["carried_over"]["unchecked"]
    assert record["own"]["rows"]["all_findings"]["sensitivity_shipped_minus_old"]["value"] == 0.0
