"""What the specification says, as tables: needs, requirements by software item, architecture, SOUP, and what each section was asked to render."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.tables import identified, link, links, plain, table, target
from requirements_spec.lock import INTERPRETER

if TYPE_CHECKING:
    from pipeline.dossier.verification_pages import VerificationPages
    from requirements_spec.model import Requirement, Soup, Specification, UserNeed


NEEDS = "user-needs"
"""The section that lists all needs."""


class SpecificationPages:
    """Tables of one specification; outcomes of its scenarios come from the verification record."""

    def __init__(self, specification: Specification, verification: VerificationPages) -> None:
        """Keep both; nothing is read here."""
        self._specification = specification
        self._verification = verification

    @property
    def content(self) -> Specification:
        """The specification itself, for pages that are made from it as a whole."""
        return self._specification

    def needs(self) -> str:
        """Return all user needs with the requirements that name them."""
        return table(
            ["Id", "Need", "Role", "Requirements"],
            [self._need(need) for need in self._specification.needs],
            widths=[8, 56, 14, 22],
        )

    def _need(self, need: UserNeed) -> list[str]:
        serving = [requirement.id for requirement in self._specification.requirements if need.id in requirement.needs]
        text = f"**{plain(need.title)}**\n\n{plain(need.text)}\n\n*Why:* {plain(need.rationale)}"
        return [identified(need.id), text, plain(need.role), links(serving)]

    def requirements(self) -> str:
        """Return every requirement, one table a software item."""
        return "\n\n".join(self._item_requirements(item.id, item.title) for item in self._specification.items)

    def _item_requirements(self, item_id: str, title: str) -> str:
        rows = [self._requirement(row) for row in self._specification.requirements if row.item == item_id]
        return f"## {plain(title)} ({item_id})\n\n" + table(["Id", "Requirement", "Links"], rows, widths=[9, 62, 29])

    def _requirement(self, row: Requirement) -> list[str]:
        text = f"**{plain(row.title)}**\n\n{plain(row.text)}\n\n*Acceptance:* {plain(row.acceptance)}\n\n*Why:* {plain(row.rationale)}"
        risk = f"Controls: {links(row.controls)}" if row.controls else f"Not risk-related: {plain(row.not_risk_related or '')}"
        kind = f"{row.type}{', safety' if row.safety else ''}; by {row.verification}"
        return [
            identified(row.id),
            text,
            f"{kind}\n\nNeeds: {links(row.needs)}\n\n{risk}\n\n{self._verification.verdict(row.id)}",
        ]

    def items(self) -> str:
        """Return the software items with their modules and number of requirements."""
        rows = []
        for item in self._specification.items:
            count = sum(1 for row in self._specification.requirements if row.item == item.id)
            rows.append(
                [
                    identified(item.id),
                    f"**{plain(item.title)}**\n\n{plain(item.purpose)}",
                    ", ".join(f"`{m}`" for m in item.modules),
                    str(count),
                ]
            )
        return table(["Item", "Purpose", "Modules", "SRS"], rows, widths=[19, 39, 35, 7])

    def interfaces(self) -> str:
        """Return what passes between items."""
        rows = [[link(row.source), link(row.target), plain(row.passes)] for row in self._specification.interfaces]
        return table(["From", "To", "What passes"], rows, widths=[20, 20, 60])

    def system(self, name: str) -> str:
        """Return one field of the software system as text."""
        value = getattr(self._specification.system, name)
        return "\n".join(f"- {plain(row)}" for row in value) if isinstance(value, tuple) else plain(str(value))

    def soup(self) -> str:
        """Return the SOUP list with locked versions."""
        return table(
            ["Item", "Version", "Purpose and what is required of it", "Safety, anomalies, licence"],
            [self._soup(row) for row in self._specification.soup],
            widths=[18, 14, 38, 30],
        )

    def _soup(self, row: Soup) -> list[str]:
        demands = "\n".join(f"- {plain(text)}" for text in row.requirements)
        name = f"{target(row.id)}\n**{plain(row.title)}**\n\n{row.id}\n\n{plain(row.manufacturer)}"
        purpose = f"{plain(row.purpose)}\n\n{demands}\n\n*Needs:* {plain(row.needs)}\n\n*Used by:* {links(row.used_by)}"
        return [
            name,
            plain(row.version or ""),
            purpose,
            f"{plain(row.safety)}\n\n*Anomaly list:* {plain(row.anomalies)}\n\n*Licence:* {plain(row.licence)}",
        ]

    def distributions(self) -> frozenset[str]:
        """Return the distributions that the SOUP items name."""
        return frozenset(row.distribution for row in self._specification.soup)

    def section(self, section: str) -> str:
        """Return what the specification says belongs into a section: the needs and requirements that name it, with their outcome; empty where none does.

        The section of the needs has them all already, so only requirements are listed there.
        """
        needs = [
            [link(n.id), plain(n.title), plain(n.text), f"need of: {plain(n.role)}"]
            for n in self._specification.needs
            if section in n.sections and section != NEEDS
        ]
        demands = [
            [link(r.id), plain(r.title), plain(r.text), self._verification.verdict(r.id)]
            for r in self._specification.requirements
            if section in r.sections
        ]
        rows = needs + demands
        return table(["Id", "Title", "Statement", "State"], rows, widths=[9, 21, 48, 22]) if rows else ""

    def counts(self) -> dict[str, int]:
        """Return how many needs, requirements, items and SOUP items there are, and how many of the last are libraries: all but the interpreter."""
        spec = self._specification
        return {
            "needs": len(spec.needs),
            "requirements": len(spec.requirements),
            "items": len(spec.items),
            "soup": len(spec.soup),
            "libraries": sum(row.distribution != INTERPRETER for row in spec.soup),
        }
