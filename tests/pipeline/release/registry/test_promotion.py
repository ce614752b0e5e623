"""The alias `released` moves with the last signature of a release, and not otherwise."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pipeline import alias_moves, audit_log, registry
from pipeline.registry_store import RegistrationRefused, open_registry
from pipeline.release.approval.approval import Approval, approve
from pipeline.release.record.record import Kind
from pipeline.release.registry.promotion import promote
from pipeline.run import read_json, write_json
from tests.pipeline.conftest import bundle, empty_store, finished_run, sha256  # noqa: F401  fixtures
from tests.pipeline.release.records import record
from verification.trace.audit_log import Event


@pytest.fixture
def release_run(finished_run):  # noqa: F811
    """A finished run of the release budget."""
    manifest = finished_run.artifact("bundle") / "manifest.json"
    write_json(manifest, read_json(manifest) | {"budget": "release"})
    changed = {"bundle_sha256": sha256(manifest)}
    for place in (finished_run.artifact("predictions") / "predictions.json", finished_run.artifact("cut_offs") / "cut_offs.json"):
        write_json(place, read_json(place) | changed)
    return finished_run


def release_of(run):
    """Return a record whose model is the run's."""
    sha256 = registry.load_bundle(run.artifact("bundle")).sha256
    made = record(kind=Kind.RELEASE)
    return SimpleNamespace(
        version=made.version, sha256="a" * 64, source=made.source, model=SimpleNamespace(bundle_sha256=sha256), kind=made.kind
    )


def standing(run):
    return alias_moves.standing(registry.model_of(run))


def test_a_validated_model_becomes_released_with_the_record_as_ground(release_run):
    made = registry.register(release_run, "abc")
    registry.validate(release_run, verification_passed=True)
    assert promote(release_run.root, release_of(release_run)) == made.version
    assert standing(release_run)["released"] == made.version
    (last,) = [each for each in alias_moves.journal(registry.model_of(release_run)) if each.alias == "released"]
    assert last.ground == f"release 0.1.0, record {'a' * 64}, signed by everybody who has to"


def test_a_model_that_was_not_validated_is_refused(release_run):
    registry.register(release_run, "abc")
    with pytest.raises(RegistrationRefused, match=r"REG-ORDER.*released asked for without validated"):
        promote(release_run.root, release_of(release_run))


def test_a_quick_model_never_becomes_released(finished_run):  # noqa: F811
    registry.register(finished_run, "abc")
    registry.validate(finished_run, verification_passed=True)
    assert promote(finished_run.root, release_of(finished_run)) is None
    assert "released" not in standing(finished_run)


def test_a_clone_without_the_registry_or_the_model_moves_nothing(tmp_path, finished_run):  # noqa: F811
    assert promote(tmp_path / "clone", record()) is None
    assert promote(finished_run.root, record()) is None
    assert standing_of_nothing(finished_run) == {}


def standing_of_nothing(run):
    client = open_registry(run.artifact("mlflow"))
    return {each.name: each.aliases for each in client.search_registered_models()}


def test_only_the_last_signature_of_a_release_promotes(bench, monkeypatch):
    promoted = []
    monkeypatch.setattr("pipeline.release.approval.approval.promote", lambda root, made: promoted.append(made.sha256))
    made = bench.release(kind=Kind.RELEASE)
    facts = {"version": "0.1.0", "record_sha256": made.record().sha256, "commit": "c" * 40}
    audit_log.enter(bench.root, Event.RECORDED, facts, audit_log.Signer("DEMO-quality", "", "built by a test", bench.keyring))
    approve(bench.root, made, Approval("DEMO-quality", "compared all of it", bench.keyring))
    assert promoted == []
    approve(bench.root, made, Approval("DEMO-regulatory", "compared all of it too", bench.keyring))
    assert promoted == [made.record().sha256]
    trial = bench.release()
    for name in ("DEMO-quality", "DEMO-regulatory"):
        approve(bench.root, trial, Approval(name, "compared all of it", bench.keyring))
    assert len(promoted) == 1
