"""Judges what must hold inside the risk file and between it and the specification: links, duties of each control, claims that add up, a sane policy."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from requirements_spec.problem import Problem
from risk.arising import Disposition, arising, loops
from risk.estimate import acceptability, before_controls, claimed, supported, with_controls
from risk.model import LEVELS, Acceptability, ControlKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.model import Specification
    from risk.model import Control, Hazard, Policy, RiskFile, Situation


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
    for control in risk.controls:
        yield from _duties(control)
        yield from _estimated_whole(control)
    if risk.policy is not None:
        for hazard in risk.hazards:
            for situation in hazard.situations:
                yield from _controlled(risk, risk.policy, situation)
                yield from _claim(risk, risk.policy, situation)
                yield from _weighed(risk.policy, situation)
            yield from _information_only(risk, risk.policy, hazard)
        yield from _arising(risk, risk.policy)
        yield from _loops(risk, risk.policy)


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


def _controlled(risk: RiskFile, policy: Policy, situation: Situation) -> Iterator[Problem]:
    """Yield a situation without control whose risk is not acceptable as it is."""
    before = before_controls(policy, situation)
    judged = acceptability(policy, before)
    if not risk.controls_of(situation.id) and judged is not Acceptability.ACCEPTABLE:
        yield _problem(
            situation.where,
            "RSK-UNCONTROLLED",
            situation.id,
            f"no control that names this situation, and {before} is {judged.word}",
            "at least one control, or a risk that is acceptable without any",
            "add the situation to a control, or write one",
            "ISO 14971 6, 7.6",
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
    owed = control.kind is ControlKind.INFORMATION
    if (control.label_section is not None, control.ifu_sentence is not None) != (owed, owed):
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


def _estimated_whole(control: Control) -> Iterator[Problem]:
    """Yield a statement about what a control brings that says half of it: one level of two, or an estimate or situations of a risk without words."""
    said = control.arising
    levels = [name for name, level in (("severity", said.severity), ("probability", said.probability)) if level is not None]
    if len(levels) == 1:
        found, expected = f"{levels[0]} alone", "severity and probability of the risk that arises, or neither"
    elif not said.risk and (levels or said.situations):
        found, expected = (
            "an estimate or situations of a risk that no words describe",
            "the risk in words, or nothing but the assessment",
        )
    else:
        return
    yield _problem(control.where, "RSK-ARISING", control.id, found, expected, "complete the statement", "ISO 14971 7.5")


def _arising(risk: RiskFile, policy: Policy) -> Iterator[Problem]:
    """Yield risks that controls bring and that nothing answers, and controls that bring more than they reduce."""
    before = {each.id: before_controls(policy, each) for each in risk.situations}
    residual = {each.id: with_controls(policy, each, risk.controls_of(each.id)) for each in risk.situations}
    accepted = {name for name, risk_before in before.items() if acceptability(policy, risk_before) is Acceptability.ACCEPTABLE}
    handled = {name for name in before if name in accepted or risk.controls_of(name)}
    for control in risk.controls:
        judged = arising(policy, control, before, residual, handled)
        if judged.disposition is Disposition.OPEN and control.arising.risk:
            answer = (
                f"situations without control: {', '.join(judged.unhandled)}" if judged.unhandled else "no situation that holds it"
            )
            own = (
                f"{judged.estimate} is {judged.acceptability.word}" if judged.estimate and judged.acceptability else "no estimate"
            )
            yield _problem(
                control.where,
                "RSK-ARISING",
                control.id,
                f"a risk arising from the control with {own} and {answer}",
                "an estimate that the matrix calls acceptable, or situations that hold the risk and are controlled",
                "estimate the risk, name the situations, or control them",
                "ISO 14971 7.5",
            )
        if judged.worse:
            yield _problem(
                control.where,
                "RSK-ARISING-WORSE",
                control.id,
                f"{', '.join(judged.worse)}: a risk worse than each that the control reduces",
                "a control that reduces more than it brings",
                "control the risk that arises, or take another control",
                "ISO 14971 7.5",
            )


def _loops(risk: RiskFile, policy: Policy) -> Iterator[Problem]:
    """Yield each control of a loop of risks that answer each other."""
    places = {control.id: control.where for control in risk.controls}
    for circle in loops(policy, risk.controls):
        for name in circle:
            yield _problem(
                places[name],
                "RSK-ARISING-LOOP",
                name,
                f"a circle of arising risks: {', '.join(circle)}",
                "a chain of arising risks that ends",
                "estimate one of these risks by itself, or control it by something outside the loop",
                "ISO 14971 7.5",
            )


def _information_only(risk: RiskFile, policy: Policy, hazard: Hazard) -> Iterator[Problem]:
    """Yield situations left to information alone without a reason, with the options that the same hazard knows, and reasons where there is no need."""
    options = {
        str(control.id): control.kind
        for situation in hazard.situations
        for control in risk.controls_of(situation.id)
        if control.kind is not ControlKind.INFORMATION
    }
    for situation in hazard.situations:
        controls = risk.controls_of(situation.id)
        alone = bool(controls) and all(control.kind is ControlKind.INFORMATION for control in controls)
        needed = alone and acceptability(policy, before_controls(policy, situation)) is not Acceptability.ACCEPTABLE
        if needed == bool(situation.information_only):
            continue
        listed = ", ".join(f"{name} ({kind})" for name, kind in options.items())
        yield _problem(
            situation.where,
            "RSK-INFORMATION-ONLY",
            situation.id,
            f"information alone and no word why{f', though this hazard knows {listed}' if listed else ''}"
            if needed
            else "a reason for information alone, which is not the case",
            "`information_only` where controls by information stand alone against a risk that is not acceptable, and nowhere else",
            "add a control by design or protection, or write why there is none" if needed else "remove `information_only`",
            "ISO 14971 7.1",
        )


def _weighed(policy: Policy, situation: Situation) -> Iterator[Problem]:
    """Yield a claimed residual that is not plainly acceptable and does not say why no further control is practicable."""
    judged = acceptability(policy, claimed(situation))
    if judged is not Acceptability.ACCEPTABLE and not situation.further_control:
        yield _problem(
            situation.where,
            "RSK-FURTHER-CONTROL",
            situation.id,
            f"residual {claimed(situation)} is {judged.word}, and no word on further control",
            "`further_control`: why no further control is practicable",
            "write it, or add the control",
            "ISO 14971 7.4",
        )


def _claim(risk: RiskFile, policy: Policy, situation: Situation) -> Iterator[Problem]:
    """Yield a residual claim that is better than the controls' own claims add up to, or worse than the risk before them."""
    best, before, claim = (
        supported(policy, situation, risk.controls_of(situation.id)),
        before_controls(policy, situation),
        claimed(situation),
    )
    if not claim.covers(best):
        yield _problem(
            situation.where,
            "RSK-CLAIM",
            situation.id,
            f"residual {claim}",
            f"at best {best}, which its controls add up to",
            "correct the residual, or add a control",
            "ISO 14971 7.3",
        )
    if not before.covers(claim):
        yield _problem(
            situation.where,
            "RSK-CLAIM",
            situation.id,
            f"residual {claim}",
            f"at most {before}, the risk before controls",
            "correct one of the two estimates",
            "ISO 14971 7.3",
        )


def _problem(where: str, code: str, item: str, found: str, expected: str, repair: str, clause: str) -> Problem:  # noqa: PLR0913, PLR0917 - a Problem's parts
    return Problem(where=where, code=code, item=item, found=found, expected=expected, repair=repair, clause=clause)
