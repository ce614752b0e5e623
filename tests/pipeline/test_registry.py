"""The registry: one version a bundle, aliases in order, and nothing without its evidence."""

from __future__ import annotations

import shutil

import pytest
from typer.testing import CliRunner

from device_sw.errors import BundleError
from pipeline import alias_moves, registry, release_cli
from pipeline.cli import app
from pipeline.registry_store import existing_registry
from pipeline.run import write_json
from tests.pipeline.release.sealed import Sealed


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


def test_each_move_of_an_alias_is_a_line_with_its_ground(finished_run):
    registry.register(finished_run, "abc")
    registry.register(finished_run, "abc")
    registry.validate(finished_run, verification_passed=True)
    model = registry.model_of(finished_run)
    lines = alias_moves.journal(model)
    assert [(line.alias, line.version, line.previous) for line in lines] == [("candidate", "1", ""), ("validated", "1", "")]
    assert lines[1].before == lines[0].sha256
    assert lines[0].commit == "abc"
    assert "scenario" in lines[1].ground
    model.client.set_registered_model_alias(model.name, "released", "1")
    with pytest.raises(registry.RegistrationRefused, match="REG-UNRECORDED at registry: found released at 1, journal no version"):
        alias_moves.move(model, "retired", "1", ground="a test", commit="abc")


def test_the_address_alone_decides_where_runs_and_versions_lie(finished_run, empty_store, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(empty_store, elsewhere / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere / 'mlflow.db'}")
    monkeypatch.chdir(elsewhere)
    registry.register(finished_run, "abc")
    assert not (finished_run.artifact("mlflow") / "artifacts").exists()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert registry.find_version(registry.model_of(finished_run), "") is None
    assert not registry.open_registry(finished_run.artifact("mlflow")).search_registered_models()


def test_a_store_that_does_not_answer_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(registry.RegistrationRefused, match="REG-STORE at MLFLOW_TRACKING_URI") as caught:
        registry.open_registry(tmp_path)
    assert "secret" not in str(caught.value)


def test_who_only_reads_makes_no_registry_and_is_told_that_there_is_none(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    place = tmp_path / "artifacts" / "mlflow"
    with pytest.raises(registry.RegistrationRefused, match="REG-STORE at artifacts/mlflow: found no registry in this checkout"):
        existing_registry(place)
    assert not place.exists()


def test_a_registry_that_is_there_is_read(empty_store):
    assert not existing_registry(empty_store.parent).search_registered_models()


def test_a_release_is_not_called_drifted_where_there_is_no_registry(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(release_cli, "root", lambda: tmp_path)
    Sealed(tmp_path)
    done = CliRunner().invoke(app, ["release", "registry", "0.1.0"])
    assert (done.exit_code, done.stdout) == (3, "")
    assert "REG-STORE" in done.stderr
