"""The validation record: what it counts, what it leaves out, and that it is the same twice."""

import json
import math
from dataclasses import replace

import pytest

from validation import cohort, predictions, protocol
from validation.errors import ValidationError
from validation.stages import standalone

SMALL = 60


@pytest.fixture
def evaluate(written):
    def run(cohort_json, predictions_json, budget="quick"):
        films = cohort.load(written("cohort.json", cohort_json))
        found = predictions.load(written("predictions.json", predictions_json))
        plan = replace(protocol.load(), replicates=SMALL)
        return standalone.run(films, found, standalone.Analysis(plan, plan.set_for("phantom", budget), budget))[0]

    return run


def test_a_good_device_passes_and_beats_the_trivial_one(evaluate, cohort_json, predictions_json):
    record = evaluate(cohort_json, predictions_json)
    ours, theirs = record["figures"]["ap50"]["macro"]["value"], record["figures_trivial"]["ap50"]["macro"]["value"]
    assert record["primary_passed"] is True
    assert ours > theirs
    above = record["figures_above_trivial"]["ap50_above_trivial"]["macro"]
    assert above["value"] == pytest.approx(ours - theirs, abs=1e-9)
    assert above["interval"]["low"] > 0
    assert record["statement"] == "pipeline check, no performance claim"


def test_the_record_is_json_without_nan_and_the_same_twice(evaluate, cohort_json, predictions_json):
    texts = [json.dumps(evaluate(cohort_json, predictions_json), sort_keys=True, allow_nan=False) for _ in range(2)]
    assert texts[0] == texts[1]


def test_a_point_lies_in_its_interval_and_macro_is_the_mean(evaluate, cohort_json, predictions_json):
    figures = evaluate(cohort_json, predictions_json)["figures"]
    for found in figures.values():
        values = [metric["value"] for name, metric in found.items() if name != "macro"]
        assert found["macro"]["value"] == pytest.approx(sum(values) / len(values), abs=1e-9)
        for metric in found.values():
            assert metric["interval"]["low"] <= metric["value"] <= metric["interval"]["high"]


def test_a_missed_goal_is_recorded_not_raised(evaluate, cohort_json, predictions_json):
    for film in predictions_json["films"]:
        film["candidates"] = []
    record = evaluate(cohort_json, predictions_json)
    assert record["primary_passed"] is False
    assert record["endpoints"][0]["value"] == 0.0
    assert [each["margin"] for each in record["endpoints"][:2]] == pytest.approx([-0.65, -0.6])


def test_figures_at_the_operating_point_are_judged_as_they_are_recorded(evaluate, cohort_json, predictions_json):
    record = evaluate(cohort_json, predictions_json, "release")
    judged = {endpoint["metric"]: endpoint for endpoint in record["endpoints"]}
    for name in ("sensitivity", "false_positives_per_film", "sensitivity_refusals_missed"):
        stated = record["operating_point"]["all_findings"][name]
        endpoint = judged[f"{name}.all_findings"]
        assert (endpoint["value"], endpoint["interval"], endpoint["n"]) == (
            stated["value"],
            stated["interval"],
            stated["denominator"],
        )
    assert judged["cpm.macro"]["value"] == record["figures"]["cpm"]["macro"]["value"]
    assert record["analysis"]["replicates"] == SMALL


def test_a_refused_film_is_counted_and_its_boxes_are_misses(evaluate, cohort_json, predictions_json):
    before = evaluate(cohort_json, predictions_json)
    positive = next(index for index, film in enumerate(f for f in cohort_json["films"] if f["split"] == "test") if film["boxes"])
    predictions_json["films"][positive] |= {"status": "refused", "code": "ADM-VIEW", "candidates": []}
    record = evaluate(cohort_json, predictions_json)
    assert record["refused"] == {"films": 1, "codes": {"ADM-VIEW": 1}}
    assert record["films"]["analysed"] == before["films"]["analysed"] - 1
    point = record["operating_point"]["all_findings"]
    lost = point["sensitivity_refusals_missed"]["denominator"] - point["sensitivity"]["denominator"]
    assert lost > 0
    assert point["sensitivity_refusals_missed"]["numerator"] == point["sensitivity"]["numerator"]
    assert record["figures_refusals_missed"]["ap50"]["macro"]["value"] < record["figures"]["ap50"]["macro"]["value"] + 1e-12


def test_film_level_figures_rest_on_normal_films_and_carry_intervals(evaluate, cohort_json, predictions_json):
    record = evaluate(cohort_json, predictions_json)
    point = record["operating_point"]
    test = [film for film in cohort_json["films"] if film["split"] == "test"]
    normal = sum(not any(film["status"].values()) for film in test)
    everything = point["all_findings"]
    assert everything["film_specificity"]["denominator"] == everything["false_positives_per_normal_film"]["denominator"] == normal
    assert everything["film_sensitivity"]["denominator"] == len(test) - normal
    parts = [found["false_positives_per_normal_film"] for found in point["per_finding"].values()]
    assert sum(part["numerator"] for part in parts) == everything["false_positives_per_normal_film"]["numerator"]
    for found in (everything, *point["per_finding"].values()):
        for name, metric in found.items():
            if name != "threshold":
                assert metric["interval"]["low"] <= metric["value"] <= metric["interval"]["high"], name


def test_refused_positive_films_count_in_no_film_level_figure(evaluate, cohort_json, predictions_json):
    before = evaluate(cohort_json, predictions_json)["operating_point"]["all_findings"]
    for film in predictions_json["films"][:3]:
        film |= {"status": "refused", "code": "ADM-VIEW", "candidates": []}
    after = evaluate(cohort_json, predictions_json)["operating_point"]["all_findings"]
    lost = [before[name]["denominator"] - after[name]["denominator"] for name in ("film_sensitivity", "film_specificity")]
    assert sum(lost) == 3


def test_froc_has_every_finding_their_macro_mean_and_all_marks_in_one_list(evaluate, cohort_json, predictions_json):
    record = evaluate(cohort_json, predictions_json)
    curves, figures = record["froc"], record["figures"]["cpm"]
    assert set(curves) == {*record["findings"], "macro", "all_findings"}
    for name in (*record["findings"], "macro"):
        assert curves[name]["cpm"]["value"] == pytest.approx(figures[name]["value"], abs=1e-9)
        assert curves[name]["cpm"]["interval"] == figures[name]["interval"]
    for found in curves.values():
        values = [point["value"] for point in found["sensitivity_at_false_positives_per_film"].values()]
        assert len(values) == 7
        assert values == sorted(values)
        assert found["cpm"]["value"] == pytest.approx(sum(values) / 7, abs=1e-9)
    truths = sum(part["truth_boxes"] for part in record["films"]["per_finding"].values())
    assert curves["all_findings"]["cpm"]["denominator"] == truths
    assert curves["all_findings"]["cpm"]["value"] < curves["macro"]["cpm"]["value"] + 1e-9


def test_hits_at_every_threshold_are_recorded_as_counts(evaluate, cohort_json, predictions_json):
    record = evaluate(cohort_json, predictions_json)
    for part in record["films"]["per_finding"].values():
        hits = list(part["hits"].values())
        assert list(part["hits"])[:3] == ["0.30", "0.40", "0.50"]
        assert hits == sorted(hits, reverse=True)
        assert hits[0] <= part["truth_boxes"]


def test_a_finding_without_truth_makes_the_primary_endpoint_fail_not_pass(evaluate, cohort_json, predictions_json):
    for film in cohort_json["films"]:
        film["status"]["scoliosis"] = 0
        film["boxes"] = [box for box in film["boxes"] if box["finding"] != "scoliosis"]
    record = evaluate(cohort_json, predictions_json)
    assert record["primary_passed"] is False
    assert record["endpoints"][0]["reason"] == "undefined: undefined for scoliosis (no truth boxes)"
    assert record["figures"]["ap50"]["scoliosis"]["value"] is None
    assert record["froc"]["scoliosis"]["cpm"]["reason"] == "no truth boxes"
    assert record["froc"]["macro"]["cpm"]["reason"] == "undefined for scoliosis (no truth boxes)"
    assert record["froc"]["all_findings"]["cpm"]["value"] > 0


def test_small_subgroups_are_listed_as_not_evaluated(evaluate, cohort_json, predictions_json):
    for film in cohort_json["films"][-5:]:
        film["strata"]["view"] = "AP"
    strata = evaluate(cohort_json, predictions_json)["subgroups"]["strata"]
    small = {"not_compared": "n=5 on one side, minimum 30"}
    assert strata["view"]["AP"] == {"films": 5, "patients": 5, "not_evaluated": "n=5, minimum 30", "difference": small}
    assert strata["view"]["PA"]["patients"] == 75
    assert 0 < strata["view"]["PA"]["sensitivity"]["value"] <= 1


def test_severity_terciles_share_out_the_positive_films(evaluate, cohort_json, predictions_json):
    record = evaluate(cohort_json, predictions_json)
    found = record["severity"]["scoliosis"]
    assert sum(part["films"] for part in found["terciles"]) == record["films"]["per_finding"]["scoliosis"]["positive_films"]
    means = [part["mean_severity"] for part in found["terciles"]]
    assert means == sorted(means)


def test_unknown_severity_is_said(evaluate, cohort_json, predictions_json):
    for film in cohort_json["films"]:
        for box in film["boxes"]:
            box["severity"] = None
    found = evaluate(cohort_json, predictions_json)["severity"]["scoliosis"]
    assert found["not_evaluated"].startswith("0 of ")


def test_confusion_counts_every_truth_box_once(evaluate, cohort_json, predictions_json):
    record = evaluate(cohort_json, predictions_json)
    for name, row in record["confusion"]["rows"].items():
        assert sum(row.values()) == record["films"]["per_finding"][name]["truth_boxes"]
    point = record["operating_point"]["per_finding"]["scoliosis"]
    assert record["confusion"]["rows"]["scoliosis"]["scoliosis"] == point["sensitivity"]["numerator"]


def test_an_outcome_missing_for_a_test_film_is_an_error(evaluate, cohort_json, predictions_json):
    predictions_json["films"].pop()
    with pytest.raises(ValidationError, match="1 test films without outcome"):
        evaluate(cohort_json, predictions_json)


def test_excluded_films_appear_in_no_count_but_in_the_exclusions(evaluate, cohort_json, predictions_json):
    last = cohort_json["films"][-1]
    last.update(scored=False, exclusion="disputed")
    record = evaluate(cohort_json, predictions_json)
    assert record["films"]["scored"] == 79
    assert {"finding": "scoliosis", "reason": "disputed", "films": 1} in record["exclusions"]


def test_floats_are_rounded_to_ten_digits():
    assert standalone.rounded([1 / 3, {"a": (2 / 3,)}]) == [0.3333333333, {"a": [0.6666666667]}]
    assert standalone.rounded(math.inf) == math.inf
