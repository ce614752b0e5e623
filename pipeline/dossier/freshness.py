"""Refuses evidence that does not belong together: figures of another bundle, verdicts or a gate result of another state of the tree.

A file made from mixed evidence would be true in each row and false as a whole. So the parts are compared before a page is written.

Source: ADR 0009; IEC 62304 5.7.5 (the version that was tested), 8.1.2.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipeline.dossier.model_pages import MANIFEST
from pipeline.dossier.validation_pages import RECORD
from pipeline.dossier.verification_pages import VERDICTS
from pipeline.file_error import FileError
from verification.trace.identity import Identity, difference, read_identity
from verification.trace.lineage import LineageError, stale_stages
from verification.trace.slices import SLICES

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.dossier.evidence import EvidenceBook

PREDICTIONS = "artifacts/predictions/predictions.json"
CHECK = "artifacts/trace/check.json"


def require_one_build(root: Path, book: EvidenceBook) -> None:
    """Compare bundle, predictions, figures, verdicts and gate result with each other and with the tree.

    Raises:
        FileError: FILE-EVIDENCE, one of them is missing or of another build.
    """
    _require_one_bundle(root, book)
    _require_unedited_outputs(root)
    _require_current_verdicts(root, book)


def _require_unedited_outputs(root: Path) -> None:
    """Compare what lies here with the pipeline's lock: a figure edited by hand after the run is found here."""
    try:
        stale = stale_stages(root, SLICES["file"].stages)
    except LineageError as err:
        raise _other_build("dvc.lock", str(err).split(";", maxsplit=1)[0], "the lock of the last run", "./qms demo") from err
    if stale:
        first = stale[0]
        found = f"{first.what} {first.found[:12]} ({len(stale)} differences in all)"
        raise _other_build(f"dvc.lock stage {first.stage}", found, f"{first.locked[:12]}, as the pipeline left it", "./qms demo")


def _require_one_bundle(root: Path, book: EvidenceBook) -> None:
    book.source(MANIFEST)
    bundle = hashlib.sha256((root / MANIFEST).read_bytes()).hexdigest()
    for path, pointer in ((PREDICTIONS, "/bundle_sha256"), (RECORD, "/device/bundle_sha256")):
        found = book.value(path, pointer)
        if found != bundle:
            raise _other_build(f"{path} {pointer}", f"{found[:12]}", f"{bundle[:12]}, the bundle that lies here", "./qms demo")


def _require_current_verdicts(root: Path, book: EvidenceBook) -> None:
    current = read_identity(root, "verification")
    recorded = _recorded(book)
    named = difference(recorded, current)
    if current.sha256 is None or named:
        found = "; ".join(named[:3]) or current.reason
        raise _other_build(
            VERDICTS, f"verdicts of another state: {found}", "verdicts of exactly this tree and model", "./qms demo"
        )
    gate = book.value(CHECK, "/identity/sha256")
    if gate != current.sha256:
        raise _other_build(CHECK, f"{str(gate)[:12]}", f"{current.sha256[:12]}, the state of this tree", "./qms check")


def _recorded(book: EvidenceBook) -> Identity:
    try:
        return Identity.from_json(book.value(VERDICTS, "/identity"))
    except (ValueError, KeyError, TypeError) as err:
        raise _other_build(
            f"{VERDICTS} /identity", f"{err}", "the identity as the verification run wrote it", "./qms demo"
        ) from err


def _other_build(where: str, found: str, expected: str, command: str) -> FileError:
    return FileError("FILE-EVIDENCE", where, found, expected, f"run {command}")
