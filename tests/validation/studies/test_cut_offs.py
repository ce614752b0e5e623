"""Two versions on the same films: an old cut-off that moved the sensitivity does not pass, whatever the ranking did."""

import copy

import pytest

from validation import cohort, predictions, protocol
from validation.errors import ValidationError
from validation.studies.cut_offs import ALL, KEPT, OLD, SHIPPED, compare


@pytest.fixture
def films(cohort_json, written):
    return cohort.load(written("cohort.json", cohort_json)).of_split("test")


def squeezed(value, factor):
    """The same ranking with other scores: what a retrained network often is."""
    other = copy.deepcopy(value)
    for film in other["films"]:
        for row in film["candidates"]:
            row["score"] *= factor
    return other


def of(value):
    return predictions.parse(value, "test")


def test_a_version_equals_itself(films, predictions_json):
    found = compare(films, of(predictions_json), of(predictions_json), protocol.load())
    assert found["passed"]
    assert found["rows"][ALL]["sensitivity_shipped_minus_old"]["value"] == 0.0
    assert found["rows"][ALL]["sensitivity_shipped_minus_old"]["interval"]["low"] == 0.0


def test_an_old_cut_off_on_other_scores_does_not_pass(films, predictions_json):
    found = compare(films, of(predictions_json), of(squeezed(predictions_json, 0.6)), protocol.load())
    assert not found["passed"]
    assert set(found["unchecked"]) == {"cardiac_hypertrophy", "scoliosis"}
    assert found["rows"][ALL]["sensitivity_kept_minus_old"]["value"] < -0.3


def test_the_same_version_with_cut_offs_of_its_own_passes(films, predictions_json):
    new = squeezed(predictions_json, 0.6)
    new["thresholds"] = dict.fromkeys(new["thresholds"], 0.3)
    found = compare(films, of(predictions_json), of(new), protocol.load())
    assert found["passed"]
    rates = found["rows"][ALL]["sensitivity"]
    assert rates[SHIPPED]["value"] == rates[OLD]["value"] > rates[KEPT]["value"]


def test_a_clear_loss_of_sensitivity_does_not_pass_even_with_new_cut_offs(films, predictions_json):
    new = copy.deepcopy(predictions_json)
    new["thresholds"] = dict.fromkeys(new["thresholds"], 0.9)
    found = compare(films, of(predictions_json), of(new), protocol.load())
    assert found["unchecked"] == []
    assert found["less_sensitive"]
    assert not found["passed"]


def test_versions_asked_about_other_films_cannot_be_compared(films, predictions_json):
    fewer = predictions_json | {"films": predictions_json["films"][:-1]}
    with pytest.raises(ValidationError, match=r"VAL-CUT-OFFS at two versions: found 1 of 80 films without an answer of both"):
        compare(films, of(predictions_json), of(fewer), protocol.load())
