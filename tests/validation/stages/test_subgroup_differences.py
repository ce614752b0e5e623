"""Parts are compared with the rest of their stratum: a planted difference is found, corrected and called a limitation, and noise is not."""

from dataclasses import replace

import numpy as np
import pytest

from validation import cohort, predictions, protocol
from validation.metrics.intervals import draw
from validation.stages.selection import select
from validation.stages.subgroup_differences import differences


@pytest.fixture
def compare(written):
    def run(cohort_json, predictions_json, **changes):
        selection = select(
            cohort.load(written("cohort.json", cohort_json)), predictions.load(written("predictions.json", predictions_json))
        )
        plan = protocol.load()
        plan = replace(plan, subgroups=replace(plan.subgroups, **changes))
        drawn = draw({film.film_id: film.patient_id for film in selection.scored}, 400, 11)
        return differences(selection, dict.fromkeys(selection.findings, 0.5), drawn, plan)

    return run


def worse(predictions_json, films, of=1):
    """Take the marks of every ``of``-th of some films away."""
    lost = set(sorted(films)[::of])
    for film in predictions_json["films"]:
        if film["film_id"] in lost:
            film["candidates"] = []


def test_a_planted_difference_is_significant_and_a_limitation(compare, cohort_json, predictions_json):
    women = [film["film_id"] for film in cohort_json["films"] if film["split"] == "test" and film["strata"]["sex"] == "F"]
    worse(predictions_json, women)
    found = compare(cohort_json, predictions_json)
    row = found.rows["sex", "F"]
    assert row["value"] < -0.5
    assert row["interval"]["high"] < 0
    assert row["p_corrected"] < 0.001
    assert found.limitations == ["sex: F", "sex: M"]


def test_the_difference_is_that_of_the_two_sensitivities(compare, cohort_json, predictions_json):
    test = {film["film_id"]: film for film in cohort_json["films"] if film["split"] == "test"}
    worse(predictions_json, test, of=3)
    row = compare(cohort_json, predictions_json).rows["sex", "F"]
    kept = {film["film_id"] for film in predictions_json["films"] if film["candidates"]}
    rates = []
    for sex in "FM":
        mine = [film for film in test.values() if film["strata"]["sex"] == sex]
        boxes = sum(len(film["boxes"]) for film in mine)
        rates.append(sum(len(film["boxes"]) for film in mine if film["film_id"] in kept) / boxes)
    assert row["value"] == pytest.approx(rates[0] - rates[1], abs=0.02)


def test_two_parts_are_one_comparison_seen_from_two_sides(compare, cohort_json, predictions_json):
    found = compare(cohort_json, predictions_json)
    first, second = found.rows["sex", "F"], found.rows["sex", "M"]
    assert second["value"] == -first["value"]
    assert (second["interval"]["low"], second["p"]) == (-first["interval"]["high"], first["p"])
    assert compare(cohort_json, predictions_json, strata=("sex",)).tests == 1


def test_a_significant_but_small_difference_is_no_limitation(compare, cohort_json, predictions_json):
    women = [film["film_id"] for film in cohort_json["films"] if film["split"] == "test" and film["strata"]["sex"] == "F"]
    worse(predictions_json, women, of=2)
    found = compare(cohort_json, predictions_json, gap=0.9)
    assert found.rows["sex", "F"]["significant"] is True
    assert found.limitations == []


def test_more_comparisons_make_each_harder_to_pass(compare, cohort_json, predictions_json):
    generator = np.random.default_rng(2)
    for film in cohort_json["films"]:
        film["strata"] |= {"view": str(generator.choice(["AP", "PA"])), "dose": str(generator.choice(["low", "standard"]))}
    few = compare(cohort_json, predictions_json, strata=("sex",))
    many = compare(cohort_json, predictions_json)
    assert few.tests == 1 < many.tests
    assert few.rows["sex", "F"]["p"] == many.rows["sex", "F"]["p"] == few.rows["sex", "F"]["p_corrected"]
    assert many.rows["sex", "F"]["p_corrected"] >= few.rows["sex", "F"]["p_corrected"]


def test_a_stratum_of_one_part_and_a_part_that_is_too_small_are_not_compared(compare, cohort_json, predictions_json):
    for film in cohort_json["films"][-5:]:
        film["strata"]["view"] = "AP"
    found = compare(cohort_json, predictions_json)
    assert ("vendor", "A") not in found.rows
    assert found.rows["view", "AP"] == found.rows["view", "PA"] == {"not_compared": "n=5 on one side, minimum 30"}


def test_without_truth_boxes_on_one_side_there_is_no_difference(compare, cohort_json, predictions_json):
    for film in cohort_json["films"]:
        if film["strata"]["sex"] == "F":
            film["boxes"], film["status"] = [], dict.fromkeys(film["status"], 0)
    row = compare(cohort_json, predictions_json).rows["sex", "F"]
    assert (row["value"], row["reason"], row["significant"]) == (None, "no truth boxes on one side", False)
