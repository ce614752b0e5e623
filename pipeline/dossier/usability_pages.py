"""The usability engineering file as tables: hazards, harms, estimates and controls of each use scenario come from the risk file and its evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.risk_pages import estimated
from pipeline.dossier.tables import link, links, plain, table, target
from pipeline.dossier.usability import CRITICAL_FROM, critical
from risk.model import ControlKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.dossier.usability import Element, Scenario, UsabilityFile
    from pipeline.dossier.verification_pages import VerificationPages
    from requirements_spec.model import Specification
    from risk.evaluation import Evaluation
    from risk.model import RiskFile

STATE = "planned; not done"
"""What is said of every evaluation as long as no record of one exists."""


class UsabilityPages:
    """Tables of one usability engineering file."""

    def __init__(
        self,
        usability: UsabilityFile,
        specification: Specification,
        risk: RiskFile,
        evaluation: Evaluation,
        verification: VerificationPages,
    ) -> None:
        """Keep the parts; nothing is read here."""
        self._usability = usability
        self._specification = specification
        self._risk = risk
        self._verification = verification
        self._judged = {row.id: row for row in evaluation.situations}
        self._situations = {situation.id: situation for situation in risk.situations}
        self._hazards = {situation.id: hazard for hazard in risk.hazards for situation in hazard.situations}

    def counts(self) -> dict[str, int]:
        """Return how many scenarios there are, and how many of them are critical."""
        scenarios = self._usability.scenarios
        return {"scenarios": len(scenarios), "critical": len(self._critical()), "from": CRITICAL_FROM}

    def users(self) -> str:
        """Return the groups of users, with the needs that name their role."""
        rows = []
        for user in self._usability.users:
            needs = links(need.id for need in self._specification.needs if need.role == user.role)
            work = f"{plain(user.does)}\n\n*Needs:* {needs}"
            rows.append(
                [f"**{plain(user.title)}**\n\n{user.id}", work, plain(user.knows), plain(user.learns), plain(user.limits)]
            )
        return table(["Users", "Work with the device", "Knows", "Has to learn", "Limits"], rows, widths=[15, 30, 17, 20, 18])

    def environments(self) -> str:
        """Return the places of use."""
        return table(
            ["Place", "What it is like"],
            [[plain(title), plain(text)] for title, text in self._usability.environments],
            widths=[26, 74],
        )

    def elements(self) -> str:
        """Return the parts of the interface, with what matters for safety and the scenarios that meet them."""
        rows = [self._element(element) for element in self._usability.elements]
        return table(["Part", "What it shows", "What matters for safety", "Use scenarios"], rows, widths=[18, 31, 35, 16])

    def _element(self, element: Element) -> list[str]:
        met = [scenario.id for scenario in self._usability.scenarios if element.id in scenario.elements]
        return [f"**{plain(element.title)}**\n\n{element.id}", plain(element.shows), plain(element.matters), links(met)]

    def specification(self) -> str:
        """Return the user interface specification: the requirements of each part with their acceptance and what this build shows."""
        rows = []
        for element in self._usability.elements:
            for name in element.requirements:
                row = self._specification.requirement(name)
                text = f"**{plain(row.title)}**\n\n*Acceptance:* {plain(row.acceptance)}"
                rows.append([element.id, link(row.id), text, self._verification.verdict(row.id)])
        return table(["Part", "Requirement", "What it asks", "Shown"], rows, widths=[8, 12, 58, 22])

    def scenarios(self) -> str:
        """Return each use scenario with its steps, its error, and the hazardous situations of the risk file at its end."""
        return "\n\n".join(self._scenario(scenario) for scenario in self._usability.scenarios)

    def _scenario(self, scenario: Scenario) -> str:
        user = next(user for user in self._usability.users if user.id == scenario.user)
        steps = "\n".join(f"{number}. {plain(step)}" for number, step in enumerate(scenario.steps, start=1))
        weight = "critical" if critical(scenario, self._risk) else "not critical"
        head = f"{target(scenario.id)}\n### {scenario.id} {plain(scenario.title)}\n\n{plain(user.title)}, with {', '.join(scenario.elements)}; {weight}.\n\n{steps}"
        error = f"*Use error ({scenario.kind}):* {plain(scenario.error)}."
        misuse = f"\n\n*Foreseeable misuse:* {plain('; '.join(scenario.misuse))}." if scenario.misuse else ""
        rows = [self._situation(name) for name in scenario.situations]
        after = table(["Hazard and situation", "Harm", "Before", "Controls", "After"], rows, widths=[29, 22, 17, 15, 17])
        return f"{head}\n\n{error}{misuse}\n\n{after}"

    def _situation(self, name: str) -> list[str]:
        situation, judged = self._situations[name], self._judged[name]  # type: ignore[index]
        hazard = self._hazards[name]  # type: ignore[index]
        return [
            f"{plain(hazard.title)}\n\n{link(name)} {plain(situation.text)}",
            plain(situation.harm),
            estimated(judged.initial, judged.initial_acceptability),
            "\n\n".join(self._controls(name)),
            estimated(judged.residual, judged.residual_acceptability),
        ]

    def _controls(self, name: str) -> Iterable[str]:
        """Yield the controls of a situation by their kind, in the order of ISO 14971 7.1."""
        for kind in ControlKind:
            if named := [control.id for control in self._risk.controls_of(name) if control.kind is kind]:
                yield f"{kind}: {links(named)}"

    def technical(self) -> str:
        """Return the situations that no action of a user leads to."""
        rows = [[links(names), plain(reason)] for names, reason in self._usability.technical]
        return table(["Situations", "Why they stand in no use scenario"], rows, widths=[28, 72])

    def evaluations(self, kind: str) -> str:
        """Return the plans of one kind."""
        names = ("objective", "participants", "method", "measures", "accepted")
        return "\n\n".join(
            f"### {each.id} {plain(each.title)}\n\n"
            + table(
                ["Point", "Plan"],
                [["State", f'<span class="failed">{STATE}</span>'], *([name, plain(getattr(each, name))] for name in names)],
                widths=[20, 80],
            )
            for each in self._usability.evaluations
            if each.kind == kind
        )

    def tasks(self, kind: str) -> str:
        """Return the tasks with their criteria: of the critical scenarios for ``summative``, of the others for ``formative``."""
        chosen = (
            self._critical()
            if kind == "summative"
            else [each for each in self._usability.scenarios if not critical(each, self._risk)]
        )
        rows = [[link(each.id), plain(each.title), plain(each.task), plain(each.criterion)] for each in chosen]
        return table(["Scenario", "Title", "Task", "Accepted when"], rows, widths=[10, 18, 34, 38])

    def _critical(self) -> list[Scenario]:
        return [scenario for scenario in self._usability.scenarios if critical(scenario, self._risk)]
