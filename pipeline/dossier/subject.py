"""Everything the technical file is about, loaded once and judged: specification, risk file, gaps, evidence, structure of the code."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from device_sw._version import __version__
from pipeline.dossier.anomaly_pages import AnomalyPages
from pipeline.dossier.audit_pages import AuditPages
from pipeline.dossier.citations import require_current
from pipeline.dossier.clause_evidence import require_files
from pipeline.dossier.clause_manifests import load_manifests
from pipeline.dossier.clause_pages import ClausePages
from pipeline.dossier.clause_signatures import signed_manifests
from pipeline.dossier.diagram import Structure, device_structure
from pipeline.dossier.errors import FileError
from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.external_pages import ExternalPages
from pipeline.dossier.freshness import require_one_build
from pipeline.dossier.gaps import Gap, load_gaps
from pipeline.dossier.model_pages import ModelPages
from pipeline.dossier.orientation_pages import OrientationPages
from pipeline.dossier.risk_pages import RiskPages
from pipeline.dossier.specification_pages import SpecificationPages
from pipeline.dossier.standards import Register, load_register
from pipeline.dossier.tool_pages import ToolPages
from pipeline.dossier.validation_pages import ValidationPages
from pipeline.dossier.verification_pages import VerificationPages
from requirements_spec import loader as specification_loader
from requirements_spec.changes import read_ledger
from risk import loader as risk_loader
from risk.changes import RISK_BOOK, risk_content
from risk.criteria import criteria_problems
from risk.evaluation import evaluate
from risk.review import review
from verification.trace.anomalies import read_anomalies
from verification.trace.audit_log import examine, read_log
from verification.trace.people import read_people
from verification.trace.tool_validation import read_kit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from requirements_spec.model import Specification
    from requirements_spec.problem import Problem
    from risk.model import RiskFile


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
    tool: ToolPages
    validation: ValidationPages
    model: ModelPages
    external: ExternalPages
    orientation: OrientationPages
    gaps: tuple[Gap, ...]
    clauses: ClausePages
    standards: Register
    structure: Structure


def load_subject(root: Path) -> Subject:
    """Load and judge everything below ``root``.

    Raises:
        FileError: FILE-EVIDENCE, evidence is missing; FILE-DATA, hand-written data do not hold; FILE-CONTENT, a clause has no row or a citation is not current.
    """
    manifests, register = load_manifests(root), load_register(root)
    require_files(root, manifests)
    require_current(root, register)
    specification = _specification(root)
    risk = _risk(root, specification)
    findings = tomllib.loads((root / "device_sw" / "findings.toml").read_text(encoding="utf-8"))["finding"]
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
        risk=_judged(root, risk, specification, verification),
        verification=verification,
        anomalies=_anomalies(root),
        audit=_audit(root, book),
        tool=_tool(root),
        validation=ValidationPages(book, names),
        model=ModelPages(book, names),
        external=ExternalPages(book),
        orientation=OrientationPages(book),
        gaps=gaps,
        clauses=ClausePages(
            manifests=manifests,
            signed=signed_manifests(root, manifests),
            gaps={gap.id: gap for gap in gaps},
            standards={each.id: each.short for each in register.standards},
            book=book,
        ),
        standards=register,
        structure=device_structure(root),
    )


def _anomalies(root: Path) -> AnomalyPages:
    known, problems = read_anomalies(root)
    _refuse(problems)
    return AnomalyPages(known)


def _audit(root: Path, book: EvidenceBook) -> AuditPages:
    people, problems = read_people(root)
    trail = examine(read_log(root), people, datetime.now(UTC))
    _refuse((*problems, *trail.problems))
    return AuditPages(trail, book)


def _tool(root: Path) -> ToolPages:
    kit, problems = read_kit(root)
    _refuse(problems)
    return ToolPages(kit)


def _specification(root: Path) -> Specification:
    specification, problems = specification_loader.load(root)
    _refuse(problems)
    return specification


def _risk(root: Path, specification: Specification) -> RiskFile:
    risk, problems = risk_loader.load(root, specification)
    _refuse(problems)
    return risk


def _judged(root: Path, risk: RiskFile, specification: Specification, verification: VerificationPages) -> RiskPages:
    if risk.policy is None:
        raise FileError("FILE-DATA", "risk/data/policy.toml", "no policy", "the criteria of the risk file", "restore the file")
    evaluation = evaluate(risk, specification, verification.passed_ids())
    content, (entries, _) = risk_content(risk), read_ledger(root, RISK_BOOK.ledger)
    suspect = [found.item for found in criteria_problems(content, entries)]
    reviewed = review(risk, evaluation, content.fingerprints, suspect)
    return RiskPages(risk, risk.policy, evaluation, verification, reviewed)


def _refuse(problems: Sequence[Problem]) -> None:
    """Stop at data that do not hold: a file made from them would state what nobody wrote."""
    if problems:
        first = problems[0]
        raise FileError(
            "FILE-DATA",
            first.where,
            f"{first.code} {first.item}: {first.found} ({len(problems)} problems in all)",
            first.expected,
            first.repair,
        )
