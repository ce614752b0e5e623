"""Which manifests two roles have approved exactly as they lie here. A clause counts as not applicable only where they have.

Signatures are those of verification/approvals.jsonl, made by `./qms approve docs/clauses/NAME.toml` and judged by the rules of the trace gate.

Source: design 4 (NOT-APPLICABLE is signed); 21 CFR 11.50, 11.70.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from verification.trace.approvals import Subject, examine, read_chain
from verification.trace.people import read_people
from verification.trace.subjects import read_documents

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.dossier.clause_manifests import Manifest

ROLES = 2
"""Roles that approve a manifest, at least."""


def signed_manifests(root: Path, manifests: Iterable[Manifest]) -> frozenset[str]:
    """Return the ids of the manifests that are approved as they lie here, by every role they need and by two at least."""
    people, _ = read_people(root)
    by_path = {manifest.path: manifest.id for manifest in manifests}
    documents = read_documents(root, by_path)
    subjects = {path: Subject(each.sha256, (), each.authors) for path, each in documents.items()}
    approvals = examine(read_chain(root), people, subjects, datetime.now(UTC))
    return frozenset(
        by_path[path]
        for path, each in documents.items()
        if len(roles := approvals.valid_for(path, each.sha256)) >= ROLES and set(people.required(path)) <= roles
    )
