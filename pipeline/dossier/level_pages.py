"""What the FDA documentation level is judged by: the gravest harm of the risk file before any control is counted, and what a compromised device could do.

Estimates are read from the risk file and typed nowhere; the judgement itself is words on the page of intended use.

Source: FDA software guidance VI.A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.dossier.tables import link, plain, table
from pipeline.file_error import FileError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from risk.model import Policy, RiskFile, Situation


@dataclass(frozen=True)
class LevelPages:
    """Tables of situations before controls."""

    risk: RiskFile
    policy: Policy

    def gravest(self) -> str:
        """Return the situations of the highest severity that any situation has before controls."""
        situations = [each for hazard in self.risk.hazards for each in hazard.situations]
        worst = max(each.severity for each in situations)
        return self._table(each for each in situations if each.severity == worst)

    def of_hazard(self, hazard_id: str) -> str:
        """Return the situations of one hazard.

        Raises:
            FileError: FILE-CONTENT, the risk file has no such hazard.
        """
        for hazard in self.risk.hazards:
            if hazard.id == hazard_id:
                return self._table(hazard.situations)
        raise FileError(
            "FILE-CONTENT", "docs/intended-use.md", f"no hazard {hazard_id}", "a hazard of risk/data", "correct the id"
        )

    def _table(self, situations: Iterable[Situation]) -> str:
        rows = [[link(each.id), plain(each.text), plain(each.harm), self._before(each)] for each in situations]
        return table(["Situation", "What happens", "Harm", "Before controls"], rows, widths=[12, 36, 32, 20])

    def _before(self, situation: Situation) -> str:
        severity, probability = situation.severity, situation.probability
        words = f"S{severity} {self.policy.severities[severity - 1].name}"
        return plain(words + (f", P{probability} {self.policy.probabilities[probability - 1].name}" if probability else ""))
