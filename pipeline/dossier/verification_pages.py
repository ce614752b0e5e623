"""What the scenarios showed, read from the verdicts of the verification run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.dossier.tables import plain, table
from verification.trace.outcomes import MEANING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.dossier.evidence import EvidenceBook

VERDICTS = "artifacts/verification/verdicts.json"


Key = TypeVar("Key")
Value = TypeVar("Value")


class VerificationPages:
    """Tables of one verification run."""

    def __init__(self, book: EvidenceBook) -> None:
        """Read the verdicts; the list must not be empty."""
        self._book = book
        self._verdicts: list[dict[str, Any]] = book.value(VERDICTS, "/verdicts")
        self._by_tag = _groups((tag, place) for place in enumerate(self._verdicts) for tag in set(place[1]["tags"]))
        self._by_scenario = _groups(((place[1]["feature"], place[1]["scenario"]), place) for place in enumerate(self._verdicts))

    def verdict(self, item_id: str) -> str:
        """Return in one line how the scenarios of a requirement or control ended."""
        rows = self._by_tag.get(item_id)
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

    @staticmethod
    def meanings() -> str:
        """Return what each outcome means; a test holds the meaning fixed over every way a result can reach the gate."""
        return table(
            ["Outcome", "The scenario or row ..."], [[str(name), plain(text)] for name, text in MEANING.items()], widths=[25, 75]
        )

    def results(self, feature: str, scenario: str) -> tuple[tuple[int, dict[str, Any]], ...]:
        """Return what came of a scenario's rows, each with its place among the verdicts; none where it has no result."""
        return tuple(self._by_scenario.get((feature, scenario), ()))

    def passed_ids(self) -> frozenset[str]:
        """Return the requirements and controls that have scenario results, all of which passed."""
        named = {tag for row in self._verdicts for tag in row["tags"]}
        return frozenset(named - {tag for row in self._verdicts if row["outcome"] != "passed" for tag in row["tags"]})


def _groups(pairs: Iterable[tuple[Key, Value]]) -> dict[Key, list[Value]]:
    """Return what stands with each key, in its order, so that each item finds its rows without looking through all of them.

    >>> _groups([("b", 1), ("a", 2), ("b", 3)])
    {'b': [1, 3], 'a': [2]}
    """
    found: dict[Key, list[Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
