"""No version ships on a cut-off that nobody checked for it: the check fails closed at both doors of the registry."""

from __future__ import annotations

import json

import pytest

from device_sw.detector.bundle import load_bundle
from pipeline import cut_offs, registry
from pipeline.run import read_json, write_json
from tests.pipeline.conftest import write_manifest


def copy_cut_offs_of_another_model(run):
    place = run.artifact("bundle") / "thresholds.json"
    value = read_json(place)
    value["chosen_for"]["weights.safetensors"] = "0" * 64
    place.write_text(json.dumps(value), encoding="utf-8")
    write_manifest(run.artifact("bundle"))


def say_nothing(run):
    place = run.artifact("bundle") / "thresholds.json"
    place.write_text(json.dumps({"thresholds": read_json(place)["thresholds"]}), encoding="utf-8")
    write_manifest(run.artifact("bundle"))


def test_own_cut_offs_pass(finished_run):
    cut_offs.require_own(load_bundle(finished_run.artifact("bundle")))


def name_a_network_that_is_not_there(run):
    place = run.artifact("bundle") / "thresholds.json"
    value = read_json(place)
    value["chosen_for"]["member_1.safetensors"] = "0" * 64
    place.write_text(json.dumps(value), encoding="utf-8")
    write_manifest(run.artifact("bundle"))


@pytest.mark.parametrize("spoil", [copy_cut_offs_of_another_model, say_nothing, name_a_network_that_is_not_there])
def test_cut_offs_of_another_model_are_no_candidate(finished_run, spoil):
    spoil(finished_run)
    with pytest.raises(cut_offs.CutOffsUnchecked, match=r"REG-CUT-OFF at thresholds\.json: found cut-offs that were not chosen"):
        registry.register(finished_run, "abc")


def record(run, **changes):
    place = run.artifact("cut_offs") / "cut_offs.json"
    write_json(place, read_json(place) | changes)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"bundle_sha256": "0" * 64}, "no comparison of exactly this bundle"),
        ({"predecessor": "0" * 64}, "no comparison of exactly this bundle"),
        ({"passed": False, "unchecked": ["scoliosis"]}, "a comparison that does not hold: cut-offs carried over for scoliosis"),
        ({"passed": None}, "a comparison that does not hold"),
    ],
)
def test_a_record_of_others_or_one_that_does_not_hold_lets_nobody_pass(finished_run, changes, found):
    sha = load_bundle(finished_run.artifact("bundle")).sha256
    assert cut_offs.require_compared(finished_run, sha, None)["passed"] is True
    record(finished_run, **changes)
    with pytest.raises(cut_offs.CutOffsUnchecked, match=f"REG-CUT-OFF at artifacts/cut_offs/cut_offs.json: found {found}"):
        cut_offs.require_compared(finished_run, sha, None)


def test_without_any_record_nobody_passes(finished_run):
    (finished_run.artifact("cut_offs") / "cut_offs.json").unlink()
    with pytest.raises(cut_offs.CutOffsUnchecked, match="no comparison of exactly this bundle"):
        cut_offs.require_compared(finished_run, load_bundle(finished_run.artifact("bundle")).sha256, None)


def package(run, **changes):
    """Let the run have made another bundle that no version in use was compared with, and return its hash."""
    manifest = run.artifact("bundle") / "manifest.json"
    manifest.write_text(json.dumps(read_json(manifest) | changes), encoding="utf-8")
    sha = load_bundle(run.artifact("bundle")).sha256
    write_json(run.artifact("predictions") / "predictions.json", {"bundle_sha256": sha})
    record(run, bundle_sha256=sha)
    return sha


def test_a_second_version_is_not_validated_without_comparison_with_the_first(finished_run):
    first = registry.register(finished_run, "abc").tags["bundle_sha256"]
    registry.validate(finished_run, verification_passed=True)
    assert registry.in_use(registry.model_of(finished_run), first) is None
    second = package(finished_run, model_version="0.0.2")
    assert registry.register(finished_run, "abc").version == "2"
    held = registry.in_use(registry.model_of(finished_run), second, finished_run.root / "brought")
    assert load_bundle(held.bundle).sha256 == held.bundle_sha256 == first
    with pytest.raises(cut_offs.CutOffsUnchecked, match="no comparison of exactly this bundle with the version in use"):
        registry.validate(finished_run, verification_passed=True)


def test_a_bundle_that_is_not_registered_replaces_nobody(finished_run):
    with pytest.raises(registry.RegistrationRefused, match="REG-ORDER at registry: found no version of this bundle"):
        registry.in_use(registry.model_of(finished_run), "0" * 64)


@pytest.mark.parametrize("budgets", [("release", "quick"), ("quick", "release")])
def test_a_model_succeeds_models_of_its_own_budget_alone(finished_run, budgets):
    """A release was built in this checkout, then the demo runs in it, or the other way round: neither is compared with the other."""
    for budget in budgets:
        package(finished_run, budget=budget)
        registry.register(finished_run, "abc")
        assert registry.validate(finished_run, verification_passed=True).aliases == ("candidate", "validated")
    held = {
        each.name: each.aliases for each in registry.open_registry(finished_run.artifact("mlflow")).search_registered_models()
    }
    both = {"candidate": 1, "validated": 1}
    assert {name: {alias: int(at) for alias, at in aliases.items()} for name, aliases in held.items()} == {
        "thoratrace-detector": both,
        "thoratrace-detector-quick": both,
    }
    later = package(finished_run, budget="release", model_version="0.0.2")
    assert registry.register(finished_run, "abc").model == "thoratrace-detector"
    assert registry.in_use(registry.model_of(finished_run), later).version == "1"


def test_in_a_registry_from_when_all_budgets_had_one_name_another_budget_is_no_predecessor(finished_run, monkeypatch):
    package(finished_run, budget="quick")
    with monkeypatch.context() as before:
        before.setattr(registry, "model_name", lambda _: "thoratrace-detector")
        registry.register(finished_run, "abc")
        registry.validate(finished_run, verification_passed=True)
    sha = package(finished_run, budget="release")
    assert registry.register(finished_run, "abc").version == "2"
    assert registry.in_use(registry.model_of(finished_run), sha) is None
    assert registry.validate(finished_run, verification_passed=True).aliases == ("candidate", "validated")
