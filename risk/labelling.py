"""What the instructions for use owe the risk file: the sentence of each control by information, and each residual risk that is not plainly acceptable.

Source: ISO 14971:2019 7.1 c and 8 (information for safety, disclosure of residual risks); MDR Annex I 4 and 23.1 g.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from risk.model import Acceptability, ControlKind

if TYPE_CHECKING:
    from requirements_spec.model import ControlId
    from risk.evaluation import Evaluation
    from risk.model import RiskFile, SituationId

RESIDUALS_SECTION = "labelling"
"""The section that discloses residual risks."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a control by information says to the user, and the section that has to say it."""

    control: ControlId
    section: str
    text: str
    where: str


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A residual risk that the user has to know."""

    situation: SituationId
    text: str
    harm: str
    acceptability: Acceptability
    where: str


def sentences(risk: RiskFile) -> tuple[Sentence, ...]:
    """Return the sentences of all controls by information that have one and a section, in the order of the file."""
    return tuple(
        Sentence(control.id, control.label_section, control.ifu_sentence, control.where)
        for control in risk.controls
        if control.kind is ControlKind.INFORMATION and control.label_section and control.ifu_sentence
    )


def disclosures(risk: RiskFile, evaluation: Evaluation) -> tuple[Disclosure, ...]:
    """Return the residual risks that are not plainly acceptable after the controls that count, in the order of the file."""
    return tuple(
        Disclosure(situation.id, situation.text, situation.harm, judged.residual_acceptability, situation.where)
        for situation, judged in zip(risk.situations, evaluation.situations, strict=True)
        if judged.residual_acceptability is not Acceptability.ACCEPTABLE
    )
