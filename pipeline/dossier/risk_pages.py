"""The risk management file as tables; acceptability is computed by `risk.evaluation` from policy, estimates and the verified controls, and typed nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.tables import identified, link, links, plain, referenced, table, target, toned
from risk.arising import Disposition
from risk.evaluation import Weighing
from risk.labelling import disclosures, sentences
from risk.model import LEVELS
from risk.review import Standing

if TYPE_CHECKING:
    from pipeline.dossier.verification_pages import VerificationPages
    from risk.arising import ArisingEvaluation
    from risk.evaluation import ControlEvaluation, Evaluation, SituationEvaluation
    from risk.model import Acceptability, Control, Hazard, Level, Policy, RiskFile, Situation
    from risk.review import Point, Review

EXPLAINED = {True: "shown", False: '<span class="failed">not shown</span>', None: "no evidence considered"}


class RiskPages:
    """Tables of one risk file and its evaluation."""

    def __init__(
        self,
        risk: RiskFile,
        policy: Policy,
        evaluation: Evaluation,
        verification: VerificationPages,
        reviewed: Review | None = None,
    ) -> None:
        """Keep the parts; nothing is read here. Pages that print no review need none."""
        self._risk = risk
        self.policy = policy
        self.evaluation = evaluation
        self._verification = verification
        self._reviewed = reviewed
        self._situations = {row.id: row for row in evaluation.situations}
        self._controls = {row.id: row for row in evaluation.controls}

    def scales(self) -> str:
        """Return both scales in words."""
        return (
            table(["Severity", "Meaning"], _levels("S", self.policy.severities), widths=[22, 78])
            + "\n\n"
            + table(["Probability", "Meaning"], _levels("P", self.policy.probabilities), widths=[22, 78])
        )

    def matrix(self) -> str:
        """Return the acceptability of each combination."""
        rows = [
            [f"S{severity}", *(toned(self.policy.matrix[severity - 1][p - 1].word) for p in LEVELS)]
            for severity in reversed(LEVELS)
        ]
        return table(["", *(f"P{p}" for p in LEVELS)], rows, widths=[10, 18, 18, 18, 18, 18])

    def words(self) -> str:
        """Return what each word of the matrix means."""
        return "\n".join(f"- {toned(word)}: {plain(meaning)}" for word, meaning in self.policy.acceptability_words)

    def misuse(self) -> str:
        """Return the foreseeable misuse as a list."""
        return "\n".join(f"- {plain(text)}" for text in self.policy.foreseeable_misuse)

    def summary(self) -> str:
        """Return the number of situations by acceptability before and after controls."""
        rows = []
        for value in sorted({cell for row in self.policy.matrix for cell in row}):
            before = sum(1 for row in self.evaluation.situations if row.initial_acceptability is value)
            after = sum(1 for row in self.evaluation.situations if row.residual_acceptability is value)
            rows.append([toned(value.word), str(before), str(after)])
        return table(["Acceptability", "Before controls", "After the controls that are shown"], rows, widths=[34, 33, 33])

    def conclusion(self) -> str:
        """Return the overall conclusion with everything that stands against a better one."""
        reasons = "\n".join(f"- {referenced(text)}" for text in self.evaluation.reasons)
        return f"**{plain(self.evaluation.conclusion)}**\n\n{reasons}"

    def hazards(self) -> str:
        """Return every hazard with its situations."""
        return "\n\n".join(self._hazard(hazard) for hazard in self._risk.hazards)

    def _hazard(self, hazard: Hazard) -> str:
        sequence = "\n".join(f"{number}. {plain(step)}" for number, step in enumerate(hazard.sequence, start=1))
        rows = [self._situation(situation) for situation in hazard.situations]
        head = f"{target(hazard.id)}\n### {hazard.id} {plain(hazard.title)}\n\n{plain(hazard.source)}\n\n{sequence}"
        return (
            head + "\n\n" + table(["Hazardous situation and harm", "Before", "Controls", "After"], rows, widths=[48, 17, 18, 17])
        )

    def _situation(self, situation: Situation) -> list[str]:
        judged: SituationEvaluation = self._situations[situation.id]
        parts = [f"{identified(situation.id)} {plain(situation.text)}", f"*Harm:* {plain(situation.harm)}"]
        parts += [f"*Estimate:* {referenced(situation.basis)}", f"*Residual:* {referenced(situation.residual_basis)}"]
        parts += [f"*Why no further control:* {referenced(situation.further_control)}"] if situation.further_control else []
        parts += [f"*Why information alone:* {referenced(situation.information_only)}"] if situation.information_only else []
        before = estimated(judged.initial, judged.initial_acceptability)
        after = estimated(judged.residual, judged.residual_acceptability)
        return [
            "\n\n".join(parts),
            before,
            links(judged.controls),
            after + _weighing(judged),
        ]

    def controls(self) -> str:
        """Return every control with what implements it and what shows its effect."""
        rows = [self._control(control) for control in self._risk.controls]
        return table(["Id", "Control", "Reduces; implemented by", "Verified"], rows, widths=[9, 47, 25, 19])

    def _control(self, control: Control) -> list[str]:
        judged: ControlEvaluation = self._controls[control.id]
        parts = [f"**{plain(control.title)}** ({plain(str(control.kind))})", referenced(control.text)]
        parts += [f"*Effect:* {referenced(control.effect)}"]
        parts += [f"*Why no better option:* {referenced(control.option_analysis)}"] if control.option_analysis else []
        parts += [_arising(control, judged.arising)]
        reach = f"{links(control.situations)}\n\nby {links(control.requirements)}"
        shown = f"implementation: {EXPLAINED[judged.implemented]}\n\neffect: {EXPLAINED[judged.effective]}\n\n{self._verification.verdict(control.id)}"
        return [identified(control.id), "\n\n".join(parts), reach, shown]

    def residuals(self) -> str:
        """Return the residual risks a user must know: every situation that is not plainly acceptable after controls."""
        rows = [
            [link(each.situation), plain(each.text), plain(each.harm), toned(each.acceptability.word)]
            for each in disclosures(self._risk, self.evaluation)
        ]
        listing = table(["Situation", "What can happen", "Harm", "After controls"], rows, widths=[11, 40, 33, 16])
        return (
            listing
            if rows
            else "Every residual risk of this build is plainly acceptable by the policy; there is none to be told."
        )

    def instructions(self, section: str = "labelling") -> str:
        """Return the sentences that controls by information put into a section, the instructions for use unless told otherwise."""
        return "\n".join(
            f"- {plain(each.text)} ({link(each.control)})" for each in sentences(self._risk) if each.section == section
        )

    def review(self) -> str:
        """Return the risk management review: each point with how it came out and what stands against it, then the result and its hash."""
        if self._reviewed is None:
            raise ValueError("these pages were made without a review")
        rows = [
            [plain(point.clause), plain(point.title), _standing(point), "; ".join(referenced(text) for text in point.against)]
            for point in self._reviewed.points
        ]
        points = table(["ISO 14971", "Point", "Result", "What stands against it"], rows, widths=[12, 32, 18, 38])
        return f"{points}\n\n**Result: {plain(self._reviewed.result)}.** SHA-256 of the review: `{self._reviewed.sha256}`."

    def post_production(self) -> str:
        """Return the ways in which information comes in during production and after."""
        rows = [
            [plain(each.title), plain(each.source), plain(each.owner_role), link(each.gap) if each.gap else "in place"]
            for each in self.policy.post_production
        ]
        return table(["Method", "Source", "Role", "State"], rows, widths=[36, 30, 22, 12])

    def loops(self) -> str:
        """Return where risks that arise from controls answer each other in a circle."""
        circles = "; ".join(links(circle) for circle in self.evaluation.loops)
        return f"Circles of controls and the risks they bring: {circles or 'none'}."

    def benefit(self) -> str:
        """Return the benefit statement with what is missing."""
        benefit = self.policy.benefit
        evidence = ", ".join(map(plain, benefit.clinical_evidence)) or "none"
        return f"{plain(benefit.statement)}\n\nClinical evidence: {evidence}. Missing: {plain(benefit.missing)}"

    def counts(self) -> dict[str, int]:
        """Return how many hazards, situations and controls there are."""
        return {
            "hazards": len(self._risk.hazards),
            "situations": len(self._risk.situations),
            "controls": len(self._risk.controls),
        }


def _levels(letter: str, levels: tuple[Level, ...]) -> list[list[str]]:
    return [[f"**{letter}{level.level}** {plain(level.name)}", plain(level.meaning)] for level in levels]


def _arising(control: Control, judged: ArisingEvaluation) -> str:
    said = control.arising
    words = [f"*Arising:* {plain(said.risk)} {plain(said.assessment)}".replace("  ", " ")]
    if judged.estimate and judged.acceptability is not None:
        words.append(f"{judged.estimate}: {toned(judged.acceptability.word)}.")
    words.append(f"Held by {links(said.situations)}." if judged.disposition is Disposition.CARRIED else links(said.situations))
    words.append('<span class="failed">Open.</span>' if judged.disposition is Disposition.OPEN else "")
    return " ".join(word for word in words if word)


def _standing(point: Point) -> str:
    style = {Standing.HOLDS: "acceptable", Standing.STATED: "unacceptable", Standing.OPEN: "failed"}[point.standing]
    return toned(style, point.standing)


def _weighing(judged: SituationEvaluation) -> str:
    return "" if judged.weighing is Weighing.NOT_NEEDED else f"\n\n{judged.weighing}"


def estimated(risk: object, acceptability: Acceptability) -> str:
    """Return an estimate with its acceptability below it, in a cell."""
    return f"{risk}\n\n{toned(acceptability.word)}"
