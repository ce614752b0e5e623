"""Predictions are read strictly: a score, a box or a status that cannot be is an error, not a film without findings."""

import pytest

from validation import predictions
from validation.errors import ValidationError


def test_good_predictions_load(predictions_json, written):
    found = predictions.load(written("predictions.json", predictions_json))
    assert found.findings == ("cardiac_hypertrophy", "scoliosis")
    assert len(found.films) == 80
    assert found.identity["policy"] == "intended-use"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda value: value.update(schema="x"), r"\$\.schema is 'x'"),
        (lambda value: value.update(thresholds={}), r"\$\.thresholds is empty"),
        (lambda value: value.update(findings=["scoliosis"]), r"\$\.findings differ"),
        (lambda value: value["films"][0].update(status="skipped"), r"films\[0\]\.status is 'skipped'"),
        (lambda value: value["films"][0].update(code="ADM-VIEW"), r"code must be given exactly for a refused film"),
        (lambda value: value["films"][0].update(status="refused", code="ADM-VIEW"), "are given for a refused film"),
        (lambda value: value["films"][0]["candidates"][0].update(score=1.5), r"candidates\[0\]\.score 1.5 is not in \[0, 1\]"),
        (lambda value: value["films"][0]["candidates"][0].update(box=[5, 5, 5, 9]), r"\[5, 5, 5, 9\] is not a box"),
        (lambda value: value["films"][0]["candidates"][0].update(finding="gout"), "'gout' has no threshold"),
        (lambda value: value["films"].append(value["films"][0]), "hold a film twice"),
    ],
)
def test_each_damage_is_named(predictions_json, written, damage, message):
    damage(predictions_json)
    with pytest.raises(ValidationError, match=message) as caught:
        predictions.load(written("predictions.json", predictions_json))
    assert caught.value.code == "VAL-PREDICTIONS"
