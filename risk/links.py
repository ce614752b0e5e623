"""Judges what must hold inside the risk file and between it and the specification: links, duties of each control, claims that add up, a sane policy."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from requirements_spec.problem import Problem
from risk.evaluation import supported
from risk.model import LEVELS, ControlKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.model import Specification
    from risk.model import Control, Policy, RiskFile, Situation


def policy_problems(policy: Policy | None) -> Iterator[Problem]:
    """Yield what makes a policy no policy: scales with a level missing, a matrix in which a worse risk is more acceptable, no second role."""
    if policy is None:
        return
    for name, scale in (("severity", policy.severities), ("probability", policy.probabilities)):
        if [each.level for each in scale] != list(LEVELS):
            yield _problem(
                policy.where,
                "RSK-SCALE",
                policy.id,
                f"levels {[each.level for each in scale]} of {name}",
                f"levels {list(LEVELS)}, each once, in order",
                "complete the scale",
                "ISO 14971 4.4 d",
            )
    if not monotone(policy):
        yield _problem(
            policy.where,
            "RSK-MATRIX",
            policy.id,
            "a cell that is more acceptable than one of lower severity or probability",
            "acceptability that never improves as severity or probability rises",
            "correct the rows of [acceptability]",
            "ISO 14971 4.4 d",
        )
    if len({approval.identity for approval in policy.approvals}) < len(policy.approvals):
        yield _problem(
            policy.where,
            "RSK-APPROVAL",
            policy.id,
            "one identity in two roles",
            "two identities",
            "name a second identity",
            "ISO 14971 4.2, 4.3",
        )


def monotone(policy: Policy) -> bool:
    """Say whether no risk becomes more acceptable when its severity or its probability rises."""
    rows, columns = policy.matrix, tuple(zip(*policy.matrix, strict=True))
    return all(low <= high for line in (*rows, *columns) for low, high in pairwise(line))


def link_problems(risk: RiskFile, specification: Specification, declared: frozenset[str]) -> Iterator[Problem]:
    """Yield every broken link and unmet duty; ``declared`` are all ids of the risk files, those of unsound rows included."""
    yield from _dangling(risk, specification, declared)
    yield from _dispositions(risk, specification)
    yield from _uncontrolled(risk)
    for control in risk.controls:
        yield from _duties(control)
    for situation in risk.situations:
        yield from _claim(risk, situation)


def _dangling(risk: RiskFile, specification: Specification, declared: frozenset[str]) -> Iterator[Problem]:
    requirements = {requirement.id for requirement in specification.requirements}
    for control in risk.controls:
        targets: list[str] = [each for each in (*control.situations, *control.arising.situations) if each not in declared]
        targets += [each for each in control.requirements if each not in requirements]
        targets += [each for each in control.evidence if each[1:] not in declared and each[1:] not in requirements]
        for target in targets:
            yield _problem(
                control.where,
                "RSK-DANGLING",
                control.id,
                f"a link to {target}",
                "the id of an item that exists",
                "correct the id or add the item",
                "ISO 14971 4.5; IEC 62304 7.3.3",
            )
    for requirement in specification.requirements:
        for control_id in requirement.controls:
            if control_id not in declared:
                yield _problem(
                    requirement.where,
                    "RSK-DANGLING",
                    requirement.id,
                    f"a link to {control_id}",
                    "the id of a control that exists",
                    "correct the id or add the control",
                    "ISO 14971 4.5; IEC 62304 7.3.3",
                )


def _dispositions(risk: RiskFile, specification: Specification) -> Iterator[Problem]:
    """Yield disagreements between what a control says implements it and what a requirement says it implements."""
    named = {(control.id, requirement): control.where for control in risk.controls for requirement in control.requirements}
    claimed = {(control, r.id): r.where for r in specification.requirements for control in r.controls}
    known = {control.id for control in risk.controls}
    requirements = {requirement.id for requirement in specification.requirements}
    for control, requirement in sorted(named.keys() ^ claimed.keys()):
        if control not in known or requirement not in requirements:
            continue
        yield _problem(
            named.get((control, requirement)) or claimed[control, requirement],
            "RSK-ONE-SIDED",
            f"{control} - {requirement}",
            "a link that only one of the two items states",
            "the control in the requirement's `controls` and the requirement in the control's `requirements`",
            "add the missing side, or remove the other after review",
            "IEC 62304 7.2.2, 7.3.3",
        )


def _uncontrolled(risk: RiskFile) -> Iterator[Problem]:
    for situation in risk.situations:
        if not risk.controls_of(situation.id):
            yield _problem(
                situation.where,
                "RSK-UNCONTROLLED",
                situation.id,
                "no control that names this situation",
                "at least one control",
                "add the situation to a control, or write one",
                "ISO 14971 7.6",
            )


def _duties(control: Control) -> Iterator[Problem]:
    """Yield what a control of its kind must say and does not."""
    if f"@{control.id}" not in control.evidence:
        yield _problem(
            control.where,
            "RSK-EVIDENCE",
            control.id,
            f"evidence {', '.join(control.evidence)}",
            f"the control's own tag @{control.id} among it",
            "add the tag and a scenario that carries it",
            "ISO 14971 7.2",
        )
    if control.kind is not ControlKind.DESIGN and control.option_analysis is None:
        yield _problem(
            control.where,
            "RSK-OPTIONS",
            control.id,
            f"a control of kind {control.kind} without option_analysis",
            "the reason why no option of higher priority was taken",
            "write option_analysis",
            "ISO 14971 7.1",
        )
    if (control.kind is ControlKind.INFORMATION) != (control.label_section is not None and control.ifu_sentence is not None):
        yield _problem(
            control.where,
            "RSK-LABEL",
            control.id,
            f"kind {control.kind} with label_section {control.label_section} and {'a' if control.ifu_sentence else 'no'} sentence",
            "label_section and ifu_sentence for information controls, and for no other",
            "name the section and the sentence, or correct the kind",
            "ISO 14971 7.1 c; MDR Annex I 23.1",
        )
    if control.probability_steps + control.severity_steps == 0:
        yield _problem(
            control.where,
            "RSK-NO-EFFECT",
            control.id,
            "no step claimed",
            "at least one step of probability or severity",
            "state the effect, or remove the control",
            "ISO 14971 7.2",
        )
    if control.arising.risk and not (control.arising.situations or control.arising.assessment.endswith("Acceptable.")):
        yield _problem(
            control.where,
            "RSK-ARISING",
            control.id,
            "a risk arising from the control without a situation or an acceptance",
            "the situations that hold it, or an assessment that ends in 'Acceptable.'",
            "assess the risk",
            "ISO 14971 7.5",
        )


def _claim(risk: RiskFile, situation: Situation) -> Iterator[Problem]:
    """Yield a residual claim that is better than the controls' own claims add up to, or worse than the risk before them."""
    if risk.policy is None:
        return
    best = supported(risk.policy, situation, risk.controls_of(situation.id))
    claim = (situation.residual_severity, situation.residual_probability)
    if claim[0] < best.severity or claim[1] < best.probability:
        yield _problem(
            situation.where,
            "RSK-CLAIM",
            situation.id,
            f"residual S{claim[0]} P{claim[1]}",
            f"at best S{best.severity} P{best.probability}, which its controls add up to",
            "correct the residual, or add a control",
            "ISO 14971 7.3",
        )
    if claim[0] > situation.severity or claim[1] > situation.probability:
        yield _problem(
            situation.where,
            "RSK-CLAIM",
            situation.id,
            f"residual S{claim[0]} P{claim[1]}",
            f"at most S{situation.severity} P{situation.probability}, the risk before controls",
            "correct one of the two estimates",
            "ISO 14971 7.3",
        )


def _problem(where: str, code: str, item: str, found: str, expected: str, repair: str, clause: str) -> Problem:  # noqa: PLR0913, PLR0917 - a Problem's parts
    return Problem(where=where, code=code, item=item, found=found, expected=expected, repair=repair, clause=clause)
