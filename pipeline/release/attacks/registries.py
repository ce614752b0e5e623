"""Attacks on the registry: its database and store are changed as somebody does who can write the files; MLflow is not asked and notices nothing."""

from __future__ import annotations

import atexit
import json
import shutil
import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import alias_moves, tracking
from pipeline.registry_store import DATABASE, MODEL, RegisteredModel, open_registry
from pipeline.release.attacks.attack import Aim, Attack, CheckName, Finding, Holds, Outcome, Sign
from pipeline.release.attacks.content import poisoned
from pipeline.release.attacks.flips import Flip, put
from pipeline.release.attacks.models import canary_of, with_canary
from pipeline.release.attacks.outcomes import coded
from pipeline.release.registry.drift import drift, load_registered
from pipeline.release.registry.export import FOLDER, registry_export
from pipeline.run import file_sha256, read_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.release.attacks.bench import Bench

GROUND = "registered on the bench"


@cache
def _empty_store() -> Path:
    """Return an MLflow database without anything in it: making its tables is most of the time that a registry takes."""
    folder = Path(tempfile.mkdtemp(prefix="thoratrace-registry-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    open_registry(folder)
    return folder / DATABASE


def _model(bench: Bench) -> RegisteredModel:
    return RegisteredModel(open_registry(bench.beside("mlflow")), MODEL)


def _database(bench: Bench) -> Path:
    return bench.beside("mlflow") / DATABASE


def _stored(bench: Bench) -> Path:
    """Return where the registry's copy of the bundle lies."""
    return next(bench.beside("mlflow").rglob(f"{FOLDER}/manifest.json")).parent


def _manifest(bench: Bench) -> dict[str, Any]:
    return dict(read_json(bench.release / "bundle" / "manifest.json"))


def _with_registry(bench: Bench) -> None:
    """Register the release's bundle in a registry of the bench, give it two aliases, and export it as a release does."""
    shutil.copy(_empty_store(), _database(bench))
    model, manifest = _model(bench), _manifest(bench)
    client = model.client
    experiment = client.create_experiment("bench", artifact_location=str(bench.beside("mlflow") / "artifacts"))
    run = client.create_run(experiment, tags={tracking.IDENTITY: "a" * 64})
    client.log_artifacts(run.info.run_id, str(bench.release / "bundle"), FOLDER)
    client.create_registered_model(MODEL)
    tags = {
        "weights_sha256": manifest["lineage"]["weights_sha256"],
        "bundle_sha256": file_sha256(bench.release / "bundle" / "manifest.json"),
        "commit": "b" * 40,
    }
    source = f"{run.info.artifact_uri}/{FOLDER}"
    version = str(client.create_model_version(MODEL, source=source, run_id=run.info.run_id, tags=tags).version)
    for alias in ("candidate", "validated"):
        alias_moves.move(model, alias, version, ground=GROUND, commit="b" * 40)
    export = registry_export(model, tags["weights_sha256"])
    (bench.beside("export") / "registry.json").write_text(json.dumps(export), encoding="utf-8")


def check_registry(bench: Bench) -> Outcome:
    """Compare the bench's registry with its export, and load the model from it as one that is used would be."""
    model, export = _model(bench), read_json(bench.beside("export") / "registry.json")
    found = tuple(Finding(f"REL-REGISTRY-{each.kind.upper()}", each.where, each.found) for each in drift(model.client, export))
    bundle = file_sha256(bench.release / "bundle" / "manifest.json")
    with tempfile.TemporaryDirectory() as folder:
        loaded = coded(lambda: load_registered(model, bundle, Path(folder)))
    findings = (*found, *loaded.findings)
    return with_canary(bench, Outcome(1 if findings else 0, findings))


def _label(bench: Bench) -> str:
    return f"model {_manifest(bench)['lineage']['weights_sha256'][:12]}"


def _sql(statement: str, kind: str, where: str) -> Callable[[Bench], tuple[Sign, ...]]:
    """Return a deed that runs a statement on the database; ``where`` begins with the model's label where it begins with a comma."""

    def deed(bench: Bench) -> tuple[Sign, ...]:
        connection = sqlite3.connect(_database(bench))
        with connection:
            connection.execute(statement)
        connection.close()
        return (Sign(f"REL-REGISTRY-{kind}", f"{_label(bench)}{where}" if where.startswith(",") else where),)

    return deed


def _artefact_swapped(bench: Bench) -> tuple[Sign, ...]:
    path = _stored(bench) / "weights.safetensors"
    put(path, Flip(path.name, path.stat().st_size // 2, 0x01))
    return Sign("REL-REGISTRY-ARTEFACT", f"{_label(bench)}, weights.safetensors"), Sign("BND-HASH", "weights.safetensors")


def _pickle_planted(bench: Bench) -> tuple[Sign, ...]:
    """Put a pickle where MLflow's own loaders look for one."""
    (_stored(bench) / "python_model.pkl").write_bytes(poisoned(canary_of(bench)))
    return Sign("REL-REGISTRY-ARTEFACT", f"{_label(bench)}, python_model.pkl"), Sign("BND-EXTRA", "python_model.pkl")


def _attack(name: str, deed: str, harm: Callable[[Bench], tuple[Sign, ...]]) -> Attack:
    return Attack(name, Aim.MODEL, Holds.TOOLS, deed, CheckName.REGISTRY, harm, _with_registry)


_ALIAS = f"INSERT INTO registered_model_aliases (name, alias, version) VALUES ('{MODEL}', 'released', 1)"  # noqa: S608  a table of ours, not a query of a user

ATTACKS = (
    _attack(
        "registry-alias-moved",
        "a version is called released in the database; no journal knows it",
        _sql(_ALIAS, "ALIAS", "released"),
    ),
    _attack(
        "registry-journal-cut",
        "the last line of the journal of alias moves is deleted",
        _sql("DELETE FROM registered_model_tags WHERE key = 'alias_move.0002'", "ALIAS", "validated"),
    ),
    _attack(
        "registry-source-changed",
        "the version's source leads to another folder",
        _sql("UPDATE model_versions SET source = '/elsewhere/bundle'", "SOURCE", ", source"),
    ),
    _attack(
        "registry-tag-edited",
        "the version is tagged with other weights",
        _sql("UPDATE model_version_tags SET value = 'x' WHERE key = 'weights_sha256'", "TAG", ", weights_sha256"),
    ),
    _attack(
        "registry-row-edited",
        "the version is described as cleared for clinical use",
        _sql("UPDATE model_versions SET description = 'cleared for clinical use'", "ROW", ", description"),
    ),
    _attack("registry-artefact-swapped", "the stored weights are changed; size and time stay", _artefact_swapped),
    _attack("registry-pickle-planted", "a pickle lies in the store where MLflow's loaders look for one", _pickle_planted),
)
