"""The protocol decides by threshold and bound, and an undefined figure never passes."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

from validation import criterion, protocol
from validation.errors import ValidationError
from validation.metrics.result import Interval, Metric

ROOT = Path(protocol.__file__).parent.parent
TEXT = (ROOT / "validation" / "protocol.toml").read_text(encoding="utf-8")
INTERVAL = Interval(0.6, 0.8, 0.95, 1000)


def endpoint(**changes):
    values = {"id": "e", "title": "t", "metric": "ap50.macro", "direction": "at-least", "threshold": 0.65, "bound": "point"}
    return protocol.Endpoint(**values | {"requirement": "SRS-039", "primary": True} | changes)


@pytest.mark.parametrize(
    ("changes", "value", "passed", "margin"),
    [
        ({}, 0.65, True, 0.0),
        ({}, 0.64, False, -0.01),
        ({"direction": "above"}, 0.65, False, 0.0),
        ({"direction": "above"}, 0.66, True, 0.01),
        ({"direction": "at-most"}, 0.65, True, 0.0),
        ({"direction": "at-most"}, 0.7, False, -0.05),
        ({"bound": "lower"}, 0.7, False, -0.05),
        ({"bound": "upper"}, 0.7, True, 0.15),
    ],
)
def test_direction_and_bound_decide(changes, value, passed, margin):
    result = criterion.judge(endpoint(**changes), Metric(value, denominator=40, interval=INTERVAL))
    assert bool(result) is passed
    assert result.margin == pytest.approx(margin)
    assert result.n == 40


def test_an_undefined_figure_is_not_passed_and_says_why():
    result = criterion.judge(endpoint(direction="at-most"), Metric.undefined("no truth boxes"))
    assert not result
    assert result.reason == "undefined: no truth boxes"
    assert result.to_json()["passed"] is False


def test_a_bound_without_interval_is_not_passed():
    result = criterion.judge(endpoint(bound="lower"), Metric(0.9, interval_reason="undefined in 900 of 1000 replicates"))
    assert not result
    assert result.reason == "no interval: undefined in 900 of 1000 replicates"


def test_an_unknown_direction_cannot_be_built():
    with pytest.raises(ValueError, match="direction 'more'"):
        endpoint(direction="more")


def test_the_committed_protocol_has_the_goals_of_both_budgets():
    found = protocol.load()
    goals = {
        budget: [(e.metric, e.direction, e.threshold, e.bound) for e in found.set_for("phantom", budget).primary]
        for budget in ("quick", "release")
    }
    assert goals["quick"] == [("ap50.macro", "at-least", 0.65, "point"), ("ap50.macro", "at-least", 0.6, "lower")]
    assert goals["release"] == [
        ("ap50.macro", "at-least", 0.9, "lower"),
        ("cpm.macro", "at-least", 0.85, "lower"),
        ("sensitivity.all_findings", "at-least", 0.9, "lower"),
        ("false_positives_per_film.all_findings", "at-most", 0.25, "upper"),
    ]
    assert found.set_for("phantom", "quick").statement == "pipeline check, no performance claim"
    assert "no performance claim" in found.set_for("coco", "quick").statement
    assert (found.subgroups.minimum_n, found.subgroups.multiplicity) == (30, "holm")
    assert found.locked.studies >= 1500
    assert found.locked_set == found.set_for("phantom", "release")


def test_every_endpoint_is_judged_by_the_end_of_its_interval_that_faces_the_threshold_but_the_first_goal_of_the_quick_run():
    facing = {"at-least": "lower", "above": "lower", "at-most": "upper"}
    endpoints = [e for entry in protocol.load().sets for e in entry.endpoints]
    first, rest = endpoints[0], endpoints[1:]
    assert (first.id, first.bound) == ("ap50-macro", "point")
    assert [(e.id, e.bound) for e in rest] == [(e.id, facing[e.direction]) for e in rest]


def test_a_run_without_endpoints_is_refused():
    with pytest.raises(ValidationError, match=r"VAL-PROTOCOL .*no endpoints for phantom/huge, expected phantom/quick"):
        protocol.load().set_for("phantom", "huge")


def test_an_endpoint_on_an_unknown_figure_is_refused():
    with pytest.raises(ValidationError, match=r"unknown figure ap50\.macro"):
        criterion.judge_all(protocol.load().set_for("phantom", "quick"), {})


@pytest.mark.parametrize("text", ["schema = 1", "not toml", 'schema = "thoratrace/protocol/1"'])
def test_a_broken_protocol_is_refused(text):
    with pytest.raises(ValidationError, match=r"VAL-PROTOCOL at protocol\.toml"):
        protocol.load(text)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\nversion = ", "\nextra = 1\nversion = ", r"\$ has unknown extra"),
        ("iou = 0.5 ", "iou = 1.5 ", r"\$\.analysis\.iou is not in \(0, 1\)"),
        ("seed = 11 ", "sead = 11 ", r"\$\.analysis lacks seed; \$\.analysis has unknown sead"),
        ('"body_size"', '"shoe_size"', r"\$\.subgroups\.strata holds 'shoe_size', which no cohort states"),
        ('"holm"', '"none"', r"\$\.subgroups\.multiplicity is not one of holm"),
        ("studies = 1500", "studies = 0", r"\$\.locked\.studies is not a positive integer"),
        ("pilot_studies = 300", "per_study = 300", r"\$\.sample_size\.endpoint\[0\] lacks pilot_studies"),
        (
            'id = "cpm-macro"\nmodel',
            'id = "ap30-macro"\nmodel',
            "found planning values for ap30-macro, ap50-macro, false-positives",
        ),
        ("threshold = 0.65\n", "threshold = nan\n", r"\$\.set\[0\]\.endpoint\[0\]\.threshold is not a finite number"),
        ('"at-most"', '"less"', r"\$\.set\[1\]\.endpoint\[3\]\.direction is not one of at-least, above, at-most"),
        ('id = "ap50-macro-above-trivial"', 'id = "ap50-macro"', r"\$\.set\[0\]\.endpoint holds an id twice"),
        ('budgets = ["release"]', 'budgets = ["quick"]', r"\$\.set holds two sets for one run"),
        ('budget = "release"', 'budget = "huge"', "no endpoints for phantom/huge"),
        ("iou = 0.5 ", "iou = 0.5\niou = 0.3 ", "is no TOML"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(old, new, message):
    assert old in TEXT
    with pytest.raises(ValidationError, match=message):
        protocol.load(TEXT.replace(old, new, 1))


def test_every_problem_is_named_at_once():
    with pytest.raises(ValidationError, match=r"level.*studies.*bound"):
        protocol.load(
            TEXT.replace("level = 0.95", "level = 95").replace("studies = 1500", "studies = -1").replace('"upper"', '"top"', 1)
        )


def test_any_change_of_the_text_is_another_protocol():
    assert protocol.load(TEXT).sha256 == protocol.load().sha256
    assert protocol.load(TEXT + "# a remark\n").sha256 != protocol.load().sha256


def test_the_locked_seed_depends_on_protocol_and_weights_and_can_be_counted_by_hand():
    plan, weights = hashlib.sha256(b"protocol").hexdigest(), hashlib.sha256(b"weights").hexdigest()
    by_hand = hashlib.sha256(f"thoratrace/locked-cohort/1\n{plan}\n{weights}\n".encode()).hexdigest()
    assert f"{protocol.locked_seed(plan, weights):064x}" == by_hand
    assert len({protocol.locked_seed(plan, weights), protocol.locked_seed(weights, plan), protocol.locked_seed(plan, plan)}) == 3


@pytest.mark.parametrize("value", ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64])
def test_a_seed_of_what_is_no_hash_is_refused(value):
    with pytest.raises(ValueError, match="the weights hash is no SHA-256"):
        protocol.locked_seed("0" * 64, value)


def test_every_endpoint_names_a_requirement_that_exists():
    known = set()
    for path in (ROOT / "requirements_spec" / "data" / "software_requirements").glob("*.toml"):
        known |= {entry["id"] for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("requirement", [])}
    named = {e.requirement for entry in protocol.load().sets for e in entry.endpoints}
    assert named
    assert all(re.fullmatch(r"SRS-\d{3}", name) for name in named)
    assert named <= known
