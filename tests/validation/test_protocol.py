"""The protocol decides by threshold and bound, and an undefined figure never passes."""

import re
import tomllib
from pathlib import Path

import pytest

from validation import protocol
from validation.errors import ValidationError
from validation.metrics.result import Interval, Metric

ROOT = Path(protocol.__file__).parent.parent
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
    result = protocol.judge(endpoint(**changes), Metric(value, denominator=40, interval=INTERVAL))
    assert bool(result) is passed
    assert result.margin == pytest.approx(margin)
    assert result.n == 40


def test_an_undefined_figure_is_not_passed_and_says_why():
    result = protocol.judge(endpoint(direction="at-most"), Metric.undefined("no truth boxes"))
    assert not result
    assert result.reason == "undefined: no truth boxes"
    assert result.to_json()["passed"] is False


def test_a_bound_without_interval_is_not_passed():
    result = protocol.judge(endpoint(bound="lower"), Metric(0.9, interval_reason="undefined in 900 of 1000 replicates"))
    assert not result
    assert result.reason == "no interval: undefined in 900 of 1000 replicates"


def test_an_unknown_direction_cannot_be_built():
    with pytest.raises(ValueError, match="direction 'more'"):
        endpoint(direction="more")


def test_the_committed_protocol_has_the_goals_of_both_budgets():
    found = protocol.load()
    primary = {budget: [e for e in found.set_for("phantom", budget).endpoints if e.primary] for budget in ("quick", "release")}
    assert [(e.metric, e.threshold, e.direction) for e in primary["quick"]] == [("ap50.macro", 0.65, "at-least")]
    assert [(e.metric, e.threshold, e.direction) for e in primary["release"]] == [("ap50.macro", 0.85, "at-least")]
    assert found.set_for("phantom", "quick").statement == "pipeline check, no performance claim"
    assert "no performance claim" in found.set_for("coco", "quick").statement
    assert found.minimum_n == 30


def test_a_run_without_endpoints_is_refused():
    with pytest.raises(ValidationError, match=r"VAL-PROTOCOL .*no endpoints for phantom/huge, expected phantom/quick"):
        protocol.load().set_for("phantom", "huge")


def test_an_endpoint_on_an_unknown_figure_is_refused():
    with pytest.raises(ValidationError, match=r"unknown figure ap50\.macro"):
        protocol.judge_all(protocol.load().set_for("phantom", "quick"), {})


@pytest.mark.parametrize("text", ["schema = 1", "not toml", 'schema = "thoratrace/protocol/1"'])
def test_a_broken_protocol_is_refused(text):
    with pytest.raises(ValidationError, match=r"VAL-PROTOCOL at protocol\.toml"):
        protocol.load(text)


def test_every_endpoint_names_a_requirement_that_exists():
    known = set()
    for path in (ROOT / "requirements_spec" / "data" / "software_requirements").glob("*.toml"):
        known |= {entry["id"] for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("requirement", [])}
    named = {e.requirement for entry in protocol.load().sets for e in entry.endpoints}
    assert named
    assert all(re.fullmatch(r"SRS-\d{3}", name) for name in named)
    assert named <= known
