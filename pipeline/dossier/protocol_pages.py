"""The scenarios as test protocols with their results: what is done, what is expected, what was observed, one page a feature file.

Steps are read from the feature files, outcomes from the verdicts of the run; nothing of a page has a date. The records of the run, which hold date, configuration
and each observed step, stay where they are: equal runs have equal pages and unequal records.

Source: FDA software guidance VI.H (system level protocol with expected results, observed results and pass or fail); IEC 62304 5.7.5 (a).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pipeline.dossier.tables import links, plain, table
from pipeline.dossier.verification_pages import VERDICTS
from pipeline.file_error import FileError
from verification.trace import features

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.dossier.evidence import EvidenceBook
    from pipeline.dossier.verification_pages import VerificationPages
    from verification.trace.features import Scenario, Step

FOLDER = "testing"
OUTCOME = "Outcome"
"""The kind of a step that says what must be seen."""

_ITEM = re.compile(r"[A-Z]+-\d{3}")
"""A tag that is the id of an item; others say what a scenario needs to run."""


@dataclass(frozen=True)
class ProtocolPages:
    """The scenarios of all feature files beside their verdicts."""

    scenarios: tuple[Scenario, ...]
    verification: VerificationPages
    book: EvidenceBook

    def listed(self) -> str:
        """Return every feature file with its scenarios and rows counted, and the page beside this one that has them in full."""
        rows = [self._counted(name, found) for name, found in self._by_feature()]
        return table(["Feature", "Scenarios", "Rows that passed"], rows, widths=[60, 18, 22])

    def contents(self) -> str:
        """Return the entries of the table of contents: titles of the features, and the names of their pages."""
        return "\n".join(f"{found[0].title} <{_name(feature)}>" for feature, found in self._by_feature())

    def write(self, folder: Path) -> None:
        """Write a page for each feature file into ``folder``."""
        for feature, found in self._by_feature():
            (folder / f"{_name(feature)}.md").write_text(self._page(feature, found), encoding="utf-8")

    def _by_feature(self) -> Iterator[tuple[str, list[Scenario]]]:
        for feature, found in groupby(self.scenarios, key=lambda each: each.feature):
            yield feature, list(found)

    def _counted(self, feature: str, found: Sequence[Scenario]) -> list[str]:
        outcomes = [row["outcome"] for each in found for _, row in self.verification.results(feature, each.name)]
        owed = sum(len(each.expected()) for each in found)
        passed = self.book.cited(f"{outcomes.count('passed')} of {owed}", VERDICTS, f"/verdicts (feature {feature})")
        return [f"[{plain(found[0].title)}]({_name(feature)}.md)", str(len(found)), passed]

    def _page(self, feature: str, found: Sequence[Scenario]) -> str:
        head = [
            f"# Test protocol: {plain(found[0].title)}",
            "*Evidence for:* FDA software guidance VI.H; IEC 62304 5.7.1, 5.7.5.",
            f"`{features.FOLDER}/{feature}`. [How to read it](index.md).",
        ]
        rows = [self._row(each) for each in found]
        return (
            "\n\n".join([*head, table(["Scenario", "Procedure", "Expected", "Observed"], rows, widths=[22, 30, 24, 24])]) + "\n"
        )

    def _row(self, scenario: Scenario) -> list[str]:
        steps = list(enumerate(scenario.steps, start=1))
        done = [_step(number, step) for number, step in steps if step.kind != OUTCOME]
        expected = [_step(number, step) for number, step in steps if step.kind == OUTCOME]
        name = f"**{plain(scenario.name)}**\n\n{links(filter(_ITEM.fullmatch, scenario.tags))}".rstrip()
        return [name, "\n".join(done), "\n".join(expected), self._observed(scenario)]

    def _observed(self, scenario: Scenario) -> str:
        """Return the outcome with its place, then each row of an outline; a row that did not pass, or has no result, says so."""
        found = self.verification.results(scenario.feature, scenario.name)
        if not found:
            return '<span class="failed">no result</span>'
        by_row = {row["row"]: row for _, row in found}
        passed = sum(row["outcome"] == "passed" for row in by_row.values())
        words = "passed" if passed == 1 and not scenario.rows else f"{passed} of {len(scenario.expected())} rows passed"
        places = f"/verdicts/{found[0][0]}" + (f" to {found[-1][0]}" if len(found) > 1 else "")
        said = [self.book.cited(words, VERDICTS, places)]
        if scenario.rows:
            said.append(f"*{plain('; '.join(name for name, _ in scenario.rows[0].cells))}:*")
            said.append("\n".join(f"- {_cells(row.cells)}{_unless_passed(by_row.get(row.text))}" for row in scenario.rows))
        else:
            said.append(_unless_passed(by_row.get("")).strip())
        return "\n\n".join(said).rstrip()


def read_protocols(root: Path, verification: VerificationPages, book: EvidenceBook) -> ProtocolPages:
    """Return the scenarios that lie below ``root``, beside the verdicts.

    Raises:
        FileError: FILE-DATA, a feature file cannot be read.
    """
    scenarios, problems = features.load(root)
    if problems:
        first = problems[0]
        raise FileError("FILE-DATA", first.where, first.found, first.expected, first.repair)
    return ProtocolPages(scenarios, verification, book)


def _name(feature: str) -> str:
    """Return the name of a feature file's page.

    >>> _name("audit_trail.feature"), _name("sub/a.feature")
    ('scenarios-audit-trail', 'scenarios-sub-a')
    """
    return "scenarios-" + feature.removesuffix(".feature").replace("/", "-").replace("_", "-")


def _step(number: int, step: Step) -> str:
    """Return a step with its number in the procedure; a doc string or table follows it."""
    argument = f": {plain(' / '.join(step.argument.splitlines()))}" if step.argument else ""
    return f"- **{number}** {plain(f'{step.keyword} {step.text}')}{argument}"


def _cells(cells: Sequence[tuple[str, str]]) -> str:
    """Return the values of a row, without the names of its columns."""
    return plain("; ".join(value for _, value in cells))


def _unless_passed(row: dict[str, Any] | None) -> str:
    """Return outcome and reason of a row that did not pass; nothing for a pass."""
    if row is None:
        return ' <span class="failed">no result</span>'
    return "" if row["outcome"] == "passed" else f' <span class="failed">{plain(row["outcome"])}</span>: {plain(row["reason"])}'
