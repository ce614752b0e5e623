"""Whatever is changed in the registry's database or store is named, and a model is loaded only if it is the released one."""

import hashlib
import json
import pickle
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from device_sw.errors import BundleError
from pipeline import alias_moves, registry
from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.dsse import Envelope
from pipeline.release.record.folder import ReleaseFolder
from pipeline.release.record.record import Kind as RecordKind
from pipeline.release.record.record import Model, Subject
from pipeline.release.registry.drift import PART, Kind, drift, drift_of, load_registered
from pipeline.release.registry.export import registry_export
from pipeline.run import file_sha256, read_json
from tests.pipeline.release.records import record


class Canary:
    """A pickle of this object writes a file when it is loaded."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return (Path.write_text, (self.place, "the pickle ran"))


@pytest.fixture(scope="module")
def registry_of_all(shared_run):
    """A run registered and validated: its registry, its database, its stored model and the export of it."""
    registry.register(shared_run, "abc")
    registry.validate(shared_run, verification_passed=True)
    model = registry.model_of(shared_run)
    weights = read_json(shared_run.artifact("bundle") / "manifest.json")["lineage"]["weights_sha256"]
    stored = next(shared_run.artifact("mlflow").rglob("bundle/manifest.json")).parent
    return Registered(model, shared_run.artifact("mlflow") / "mlflow.db", stored, registry_export(model, weights), weights)


@pytest.fixture
def registered(registry_of_all, tmp_path):
    """The registry; afterwards database and store are as before."""
    shutil.copytree(registry_of_all.stored, tmp_path / "stored")
    shutil.copy(registry_of_all.database, tmp_path / "before.db")
    yield registry_of_all
    shutil.rmtree(registry_of_all.stored)
    shutil.copytree(tmp_path / "stored", registry_of_all.stored)
    with closing(sqlite3.connect(tmp_path / "before.db")) as before, closing(sqlite3.connect(registry_of_all.database)) as now:
        before.backup(now)


class Registered:
    def __init__(self, model, database, stored, export, weights):
        self.model, self.database, self.stored, self.export, self.weights = model, database, stored, export, weights

    @property
    def client(self):
        return self.model.client

    @property
    def bundle_sha256(self):
        return self.export["versions"][self.weights][0]["tags"]["bundle_sha256"]

    def sql(self, statement, *values):
        """Change the database as somebody does who can write the file: MLflow is not asked."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            assert connection.execute(statement, values).rowcount > 0

    def kinds(self):
        return {each.kind for each in drift(self.client, self.export)}


def test_the_export_ties_weights_to_bytes_and_holds_nothing_that_mlflow_made_up(registered, tmp_path):
    row = registered.export["versions"][registered.weights][0]
    assert row["aliases"] == ["candidate", "validated"]
    assert row["artefacts"]["weights.safetensors"] == registered.weights == row["tags"]["weights_sha256"]
    assert [move["alias"] for move in registered.export["moves"]] == ["candidate", "validated"]
    text = str(registered.export)
    run_id = registered.model.version("1").run_id
    assert not [each for each in (run_id, str(tmp_path), "creation", "timestamp", "'version'") if each in text]
    assert registry_export(registered.model, registered.weights) == registered.export


def test_an_untouched_registry_has_not_drifted(registered):
    assert drift(registered.client, registered.export) == ()


def test_a_registry_in_which_nothing_of_that_budget_was_registered_has_drifted(registered):
    found = drift(registered.client, {**registered.export, "model": "thoratrace-detector"})
    assert [str(each) for each in found] == [
        "REL-REGISTRY-ROW at thoratrace-detector: found no such registered model, expected the released model"
    ]


def test_an_alias_may_move_on_by_the_journal(registered):
    alias_moves.move(registered.model, "released", "1", ground="signed", commit="abc")
    assert drift(registered.client, registered.export) == ()


ATTACKS = {
    "alias taken away": (Kind.ALIAS, "DELETE FROM registered_model_aliases WHERE alias = 'validated'"),
    "alias given": (
        Kind.ALIAS,
        "INSERT INTO registered_model_aliases (name, alias, version) SELECT name, 'released', 1 FROM registered_models",
    ),
    "journal line deleted": (Kind.ALIAS, "DELETE FROM registered_model_tags WHERE key = 'alias_move.0002'"),
    "journal line edited": (
        Kind.ALIAS,
        "UPDATE registered_model_tags SET value = replace(value, 'self-test passed', 'nothing tried') WHERE key = 'alias_move.0001'",
    ),
    "source": (Kind.SOURCE, "UPDATE model_versions SET source = '/elsewhere/bundle'"),
    "storage location": (Kind.SOURCE, "UPDATE model_versions SET storage_location = '/elsewhere/bundle'"),
    "place of the run's artefacts": (Kind.SOURCE, "UPDATE runs SET artifact_uri = artifact_uri || '2'"),
    "run of the version": (Kind.SOURCE, "UPDATE model_versions SET run_id = 'ffffffffffffffffffffffffffffffff'"),
    "tag of the weights": (Kind.TAG, "UPDATE model_version_tags SET value = 'x' WHERE key = 'weights_sha256'"),
    "tag of the bundle": (Kind.TAG, "UPDATE model_version_tags SET value = 'x' WHERE key = 'bundle_sha256'"),
    "tag of the commit": (Kind.TAG, "UPDATE model_version_tags SET value = 'x' WHERE key = 'commit'"),
    "tag deleted": (Kind.TAG, "DELETE FROM model_version_tags WHERE key = 'data_root_sha256'"),
    "status": (Kind.ROW, "UPDATE model_versions SET status = 'PENDING_REGISTRATION'"),
    "description": (Kind.ROW, "UPDATE model_versions SET description = 'cleared for clinical use'"),
    "run's identity": (Kind.ROW, "UPDATE tags SET value = 'x' WHERE key = 'run_sha256'"),
}


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_a_row_that_was_changed_in_the_database_is_caught(registered, name):
    kind, statement = ATTACKS[name]
    registered.sql(statement)
    assert kind in registered.kinds()


def test_a_version_that_is_gone_is_caught(registered):
    for table in ("model_version_tags", "registered_model_aliases", "model_versions"):
        registered.sql(f"DELETE FROM {table}")
    found = drift(registered.client, registered.export)
    assert [str(each) for each in found if each.kind is Kind.ROW] == [
        f"REL-REGISTRY-ROW at model {registered.weights[:12]}: found no version, expected the released model"
    ]


def test_a_second_version_of_the_same_bundle_is_caught(registered):
    version = registered.model.version("1")
    registered.client.create_model_version(registered.model.name, source=version.source, run_id=version.run_id, tags=version.tags)
    assert Kind.ROW in registered.kinds()


@pytest.mark.parametrize("change", ["edited", "removed", "added", "hidden"])
def test_an_artefact_that_was_changed_is_caught(registered, change):
    weights = registered.stored / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    {
        "edited": lambda: weights.write_bytes(content),
        "removed": weights.unlink,
        "added": lambda: (registered.stored / "more.json").write_text("{}", encoding="utf-8"),
        "hidden": lambda: (registered.stored / "more.pyc").write_bytes(b"x"),
    }[change]()
    assert registered.kinds() == {Kind.ARTEFACT}


def test_a_model_becomes_released_by_a_release_alone(registered):
    ground = f"release 0.0.1, record {'a' * 64}, signed"
    alias_moves.move(registered.model, "released", "1", ground=ground, commit="abc")
    assert drift(registered.client, registered.export, {"a" * 64: registered.bundle_sha256}) == ()
    for releases in ({}, {"a" * 64: "b" * 64}, {"b" * 64: registered.bundle_sha256}):
        found = drift(registered.client, registered.export, releases)
        assert [(each.kind, each.where) for each in found] == [(Kind.ALIAS, "released")]


@pytest.fixture
def folder(registered, tmp_path):
    """A release that recorded the registry."""
    content = json.dumps(registered.export).encode()
    (tmp_path / "release" / "files").mkdir(parents=True)
    (tmp_path / "release" / PART).write_bytes(content)
    subjects = [SimpleNamespace(name=PART, sha256=hashlib.sha256(content).hexdigest())]
    record = SimpleNamespace(subjects=subjects, kind=RecordKind.TRIAL)
    return SimpleNamespace(
        record=lambda: record, place=lambda name: tmp_path / "release" / name, content=lambda name: registered.export
    )


def test_a_release_is_compared_with_the_registry_it_recorded(registered, folder):
    assert drift_of(folder, registered.client) == ()
    registered.sql("UPDATE model_versions SET description = 'cleared'")
    assert [each.kind for each in drift_of(folder, registered.client)] == [Kind.ROW]


def test_of_a_release_every_move_to_released_names_a_release_beside_it(registered, tmp_path):
    content = json.dumps(registered.export).encode()
    model = Model("0.0.1", registered.weights, registered.bundle_sha256)
    part = Subject(PART, hashlib.sha256(content).hexdigest(), len(content))
    sealed = record(kind=RecordKind.RELEASE, model=model, subjects=(part,))
    folder = ReleaseFolder(tmp_path / "releases" / sealed.version, tmp_path / "archive")
    (folder.path / "files").mkdir(parents=True)
    folder.place(PART).write_bytes(content)
    folder.record_file.write_bytes(Envelope(sealed.payload).to_bytes())
    assert drift_of(folder, registered.client) == ()
    alias_moves.move(registered.model, "released", "1", ground="somebody says so", commit="abc")
    assert [(each.kind, each.where) for each in drift_of(folder, registered.client)] == [(Kind.ALIAS, "released")]


def test_an_altered_export_is_compared_with_nothing(registered, folder):
    folder.place(PART).write_bytes(b"{}")
    with pytest.raises(ReleaseRefused, match=r"REL-ALTERED at files/registry\.json"):
        drift_of(folder, registered.client)
    folder.record().subjects.clear()
    with pytest.raises(ReleaseRefused, match=r"REL-REGISTRY-ABSENT at record: found no files/registry\.json"):
        drift_of(folder, registered.client)


def test_the_released_model_is_loaded_and_no_other(registered, tmp_path):
    loaded = load_registered(registered.model, registered.bundle_sha256, tmp_path / "one")
    assert loaded.sha256 == registered.bundle_sha256
    with pytest.raises(ReleaseRefused, match="REL-REGISTRY-ABSENT at registry: found no files of bundle 0000"):
        load_registered(registered.model, "0" * 64, tmp_path / "two")


def test_a_bundle_that_was_replaced_with_its_manifest_is_not_loaded(registered, tmp_path):
    manifest = registered.stored / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("0.0.1", "0.0.2"), encoding="utf-8")
    forged = file_sha256(manifest)
    registered.sql("UPDATE model_version_tags SET value = ? WHERE key = 'bundle_sha256'", forged)
    with pytest.raises(ReleaseRefused, match="REL-REGISTRY-ABSENT"):
        load_registered(registered.model, registered.bundle_sha256, tmp_path / "one")
    registered.sql("UPDATE model_version_tags SET value = ? WHERE key = 'bundle_sha256'", registered.bundle_sha256)
    with pytest.raises(ReleaseRefused, match=rf"REL-REGISTRY-MODEL at manifest\.json: found {forged[:16]}"):
        load_registered(registered.model, registered.bundle_sha256, tmp_path / "two")


@pytest.mark.parametrize(
    "name", ["weights.safetensors", "manifest.json", "model.pkl", "python_model.pkl", "model.pt2", "__init__.py"]
)
def test_a_pickle_in_the_store_never_runs(registered, tmp_path, name):
    place = tmp_path / "canary"
    content = pickle.dumps(Canary(place))
    (registered.stored / name).write_bytes(content)
    assert Kind.ARTEFACT in registered.kinds()
    with pytest.raises((ReleaseRefused, BundleError), match=r"REL-REGISTRY-MODEL|BND-"):
        load_registered(registered.model, registered.bundle_sha256, tmp_path / "one")
    assert not place.exists()
    pickle.loads(content)
    assert place.exists(), "the canary has to be one that runs"
