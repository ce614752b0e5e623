"""Figures are counted again: thresholds, the build they name, and patients in one split."""

import json
from types import SimpleNamespace

import pytest

from verification.trace.checks.figures import (
    endpoints_are_counted_again,
    endpoints_are_the_protocols,
    figures_name_this_build,
    holds,
    patients_are_in_one_split,
)
from verification.trace.validated_build import COHORT, Statement, ValidatedBuild, read_validated_build

VALIDATION = "artifacts/validation/validation.json"
PREDICTIONS = "artifacts/predictions/predictions.json"
MANIFEST = "artifacts/bundle/manifest.json"


def case(build=None, endpoints=()):
    return SimpleNamespace(inputs=SimpleNamespace(build=build or ValidatedBuild(), endpoints=endpoints))


def told(problems):
    return [(each.code, each.where, each.item, each.found) for each in problems]


HOLDS = [
    ({"value": 0.65}, True),
    ({"value": 0.64}, False),
    ({"value": 0.65, "direction": "above"}, False),
    ({"value": 0.66, "direction": "above"}, True),
    ({"value": 0.65, "direction": "at-most"}, True),
    ({"value": 0.66, "direction": "at-most"}, False),
    ({"value": 0.7, "direction": "between"}, False),
    ({"value": 0.7, "bound": "middle"}, False),
    ({"value": None}, False),
    ({"value": "0.7"}, False),
    ({"value": 0.7, "threshold": None}, False),
    ({"value": 0.7, "threshold": "0.1"}, False),
    ({"value": 0.7, "bound": "lower"}, False),
    ({"value": 0.1, "bound": "lower", "interval": {"low": 0.7}}, True),
    ({"value": 0.9, "bound": "lower", "interval": {"low": 0.6, "high": 0.9}}, False),
    ({"value": 0.1, "bound": "upper", "interval": {"low": 0.1, "high": 0.7}}, True),
    ({"value": 0.9, "bound": "upper", "interval": {"low": 0.9, "high": 0.6}}, False),
    ({"value": 0.9, "bound": "upper", "interval": [0.7]}, False),
    ({"value": 1}, True),
]


@pytest.mark.parametrize(("changes", "expected"), HOLDS)
def test_a_threshold_is_met_by_the_figure_that_the_bound_names(changes, expected):
    assert holds({"threshold": 0.65, "direction": "at-least", "bound": "point"} | changes) is expected


def test_a_verdict_that_does_not_follow_is_told():
    met = {"id": "a", "value": 0.7, "threshold": 0.65, "direction": "at-least", "bound": "point"}
    endpoints = (
        {**met, "passed": True},
        {**met, "id": "b", "passed": False},
        {**met, "id": "c"},
        {**met, "id": "d", "passed": 1},
    )
    where = VALIDATION
    assert told(endpoints_are_counted_again(case(endpoints=endpoints))) == [
        ("TRC-ENDPOINT-RECOUNT", where, "VE:b", "passed: False, counted again: True"),
        ("TRC-ENDPOINT-RECOUNT", where, "VE:c", "passed: None, counted again: True"),
        ("TRC-ENDPOINT-RECOUNT", where, "VE:d", "passed: 1, counted again: True"),
    ]
    assert told(endpoints_are_counted_again(case(endpoints=None))) == []


OWED = {"metric": "ap", "direction": "at-least", "threshold": 0.65, "bound": "point", "primary": True, "requirement": "SRS-001"}


def test_endpoints_left_out_changed_or_added_are_told():
    build = ValidatedBuild(owed={"a": OWED, "b": OWED, "c": OWED}, places={"a": "p:1", "b": "p:2", "c": "p:3"})
    recorded = ({"id": "a", **OWED}, {"id": "b", **OWED, "threshold": 0.5, "primary": False}, {"id": "z", **OWED})
    assert told(endpoints_are_the_protocols(case(build, recorded))) == [
        ("TRC-ENDPOINT-PROTOCOL", "p:2", "VE:b", "threshold 0.5, the protocol says 0.65; primary False, the protocol says True"),
        ("TRC-ENDPOINT-PROTOCOL", "p:3", "VE:c", "the record does not hold it"),
        ("TRC-ENDPOINT-PROTOCOL", VALIDATION, "VE:z", "an endpoint that the protocol does not set for this run"),
    ]
    assert told(endpoints_are_the_protocols(case(build, None))) == []


@pytest.mark.parametrize("key", OWED)
def test_each_word_of_the_protocol_is_compared(key):
    build = ValidatedBuild(owed={"a": OWED}, places={"a": "p:1"})
    (only,) = told(endpoints_are_the_protocols(case(build, ({"id": "a", **OWED, key: "other"},))))
    assert only[3] == f"{key} 'other', the protocol says {OWED[key]!r}"


def test_figures_of_another_build_are_told():
    here = Statement("params.yaml", "0.1.0", "0.2.0", "b" * 64)
    stated = (
        Statement(VALIDATION, "0.1.0", "0.2.0", "c" * 64),
        Statement(PREDICTIONS, None, "0.3.0", "b" * 64),
        Statement(MANIFEST, None, "0.2.1", None),
    )
    assert told(figures_name_this_build(case(ValidatedBuild(here=here, stated=stated)))) == [
        ("TRC-FIGURES-BUILD", VALIDATION, "bundle_sha256", f"bundle_sha256 {'c' * 16}, here it is {'b' * 16}"),
        ("TRC-FIGURES-BUILD", PREDICTIONS, "device_version", "device_version not stated, here it is 0.1.0"),
        ("TRC-FIGURES-BUILD", PREDICTIONS, "model_version", "model_version 0.3.0, here it is 0.2.0"),
        ("TRC-FIGURES-BUILD", MANIFEST, "model_version", "model_version 0.2.1, here it is 0.2.0"),
    ]


def test_a_figure_that_states_nothing_of_a_build_without_identity_is_told():
    stated = (Statement(VALIDATION, None, None, None),)
    assert len(told(figures_name_this_build(case(ValidatedBuild(stated=stated))))) == 3


def test_patients_and_films_in_two_splits_are_told():
    build = ValidatedBuild(
        splits={"P" * 20: ("test", "train"), "A": ("train", "val"), "B": ("test",)}, contents={"f": ("train", "val")}
    )
    assert told(patients_are_in_one_split(case(build))) == [
        ("TRC-COHORT-LEAK", COHORT, "patient A", "in train and val"),
        ("TRC-COHORT-LEAK", COHORT, f"patient {'P' * 16}", "in test and train"),
        ("TRC-COHORT-LEAK", COHORT, "film f", "in train and val"),
    ]


def test_the_build_is_read_from_what_lies_here(project):
    build = read_validated_build(project.root, "s" * 64)
    assert build.here == Statement("params.yaml", "0.1.0", "0.1.0", "s" * 64)
    bundle = json.loads(project.read(PREDICTIONS))["bundle_sha256"]
    assert build.stated == (
        Statement(VALIDATION, "0.1.0", "0.1.0", bundle),
        Statement(PREDICTIONS, "0.1.0", "0.1.0", bundle),
        Statement(MANIFEST, None, "0.1.0", None),
    )
    assert build.splits == {"P0": ("train",), "P1": ("train",), "P2": ("val",), "P3": ("test",)}
    assert build.contents == {"0": ("train",), "1": ("train",), "2": ("val",), "3": ("test",)}
    assert build.places == {"ap50-macro": f"validation/protocol.toml:{project.line('validation/protocol.toml', 'id = ')}"}
    assert build.owed["ap50-macro"] == {
        "id": "ap50-macro",
        "metric": "ap50.macro",
        "direction": "at-least",
        "threshold": 0.65,
        "bound": "point",
        "requirement": "SRS-001",
        "primary": True,
    }


@pytest.mark.parametrize(("old", "new"), [("profile: phantom", "profile: other"), ("budget: quick", "budget: release")])
def test_the_protocol_of_another_run_is_not_owed(project, old, new):
    project.replace("params.yaml", old, new)
    assert read_validated_build(project.root, None).owed == {}


@pytest.mark.parametrize("name", ["params.yaml", "validation/protocol.toml", COHORT, VALIDATION, "device_sw/_version.py"])
@pytest.mark.parametrize("content", ["[", "3", ""])
def test_what_cannot_be_read_states_nothing(project, name, content):
    project.write(name, content)
    build = read_validated_build(project.root, None)
    missing = {
        "params.yaml": build.here.model_version is None and build.owed == {},
        "validation/protocol.toml": build.owed == {} and build.places == {},
        COHORT: build.splits == {} and build.contents == {},
        VALIDATION: [each.where for each in build.stated] == [PREDICTIONS, MANIFEST],
        "device_sw/_version.py": build.here.device_version is None,
    }
    assert missing[name]


def test_films_that_are_no_tables_are_passed_over_and_splits_are_sorted(project):
    films = [{"patient_id": "P", "sha256": 1, "split": "val"}, 3, {"patient_id": "P", "sha256": 2, "split": "test"}]
    project.write(COHORT, json.dumps({"films": films}))
    assert read_validated_build(project.root, None).splits == {"P": ("test", "val")}
    project.write(COHORT, json.dumps({"films": {"a": 1}}))
    assert read_validated_build(project.root, None).splits == {}


@pytest.mark.parametrize("device", [3, None, [1]])
def test_a_record_without_a_table_of_the_device_states_nothing_about_it(project, device):
    project.write(VALIDATION, json.dumps({"device": device}))
    assert read_validated_build(project.root, None).stated[0] == Statement(VALIDATION, None, None, None)
