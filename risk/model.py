"""The risk management file as frozen values: policy, hazards with their situations, and controls (ISO 14971:2019 4.5).

Severity and probability are levels 1 to 5 of the policy's scales. Acceptability is no field anywhere: `evaluation` computes it. Nor is the probability
that the software fails: P1 = 1, and ``probability`` is P2, how likely the situation leads to the harm (ISO/TR 24971:2020).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from requirements_spec.model import ControlId, RequirementId

HazardId = NewType("HazardId", str)
SituationId = NewType("SituationId", str)

LEVELS = range(1, 6)
"""The levels of both scales, from least to most."""


class Acceptability(IntEnum):
    """How acceptable a risk is, ordered so that more is worse.

    ``REDUCE`` is acceptable only when reduced as far as possible and outweighed by the benefit (ISO 14971 7.4).
    """

    ACCEPTABLE = 0
    REDUCE = 1
    UNACCEPTABLE = 2

    @property
    def word(self) -> str:
        """The word of the policy for it."""
        return self.name.lower()


class ControlKind(StrEnum):
    """The options of risk control, in their order of priority (ISO 14971 7.1 a, b, c)."""

    DESIGN = "inherent-design"
    PROTECTIVE = "protective"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Level:
    """One step of a scale in words."""

    level: int
    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Benefit:
    """What the device is good for, and the clinical evidence of it; without evidence no risk is outweighed."""

    statement: str
    clinical_evidence: tuple[str, ...]
    missing: str
    owner_role: str
    plan: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A role that approves the file, and the identity that acts for it."""

    role: str
    identity: str
    note: str


@dataclass(frozen=True, slots=True)
class Method:
    """A way in which production and post-production information comes in (ISO 14971 10.2); ``gap`` is what keeps it from being in place, or ""."""

    title: str
    source: str
    owner_role: str
    gap: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The criteria, fixed before the first estimate (ISO 14971 4.2, 4.4).

    ``matrix[severity - 1][probability - 1]`` is the acceptability. ``information_steps`` is the most that all information controls of a situation count
    for together; ``single_control_probability`` is the best level that a situation with fewer than two other controls can reach;
    ``unknown_probability`` is the level that counts where a probability cannot be estimated.
    """

    scope: str
    intended_use: str
    foreseeable_misuse: tuple[str, ...]
    probability_unknown: str
    overall_residual_method: str
    verification_activities: str
    production_and_post_production: str
    review: str
    severities: tuple[Level, ...]
    probabilities: tuple[Level, ...]
    matrix: tuple[tuple[Acceptability, ...], ...]
    acceptability_words: tuple[tuple[str, str], ...]
    benefit: Benefit
    information_steps: int
    information_reason: str
    single_control_probability: int
    single_control_reason: str
    unknown_probability: int
    unknown_probability_reason: str
    post_production: tuple[Method, ...]
    approvals: tuple[Approval, ...]
    author: str
    status: str
    where: str = field(compare=False)

    @property
    def id(self) -> str:
        """The policy's id in the ledger of changes."""
        return "POLICY-RISK"


@dataclass(frozen=True, slots=True)
class Situation:
    """A hazardous situation with the harm it leads to, its estimate before any control, and the residual that is claimed for it.

    ``probability`` is None where it cannot be estimated. ``further_control`` says why no further control is practicable, for a residual that is not plainly
    acceptable (ISO 14971 7.4); ``information_only`` why neither design nor protection, for a situation with controls by information alone (7.1).
    """

    id: SituationId
    text: str
    harm: str
    severity: int
    probability: int | None
    basis: str
    residual_severity: int
    residual_probability: int
    residual_basis: str
    further_control: str | None
    information_only: str | None
    where: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Hazard:
    """A source of harm, the sequence of events that leads from it, and the situations at its end (ISO 14971 5.4)."""

    id: HazardId
    title: str
    source: str
    sequence: tuple[str, ...]
    situations: tuple[Situation, ...]
    author: str
    status: str
    where: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Arising:
    """What a control itself brings (ISO 14971 7.5): the risk in words ("" for none found), its assessment, and what it is estimated at.

    ``severity`` and ``probability`` estimate it by itself (both or neither); ``situations`` are those of the file that hold it.
    """

    risk: str
    assessment: str
    situations: tuple[SituationId, ...]
    severity: int | None = None
    probability: int | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A measure against hazardous situations, the requirements that implement it, and the effect claimed for it."""

    id: ControlId
    title: str
    kind: ControlKind
    text: str
    situations: tuple[SituationId, ...]
    requirements: tuple[RequirementId, ...]
    probability_steps: int
    severity_steps: int
    effect: str
    option_analysis: str | None
    evidence: tuple[str, ...]
    label_section: str | None
    ifu_sentence: str | None
    arising: Arising
    author: str
    status: str
    where: str = field(compare=False)


@dataclass(frozen=True)
class RiskFile:
    """Everything under risk/data; ``policy`` is None only where a problem was reported for it."""

    policy: Policy | None
    hazards: tuple[Hazard, ...]
    controls: tuple[Control, ...]

    @property
    def situations(self) -> tuple[Situation, ...]:
        """All hazardous situations, in the order of their hazards."""
        return tuple(situation for hazard in self.hazards for situation in hazard.situations)

    def controls_of(self, situation_id: str) -> tuple[Control, ...]:
        """Return the controls that name a situation, in the order of ISO 14971 7.1."""
        return self._controls_by_situation.get(situation_id, ())

    @cached_property
    def _controls_by_situation(self) -> dict[str, tuple[Control, ...]]:
        """The reverse table, made once: asking each control for each situation takes their product."""
        order = {kind: place for place, kind in enumerate(ControlKind)}
        table: dict[str, list[Control]] = {}
        for control in sorted(self.controls, key=lambda c: (order[c.kind], c.id)):
            for situation in dict.fromkeys(control.situations):
                table.setdefault(situation, []).append(control)
        return {situation: tuple(controls) for situation, controls in table.items()}
