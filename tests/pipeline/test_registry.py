"""The registry: one version a bundle, aliases in order, and nothing without its evidence."""

from __future__ import annotations

import pytest

from device_sw.errors import BundleError
from pipeline import registry
from pipeline.run import write_json


def test_a_bundle_is_registered_once_as_candidate(finished_run):
    first = registry.register(finished_run, "abc")
    again = registry.register(finished_run, "def")
    assert (first.version, first.created, first.aliases) == ("1", True, ("candidate",))
    assert (again.version, again.created) == ("1", False)


def test_tags_tie_the_version_to_bytes(finished_run):
    tags = registry.register(finished_run, "abc").tags
    assert len(tags["weights_sha256"]) == 64
    assert tags["commit"] == "abc"
    assert {"bundle_sha256", "data_root_sha256", "lineage_sha256", "model_version", "budget"} <= set(tags)


def test_an_altered_bundle_is_not_registered(finished_run):
    weights = finished_run.artifact("bundle") / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(BundleError, match=r"BND-HASH at weights\.safetensors"):
        registry.register(finished_run, "abc")


def test_validated_needs_a_candidate_first(finished_run):
    with pytest.raises(registry.RegistrationRefused, match="REG-ORDER at registry: found no candidate"):
        registry.validate(finished_run, verification_passed=True)


@pytest.mark.parametrize(("endpoint", "scenarios", "named"), [(False, True, "ap50-macro"), (True, False, "verification")])
def test_validated_needs_every_endpoint_and_scenario(finished_run, endpoint, scenarios, named):
    registry.register(finished_run, "abc")
    write_json(finished_run.artifact("validation") / "validation.json", {"endpoints": [{"id": "ap50-macro", "passed": endpoint}]})
    with pytest.raises(registry.RegistrationRefused, match=f"REG-VALIDATED at version 1: found not passed: {named}"):
        registry.validate(finished_run, verification_passed=scenarios)


def test_aliases_come_in_order(finished_run):
    registry.register(finished_run, "abc")
    assert registry.validate(finished_run, verification_passed=True).aliases == ("candidate", "validated")
