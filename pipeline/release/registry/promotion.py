"""Gives the model of a signed release the alias `released` in the registry; nothing else in this project does.

Only the registered model of the release budget has releases, so a quick model can never come to the alias.
A clone without a registry has nothing to move; the release is its record, the registry only shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import alias_moves
from pipeline.registry import find_version
from pipeline.registry_store import MODEL, RegisteredModel, open_registry, server
from pipeline.run import Run

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.release.record.record import Record


def promote(root: Path, record: Record) -> str | None:
    """Move the alias to the record's model and return its version; None where there is no registry, or the model is not in it.

    Raises:
        RegistrationRefused: the model is not `validated`, or the journal of moves does not hold.
    """
    folder = Run(root).artifact("mlflow")
    if server() is None and not folder.is_dir():
        return None
    model = RegisteredModel(open_registry(folder), MODEL)
    version = find_version(model, record.model.bundle_sha256)
    if version is not None:
        ground = f"release {record.version}, record {record.sha256}, signed by everybody who has to"
        alias_moves.move(model, "released", version, ground=ground, commit=record.source.commit)
    return version
