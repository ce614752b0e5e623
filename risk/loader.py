"""Loads the risk file and checks it against the specification: every problem at once, and the items that are sound.

I/O happens here; what a file may hold is in `schema`, what must hold between items is in `links`, what follows from them in `evaluation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requirements_spec.datafile import Document, Row, duplicate_ids, read
from requirements_spec.model import ControlId, RequirementId
from requirements_spec.remembered import remembered
from risk.links import link_problems, policy_problems
from risk.model import (
    LEVELS,
    Acceptability,
    Approval,
    Arising,
    Benefit,
    Control,
    ControlKind,
    Hazard,
    HazardId,
    Level,
    Method,
    Policy,
    RiskFile,
    Situation,
    SituationId,
)
from risk.schema import CONTROLS, HAZARDS, POLICY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from requirements_spec.model import Specification
    from requirements_spec.problem import Problem
    from requirements_spec.reading_cache import ReadingCache

DATA = "risk/data"


def load(root: Path, specification: Specification, cache: ReadingCache | None = None) -> tuple[RiskFile, tuple[Problem, ...]]:
    """Load the risk file of the project at ``root`` (the repository's root), with all problems sorted by place."""
    policy_document = read(root, f"{DATA}/policy.toml", POLICY, cache)
    hazards = read(root, f"{DATA}/hazards.toml", HAZARDS, cache)
    controls = read(root, f"{DATA}/controls.toml", CONTROLS, cache)
    risk = RiskFile(
        policy=_policy(policy_document),
        hazards=_hazards(hazards),
        controls=_controls(controls),
    )
    rows = [*_identified(hazards), *_identified(controls)]
    problems = [problem for document in (policy_document, hazards, controls) for problem in document.problems]
    problems += [
        *duplicate_ids(rows),
        *policy_problems(risk.policy),
        *link_problems(risk, specification, frozenset(row.id for row in rows)),
    ]
    return risk, tuple(sorted(problems))


@remembered
def _identified(document: Document) -> tuple[Row, ...]:
    """Return every row of a document that has an id, sound or not: hazards, their situations, controls."""
    return (*document.rows("hazard"), *_situation_rows(document), *document.rows("control"))


@remembered
def _hazards(document: Document) -> tuple[Hazard, ...]:
    return tuple(_hazard(document, row) for row in document.rows("hazard") if row.sound)


@remembered
def _controls(document: Document) -> tuple[Control, ...]:
    return tuple(_control(document, row) for row in document.rows("control") if row.sound)


def _situation_rows(document: Document) -> tuple[Row, ...]:
    """Return the situations of all hazards, those of unsound hazards included."""
    places = [
        (f"{row.path}.situation[{index}]", data)
        for row in document.rows("hazard")
        if isinstance(row.data.get("situation"), list)
        for index, data in enumerate(row.data["situation"])
    ]
    return tuple(Row(data, path, document.where(path), document.sound(path)) for path, data in places if isinstance(data, dict))


def _head(document: Document) -> dict[str, str]:
    return {"author": document.data["author"], "status": document.data["status"]}


def _hazard(document: Document, row: Row) -> Hazard:
    data = row.data
    return Hazard(
        id=HazardId(row.id),
        title=data["title"],
        source=data["source"],
        sequence=tuple(data["sequence"]),
        situations=tuple(
            _situation(each, document.where(f"{row.path}.situation[{index}]")) for index, each in enumerate(data["situation"])
        ),
        where=row.where,
        **_head(document),
    )


def _situation(data: Mapping[str, Any], where: str) -> Situation:
    return Situation(
        id=SituationId(data["id"]),
        text=data["text"],
        harm=data["harm"],
        severity=data["severity"],
        probability=data.get("probability"),
        basis=data["basis"],
        residual_severity=data["residual_severity"],
        residual_probability=data["residual_probability"],
        residual_basis=data["residual_basis"],
        further_control=data.get("further_control"),
        information_only=data.get("information_only"),
        where=where,
    )


def _control(document: Document, row: Row) -> Control:
    data = row.data
    return Control(
        id=ControlId(row.id),
        title=data["title"],
        kind=ControlKind(data["kind"]),
        text=data["text"],
        situations=tuple(SituationId(each) for each in data["situations"]),
        requirements=tuple(RequirementId(each) for each in data["requirements"]),
        probability_steps=data["probability_steps"],
        severity_steps=data["severity_steps"],
        effect=data["effect"],
        option_analysis=data.get("option_analysis"),
        evidence=tuple(data["evidence"]),
        label_section=data.get("label_section"),
        ifu_sentence=data.get("ifu_sentence"),
        arising=_arising(data["arising"]),
        where=row.where,
        **_head(document),
    )


def _arising(data: Mapping[str, Any]) -> Arising:
    return Arising(
        data["risk"].strip(),
        data["assessment"],
        tuple(SituationId(each) for each in data["situations"]),
        data.get("severity"),
        data.get("probability"),
    )


@remembered
def _policy(document: Document) -> Policy | None:
    """Return the policy, or None where any part of it has a problem: half a set of criteria judges nothing."""
    if document.problems:
        return None
    data = document.data
    return Policy(
        **{key: data[key] for key in _POLICY_TEXTS},
        foreseeable_misuse=tuple(data["foreseeable_misuse"]),
        severities=_scale(data["severity"]),
        probabilities=_scale(data["probability"]),
        matrix=tuple(tuple(Acceptability[cell.upper()] for cell in data["acceptability"][f"S{level}"]) for level in LEVELS),
        acceptability_words=tuple((each.word, data["acceptability_words"][each.word]) for each in Acceptability),
        benefit=_benefit(data["benefit"]),
        information_steps=data["information_limit"]["steps"],
        information_reason=data["information_limit"]["reason"],
        single_control_probability=data["single_control_limit"]["best_probability"],
        single_control_reason=data["single_control_limit"]["reason"],
        unknown_probability=data["unknown_probability"]["level"],
        unknown_probability_reason=data["unknown_probability"]["reason"],
        post_production=tuple(
            Method(each["title"], each["source"], each["owner_role"], each["gap"].strip()) for each in data["post_production"]
        ),
        approvals=tuple(Approval(each["role"], each["identity"], each["note"]) for each in data["approval"]),
        where=document.where("$.scope"),
        **_head(document),
    )


_POLICY_TEXTS = (
    "scope",
    "intended_use",
    "probability_unknown",
    "overall_residual_method",
    "verification_activities",
    "production_and_post_production",
    "review",
)


def _scale(rows: list[dict[str, Any]]) -> tuple[Level, ...]:
    return tuple(Level(row["level"], row["name"], row["meaning"]) for row in rows)


def _benefit(data: Mapping[str, Any]) -> Benefit:
    return Benefit(data["statement"], tuple(data["clinical_evidence"]), data["missing"], data["owner_role"], data["plan"])
