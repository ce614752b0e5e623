"""Which manifests two roles have approved exactly as they lie here, and who. A clause counts as not applicable only where they have.

Signatures are those of verification/approvals.jsonl, made by `./qms approve docs/clauses/NAME.toml` and judged by the rules of the trace gate.

Source: design 4 (NOT-APPLICABLE is signed); 21 CFR 11.50, 11.70.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from verification.trace.approvals import Subject, examine, read_chain
from verification.trace.people import read_people, shown
from verification.trace.subjects import read_documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pipeline.dossier.clause_manifests import Manifest
    from verification.trace.approvals import Record

ROLES = 2
"""Roles that approve a manifest, at least."""


def signed_manifests(root: Path, manifests: Iterable[Manifest]) -> dict[str, str]:
    """Return, for each manifest that is approved as it lies here by every role it needs and by two at least, who approved it, in words."""
    people, _ = read_people(root)
    by_path = {manifest.path: manifest.id for manifest in manifests}
    documents = read_documents(root, by_path)
    subjects = {path: Subject(each.sha256, (), each.authors) for path, each in documents.items()}
    approvals = examine(read_chain(root), people, subjects, datetime.now(UTC))
    found = {path: approvals.for_content(path, each.sha256) for path, each in documents.items()}
    return {by_path[path]: _said(records) for path, records in found.items() if _suffice(records, people.required(path))}


def _suffice(records: Sequence[Record], required: Iterable[str]) -> bool:
    roles = {record.role for record in records}
    return len(roles) >= ROLES and roles.issuperset(required)


def _said(records: Sequence[Record]) -> str:
    return "; ".join(f"{record.role}: {shown(record.name)}, {record.time}" for record in records)
