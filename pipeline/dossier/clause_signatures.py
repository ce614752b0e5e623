"""Which manifests two roles have approved exactly as they lie here, and who. A clause counts as not applicable only where they have.

Signatures are those of verification/approvals.jsonl, made by `./qms approve docs/clauses/NAME.toml`; whether they suffice is judged by the gate's check of the level release.

Source: design 4 (NOT-APPLICABLE is signed); 21 CFR 11.50, 11.70.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.checks.levels import lacking
from verification.trace.people import shown
from verification.trace.subjects import subjects

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.dossier.clause_manifests import Manifest
    from verification.trace.approvals import Record
    from verification.trace.inputs import Inputs


def signed_manifests(inputs: Inputs, manifests: Iterable[Manifest]) -> dict[str, str]:
    """Return, for each manifest that lacks no approval as it lies here, who approved it, in words."""
    known = subjects(inputs.material)
    return {
        manifest.id: _said(inputs.approvals.for_content(manifest.path, known[manifest.path].sha256))
        for manifest in manifests
        if not lacking(inputs, manifest.path, known.get(manifest.path))
    }


def _said(records: Sequence[Record]) -> str:
    return "; ".join(f"{record.role}: {shown(record.name)}, {record.time}" for record in records)
