"""Everything the technical file is about, loaded once and judged: specification, risk file, gaps, evidence, structure of the code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_sw._version import __version__
from pipeline.dossier.anomaly_pages import AnomalyPages
from pipeline.dossier.approval_pages import ApprovalPages
from pipeline.dossier.audit_pages import AuditPages
from pipeline.dossier.citations import require_current
from pipeline.dossier.clause_evidence import require_files
from pipeline.dossier.clause_manifests import load_manifests
from pipeline.dossier.clause_pages import ClausePages
from pipeline.dossier.clause_signatures import signed_manifests
from pipeline.dossier.diagram import Structure, device_structure, repository_structure
from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.external_pages import ExternalPages
from pipeline.dossier.freshness import require_one_build
from pipeline.dossier.gaps import Gap, load_gaps
from pipeline.dossier.model_pages import ModelPages
from pipeline.dossier.orientation_pages import OrientationPages
from pipeline.dossier.pipeline_diagram import Stage, read_stages
from pipeline.dossier.risk_pages import RiskPages
from pipeline.dossier.specification_pages import SpecificationPages
from pipeline.dossier.standards import Register, load_register
from pipeline.dossier.tool_pages import ToolPages
from pipeline.dossier.validation_pages import ValidationPages
from pipeline.dossier.verification_pages import VerificationPages
from pipeline.file_error import FileError, require_sound
from pipeline.findings_table import finding_rows
from risk.changes import risk_content
from risk.criteria import criteria_problems
from risk.evaluation import evaluate
from risk.review import review
from verification.trace.inputs import read

if TYPE_CHECKING:
    from pathlib import Path

    from risk.model import RiskFile
    from verification.trace.inputs import Inputs


@dataclass(frozen=True)
class Subject:
    """What pages ask for their content."""

    device_version: str
    findings: list[dict]
    book: EvidenceBook
    specification: SpecificationPages
    risk_file: RiskFile
    risk: RiskPages
    verification: VerificationPages
    anomalies: AnomalyPages
    audit: AuditPages
    approvals: ApprovalPages
    tool: ToolPages
    validation: ValidationPages
    model: ModelPages
    external: ExternalPages
    orientation: OrientationPages
    gaps: tuple[Gap, ...]
    clauses: ClausePages
    standards: Register
    structure: Structure
    repository: Structure
    stages: tuple[Stage, ...]


def load_subject(root: Path) -> Subject:
    """Load and judge everything below ``root``.

    Raises:
        FileError: FILE-EVIDENCE, evidence is missing; FILE-DATA, hand-written data do not hold; FILE-CONTENT, a clause has no row or a citation is not current.
    """
    manifests, register = load_manifests(root), load_register(root)
    require_files(root, manifests)
    require_current(root, register)
    inputs = sound_inputs(root)
    specification, risk = inputs.specification, inputs.risk
    findings = finding_rows(root)
    names = {row["id"]: row["name"] for row in findings}
    book = EvidenceBook(root)
    require_one_build(root, book)
    verification = VerificationPages(book)
    gaps = load_gaps(root)
    return Subject(
        device_version=__version__,
        findings=findings,
        book=book,
        specification=SpecificationPages(specification, verification),
        risk_file=risk,
        risk=_judged(inputs, verification),
        verification=verification,
        anomalies=AnomalyPages(inputs.anomalies),
        audit=AuditPages(inputs.audit, book),
        approvals=ApprovalPages(inputs, book),
        tool=ToolPages(inputs.tool.kit),
        validation=ValidationPages(book, names),
        model=ModelPages(book, names),
        external=ExternalPages(book),
        orientation=OrientationPages(book),
        gaps=gaps,
        clauses=ClausePages(
            manifests=manifests,
            signed=signed_manifests(inputs, manifests),
            gaps={gap.id: gap for gap in gaps},
            standards={each.id: each.short for each in register.standards},
            book=book,
        ),
        standards=register,
        structure=device_structure(root),
        repository=repository_structure(root),
        stages=read_stages(root),
    )


def sound_inputs(root: Path) -> Inputs:
    """Return what the trace gate reads below ``root``; a file made from what does not hold would state what nobody wrote.

    Raises:
        FileError: FILE-DATA, a file, a signature or an entry of the audit log does not hold.
    """
    inputs = read(root)
    require_sound((*inputs.problems, *inputs.audit.problems, *inputs.approvals.problems))
    return inputs


def _judged(inputs: Inputs, verification: VerificationPages) -> RiskPages:
    risk = inputs.risk
    if risk.policy is None:
        raise FileError("FILE-DATA", "risk/data/policy.toml", "no policy", "the criteria of the risk file", "restore the file")
    evaluation = evaluate(risk, inputs.specification, verification.passed_ids())
    content = risk_content(risk)
    suspect = [found.item for found in criteria_problems(content, inputs.risk_changes)]
    reviewed = review(risk, evaluation, content.fingerprints, suspect)
    return RiskPages(risk, risk.policy, evaluation, verification, reviewed)
