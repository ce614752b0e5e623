"""What the scenarios showed, read from the verdicts of the verification run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.dossier.tables import links, plain, table

if TYPE_CHECKING:
    from pipeline.dossier.evidence import EvidenceBook

VERDICTS = "artifacts/verification/verdicts.json"


class VerificationPages:
    """Tables of one verification run."""

    def __init__(self, book: EvidenceBook) -> None:
        """Read the verdicts; the list must not be empty."""
        self._book = book
        self._verdicts: list[dict[str, Any]] = book.value(VERDICTS, "/verdicts")

    def verdict(self, item_id: str) -> str:
        """Return in one line how the scenarios of a requirement or control ended."""
        rows = [(index, row) for index, row in enumerate(self._verdicts) if item_id in row["tags"]]
        if not rows:
            return '<span class="failed">no scenario result</span>'
        bad = [row for _, row in rows if row["outcome"] != "passed"]
        word = f"{len(rows)} of {len(rows)} passed" if not bad else f"{len(rows) - len(bad)} of {len(rows)} passed"
        return f"Scenarios: {self._book.cited(word, VERDICTS, f'/verdicts (tag {item_id})')}"

    def counts(self) -> str:
        """Return the number of scenarios and rows by outcome."""
        counted = Counter(row["outcome"] for row in self._verdicts)
        rows = [
            [plain(outcome), self._book.cited(str(count), VERDICTS, "/verdicts")] for outcome, count in sorted(counted.items())
        ]
        total = self._book.cited(str(len(self._verdicts)), VERDICTS, "/verdicts")
        return table(["Outcome", "Scenarios and rows"], [*rows, ["**all**", total]], widths=[50, 50])

    def scenarios(self) -> str:
        """Return every scenario and row with what it verifies and its outcome, one table a feature file."""
        features = sorted({row["feature"] for row in self._verdicts})
        return "\n\n".join(f"### {plain(feature)}\n\n{self._feature(feature)}" for feature in features)

    def _feature(self, feature: str) -> str:
        rows = [self._row(index, row) for index, row in enumerate(self._verdicts) if row["feature"] == feature]
        return table(["Scenario", "Verifies", "Outcome"], rows, widths=[58, 26, 16])

    def _row(self, index: int, row: dict[str, Any]) -> list[str]:
        name = plain(row["scenario"]) + (f"\n\n{plain(row['row'])}" if row["row"] else "")
        outcome = self._book.cited(row["outcome"], VERDICTS, f"/verdicts/{index}/outcome")
        return [name, links(row["tags"]), outcome + (f"\n\n{plain(row['reason'])}" if row["reason"] else "")]

    def passed_ids(self) -> frozenset[str]:
        """Return the requirements and controls that have scenario results, all of which passed."""
        named = {tag for row in self._verdicts for tag in row["tags"]}
        return frozenset(named - {tag for row in self._verdicts if row["outcome"] != "passed" for tag in row["tags"]})
