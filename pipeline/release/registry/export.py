"""The registry's rows of a released model, as canonical data: what ties them to bytes, and nothing that MLflow made up (numbers, ids, times, places).

    weights -> its versions: tags, aliases, status, run, SHA-256 of every artefact; and the moves of their aliases in order, each with its ground

MLflow keeps no digest of what it stores and no history of who changed a row; what is exported here is bound by the record, and
`pipeline.release.registry.drift` compares the registry with it.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pipeline import alias_moves, tracking
from pipeline.registry import aliases_of, model_of
from pipeline.registry_store import server
from pipeline.release.errors import ReleaseRefused
from pipeline.run import Run, file_sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

    from pipeline.registry_store import RegisteredModel

SCHEMA = "thoratrace/registry-export/1"
FOLDER = "bundle"
"""Folder of a run's artefacts that holds the model."""


def registry_export(model: RegisteredModel, weights_sha256: str) -> dict[str, Any]:
    """Return the export of every version of some weights.

    Raises:
        ReleaseRefused: ``REL-REGISTRY-ABSENT``, no version has these weights.
        RegistrationRefused: ``REG-JOURNAL``, the journal of alias moves was touched.
    """
    found = sorted(
        (_row(model, version) for version in model.versions() if version.tags.get("weights_sha256") == weights_sha256),
        key=lambda row: str(row["tags"]["bundle_sha256"]),
    )
    if not found:
        raise refused("ABSENT", "registry", f"no version with weights {weights_sha256[:16]}", "the released model, registered")
    bundles = {row["tags"]["bundle_sha256"] for row in found}
    moves = [move for move in moves_of(model) if move["bundle_sha256"] in bundles]
    return {"schema": SCHEMA, "model": model.name, "versions": {weights_sha256: found}, "moves": moves}


def registered(root: Path, weights_sha256: str, *, owed: bool) -> dict[str, Any] | None:
    """Return the export of a run's registry; None where there is none and none is owed.

    Raises:
        ReleaseRefused: ``REL-REGISTRY-ABSENT``.
        RegistrationRefused: the store does not answer, or its journal was touched.
    """
    run = Run(root)
    if not owed and server() is None and not run.artifact("mlflow").is_dir():
        return None
    return registry_export(model_of(run), weights_sha256)


def _row(model: RegisteredModel, version: ModelVersion) -> dict[str, Any]:
    return {
        "tags": dict(sorted(version.tags.items())),
        "aliases": list(aliases_of(model, str(version.version))),
        "status": str(version.status),
        "description": version.description or "",
        "run_sha256": model.client.get_run(version.run_id).data.tags.get(tracking.IDENTITY, ""),
        "artefacts": artefacts(model.client, str(version.run_id)),
    }


def moves_of(model: RegisteredModel) -> Iterator[dict[str, str]]:
    """Yield the moves of the journal without numbers and times: versions are named by their bundles."""
    bundle = {"": ""}
    for line in alias_moves.journal(model):
        bundle[line.version] = line.bundle_sha256
        yield {
            "alias": line.alias,
            "bundle_sha256": line.bundle_sha256,
            "previous_bundle_sha256": bundle.get(line.previous, ""),
            "ground": line.ground,
            "commit": line.commit,
        }


def artefacts(client: MlflowClient, run_id: str) -> dict[str, str]:
    """Return path and SHA-256 of every file of a run's model, brought from wherever the store keeps it; empty where there is none."""
    with TemporaryDirectory() as folder:
        if not any(entry.path == FOLDER for entry in client.list_artifacts(run_id)):
            return {}
        brought = Path(client.download_artifacts(run_id, FOLDER, folder))
        files = (path for path in brought.rglob("*") if path.is_symlink() or not path.is_dir())
        return {path.relative_to(brought).as_posix(): file_sha256(path) for path in sorted(files)}


def refused(what: str, where: str, found: str, expected: str) -> ReleaseRefused:
    """Return the refusal of a registry."""
    repair = "find out who changed the registry; restore it, or register the model again"
    return ReleaseRefused(f"REL-REGISTRY-{what}", where=where, found=found, expected=expected, repair=repair)
