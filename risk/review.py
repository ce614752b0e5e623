"""The risk management review as a checklist that nobody fills in: each point is computed from policy, data, ledger and evidence (ISO 14971 clause 9).

A point holds, is open, or does not hold and the file says so with its consequence (*stated*). A review with an open point is not ready; one with stated
points ends in the conclusion for an engineering baseline, whatever else holds. The result carries the SHA-256 of everything it was computed from, so
that a signature of it is a signature of exactly this.

Source: ISO 14971:2019 4.4 a to g, 9, 10.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from risk.evaluation import ACCEPTABLE, BASELINE, Lack, ReasonKind, Weighing
from risk.model import Acceptability

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from risk.evaluation import Evaluation
    from risk.model import Policy, RiskFile

NOT_READY = "not ready: the plan is not carried out"
"""The result of a review with an open point."""

LEAST_ROLES = 2
"""Identities that have to approve the file."""


class Standing(StrEnum):
    """How a point of the review came out."""

    HOLDS = "holds"
    STATED = "does not hold, as the file states"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the review: the clause, what was looked at, how it came out, and what stands against it."""

    clause: str
    title: str
    standing: Standing
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """The review: its points, its result, and the SHA-256 (hex) of points, result and the fingerprints of everything they rest on."""

    points: tuple[Point, ...]
    result: str
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return the review as plain data."""
        return {"points": [asdict(point) for point in self.points], "result": self.result, "sha256": self.sha256}


def review(risk: RiskFile, evaluation: Evaluation, fingerprints: Mapping[str, str], suspect: Sequence[str]) -> Review:
    """Review the file.

    Args:
        risk: the file.
        evaluation: of the file, with the evidence of the build that is reviewed.
        fingerprints: of policy, hazards and controls (`risk.changes.risk_content`).
        suspect: items that were not judged by the policy as it is now (`risk.criteria.criteria_problems`).

    Raises:
        ValueError: the file has no policy, so there is no plan.
    """
    if risk.policy is None:
        raise ValueError("the risk file has no policy; repair risk/data/policy.toml first")
    points = (
        _plan(risk.policy),
        _point("4.4 d", "each estimate was made by the criteria as they are now", opens=suspect),
        _lacks(evaluation, "5.4", "each hazard has a hazardous situation", Lack.SITUATION),
        _lacks(evaluation, "6, 7.1", "each risk has a disposition, and options were taken in order", *_OPTIONS),
        _verified(evaluation, "implemented"),
        _verified(evaluation, "effective"),
        _residuals(risk, evaluation),
        _weighing(risk, evaluation),
        _lacks(evaluation, "7.5", "what controls bring is assessed and answered", *_ARISING),
        _lacks(evaluation, "7.6", "risk control is complete", *Lack),
        _overall(evaluation),
        _post_production(risk.policy),
    )
    result = _result(points)
    basis = {"fingerprints": dict(fingerprints), "points": [asdict(point) for point in points], "result": result}
    text = json.dumps(basis, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Review(points, result, hashlib.sha256(text.encode()).hexdigest())


_OPTIONS = (Lack.CONTROL, Lack.OPTIONS, Lack.JUSTIFICATION)
_ARISING = (Lack.ARISING, Lack.LOOP, Lack.TRADE)
_STATABLE = frozenset({ReasonKind.UNACCEPTABLE, ReasonKind.NO_BENEFIT})
"""Reasons against the overall residual risk that a file may state and still be reviewed."""


def _result(points: Sequence[Point]) -> str:
    standings = {point.standing for point in points}
    if Standing.OPEN in standings:
        return NOT_READY
    return BASELINE if Standing.STATED in standings else ACCEPTABLE


def _point(clause: str, title: str, *, opens: Sequence[str] = (), stated: Sequence[str] = ()) -> Point:
    standing = Standing.OPEN if opens else Standing.STATED if stated else Standing.HOLDS
    return Point(clause, title, standing, (*opens, *stated))


def _plan(policy: Policy) -> Point:
    identities = {approval.identity for approval in policy.approvals}
    few = [f"{len(identities)} identities approve the file, {LEAST_ROLES} are needed"] if len(identities) < LEAST_ROLES else []
    return _point("4.4 a to c", "scope, intended use, misuse and responsibilities are stated", opens=few)


def _lacks(evaluation: Evaluation, clause: str, title: str, *lacks: Lack) -> Point:
    return _point(clause, title, opens=[f"{each.item} lacks {each.lack}" for each in evaluation.missing if each.lack in lacks])


def _verified(evaluation: Evaluation, duty: str) -> Point:
    title = {"implemented": "each control is shown to be implemented", "effective": "each control is shown to be effective"}[duty]
    return _point("7.2", title, opens=[control.id for control in evaluation.controls if getattr(control, duty) is not True])


def _residuals(risk: RiskFile, evaluation: Evaluation) -> Point:
    """Each residual is the one the file states; one that is stated and not acceptable is no surprise, and no release for patients either."""
    opens: list[str] = []
    stated: list[str] = []
    for situation, judged in zip(risk.situations, evaluation.situations, strict=True):
        residual = judged.residual
        if (residual.severity, residual.probability) != (situation.residual_severity, situation.residual_probability):
            opens.append(f"{judged.id}: {residual}, stated S{situation.residual_severity} P{situation.residual_probability}")
        elif judged.residual_acceptability is Acceptability.UNACCEPTABLE:
            stated.append(f"{judged.id}: {residual} is {judged.residual_acceptability.word}")
    return _point("7.3", "each residual risk is the one that the file states, and acceptable", opens=opens, stated=stated)


def _weighing(risk: RiskFile, evaluation: Evaluation) -> Point:
    """Each residual that is to be reduced is reduced as far as practicable, and outweighed."""
    opens: list[str] = []
    stated: list[str] = []
    for situation, judged in zip(risk.situations, evaluation.situations, strict=True):
        if judged.weighing is Weighing.NOT_SHOWN:
            (stated if situation.further_control else opens).append(f"{judged.id}: {judged.weighing}")
    return _point("7.4", "each residual risk to be reduced is outweighed by the benefit", opens=opens, stated=stated)


def _overall(evaluation: Evaluation) -> Point:
    opens = [str(each) for each in evaluation.findings if each.kind not in _STATABLE]
    stated = [str(each) for each in evaluation.findings if each.kind in _STATABLE]
    return _point("8", "the overall residual risk is acceptable", opens=opens, stated=stated)


def _post_production(policy: Policy) -> Point:
    gaps = [f"{method.title} ({method.owner_role}): {method.gap}" for method in policy.post_production if method.gap]
    none = [] if policy.post_production else ["no method is named"]
    return _point("10", "methods for production and post-production information are in place", opens=none, stated=gaps)


def open_points(result: Review) -> Iterator[Point]:
    """Yield what keeps a review from being ready."""
    return (point for point in result.points if point.standing is Standing.OPEN)
