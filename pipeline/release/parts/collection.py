"""The parts of a release: under which name each goes into the record, and where in a run's tree it comes from.

One table. A part that a run always leaves is owed; approvals and audit log exist from the first entry on. The name's first folder says where the part is
kept: ``bundle/`` and ``files/`` are committed with the release, ``archive/`` is too large for that. A part keeps the name that its record gave it:
release 0.1.0 has its trace matrix as ``files/matrix.json``, later ones have it in the archive.

Source: IEC 62304 5.8.4, 5.8.5 (what was released, and how it was made); MDR Annex II.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.record import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

BUNDLE_LIMIT = 20_000_000
"""Bytes of a bundle, at most: it is committed, so that a clone can analyse."""

OWED: Mapping[str, str] = {
    "archive/cohort/cohort.json": "artifacts/cohort/cohort.json",
    "archive/predictions/predictions.json": "artifacts/predictions/predictions.json",
    "archive/technical_file/SHA256SUMS": "artifacts/technical_file/SHA256SUMS",
    "archive/technical_file/technical_file.json": "artifacts/technical_file/technical_file.json",
    "archive/trace/matrix.json": "artifacts/trace/matrix.json",
    "archive/verification/junit.xml": "artifacts/verification/junit.xml",
    "archive/verification/records.json": "artifacts/verification/records.json",
    "files/device.lock": "device.lock",
    "files/dvc.lock": "dvc.lock",
    "files/gate.json": "artifacts/trace/check.json",
    "files/params.yaml": "params.yaml",
    "files/people.toml": "people.toml",
    "files/requirements.lock": "requirements.lock",
    "files/training/history.json": "artifacts/training/history.json",
    "files/training/training.json": "artifacts/training/training.json",
    "files/validation.json": "artifacts/validation/validation.json",
    "files/verification.json": "artifacts/verification/verdicts.json",
}
"""Subject by file."""

FROM_THE_FIRST_ENTRY_ON: Mapping[str, str] = {
    "files/approvals.head.json": "verification/approvals.head.json",
    "files/approvals.jsonl": "verification/approvals.jsonl",
    "files/audit.head.json": "AUDIT.head.json",
    "files/audit.jsonl": "AUDIT.jsonl",
}

FOLDERS: Mapping[str, tuple[str, str]] = {
    "archive/technical_file": ("artifacts/technical_file", "*"),
    "archive/technical_file/html": ("artifacts/technical_file/html", "**/*"),
    "archive/technical_file/pdf": ("artifacts/technical_file/pdf", "*.pdf"),
    "archive/validation": ("artifacts/validation", "*.png"),
    "bundle": ("artifacts/bundle", "*"),
}
"""Subject folder by folder and which of its files."""


def collect(root: Path) -> dict[str, Path]:
    """Return the file of every part by the part's name, sorted.

    Raises:
        ReleaseRefused: ``REL-MISSING``, every part that is not there; ``REL-SIZE``, the bundle is too large to be committed.
    """
    owed = {name: root / path for name, path in OWED.items()}
    begun = {name: root / path for name, path in FROM_THE_FIRST_ENTRY_ON.items() if (root / path).exists()}
    found = {**owed, **begun, **dict(_in_folders(root))}
    missing = [*(path for name, path in OWED.items() if not found[name].is_file()), *_empty_folders(found)]
    if missing:
        raise ReleaseRefused(
            "REL-MISSING", where="the run", found=f"no {', '.join(missing)}", expected="a finished run", repair="./qms demo"
        )
    size = sum(path.stat().st_size for name, path in found.items() if name.startswith("bundle/"))
    if size > BUNDLE_LIMIT:
        expected = f"at most {BUNDLE_LIMIT} bytes"
        raise ReleaseRefused(
            "REL-SIZE", where="artifacts/bundle", found=f"{size} bytes", expected=expected, repair="release a smaller network"
        )
    return dict(sorted(found.items()))


def subject_of(name: str, content: bytes) -> Subject:
    """Return a part as the record names it.

    >>> subject_of("files/a.txt", b"").size
    0
    """
    return Subject(name, hashlib.sha256(content).hexdigest(), len(content))


def _in_folders(root: Path) -> Iterator[tuple[str, Path]]:
    for name, (folder, pattern) in FOLDERS.items():
        for path in (root / folder).glob(pattern):
            if path.is_file():
                yield f"{name}/{path.relative_to(root / folder).as_posix()}", path


def _empty_folders(found: Mapping[str, Path]) -> list[str]:
    return [folder for name, (folder, _) in FOLDERS.items() if not any(each.startswith(f"{name}/") for each in found)]
