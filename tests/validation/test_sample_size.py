"""The number of studies follows from the planning values: held to exact binomial power, to scipy, and to the pilot's evidence."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from validation import protocol, sample_size
from validation.errors import ValidationError

ROOT = Path(protocol.__file__).parent.parent


def with_value(plan, name, **changes):
    rows = tuple(replace(row, **changes) if row.id == name else row for row in plan.sample_size.endpoints)
    return replace(plan, sample_size=replace(plan.sample_size, endpoints=rows))


def test_the_committed_protocol_plans_enough_studies():
    found = sample_size.rationale(protocol.load())
    assert found
    assert found.required == max(need.studies for need in found.needs)
    assert {need.what for need in found.needs} == {
        "ap50-macro",
        "cpm-macro",
        "sensitivity",
        "false-positives",
        "smallest subgroup",
    }
    assert found.to_json()["required"] <= found.to_json()["planned"]


def test_the_pilots_figures_are_those_of_its_evidence():
    pilot = json.loads((ROOT / "evidence" / "sample_size" / "pilot.json").read_text(encoding="utf-8"))
    plan = {row.id: row for row in protocol.load().sample_size.endpoints}
    for name in ("ap50-macro", "cpm-macro"):
        interval = pilot["interval"][name]
        assert plan[name].pilot_half_width == pytest.approx((interval["high"] - interval["low"]) / 2, abs=1e-9)
        assert plan[name].pilot_studies == pilot["studies"]
    assert plan["sensitivity"].per_study == pytest.approx(pilot["truth_boxes"] / pilot["studies"], abs=1e-9)
    assert protocol.load().sample_size.smallest_subgroup == pilot["smallest_subgroup"]["patients"] / pilot["studies"]


def test_the_number_is_the_textbook_one():
    for deviation, away, level, power in ((0.5, 0.1, 0.95, 0.8), (0.17, 0.02, 0.95, 0.975), (1.2, 0.3, 0.9, 0.9)):
        z = stats.norm.ppf((1 + level) / 2) + stats.norm.ppf(power)
        assert sample_size.for_endpoint(deviation, away, level, power) == int(np.ceil((z * deviation / away) ** 2))


def test_simulated_studies_of_that_size_meet_the_endpoint_as_often_as_planned():
    generator = np.random.default_rng(1)
    plan = protocol.PlanningValue("s", "proportion", 0.925, per_study=2.0, inflation=1.0)
    studies = sample_size.for_endpoint(sample_size.spread(plan, 0.95), 0.025, 0.95, 0.9)
    rates = generator.binomial(2 * studies, 0.925, size=20_000) / (2 * studies)
    met = rates - 1.959964 * np.sqrt(rates * (1 - rates) / (2 * studies)) >= 0.9
    assert met.mean() == pytest.approx(0.9, abs=0.03)
    few = generator.binomial(studies, 0.925, size=20_000) / studies
    assert (few - 1.959964 * np.sqrt(few * (1 - few) / studies) >= 0.9).mean() < 0.75


def test_a_subgroup_is_large_enough_with_the_planned_probability_and_not_with_one_study_less():
    for minimum, share, power in ((30, 0.1, 0.9), (30, 0.5, 0.99), (1, 0.01, 0.8)):
        studies = sample_size.for_subgroup(minimum, share, power)
        assert stats.binom.sf(minimum - 1, studies, share) >= power - 1e-9
        assert stats.binom.sf(minimum - 1, studies - 1, share) < power


def test_a_closer_assumption_and_more_power_ask_for_more_studies():
    plan = protocol.load()
    base = sample_size.rationale(plan).required
    assert sample_size.rationale(with_value(plan, "ap50-macro", assumed=0.91)).required > base
    assert sample_size.rationale(replace(plan, sample_size=replace(plan.sample_size, power=0.99))).required > base
    assert not sample_size.rationale(replace(plan, locked=replace(plan.locked, studies=base - 1)))


@pytest.mark.parametrize(
    ("name", "assumed", "found"),
    [
        ("ap50-macro", 0.9, "an assumed value of 0.9 for a threshold at-least 0.9"),
        ("sensitivity", 0.8, "at-least 0.9"),
        ("false-positives", 0.3, "at-most 0.25"),
        ("false-positives", 0.2499, "at-most 0.25"),
    ],
)
def test_an_assumption_that_cannot_be_met_is_an_error(name, assumed, found):
    with pytest.raises(ValidationError, match=f"VAL-SAMPLE-SIZE .*{found}"):
        sample_size.rationale(with_value(protocol.load(), name, assumed=assumed))
