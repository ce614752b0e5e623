"""The pages of surveillance: the plan's windows, its indicators with how each is summed up, and the limits worked on the phantom test films.

Source: MDR Annex III 1.1(b) (indicators and thresholds); ISO 14971 10.1 to 10.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.tables import identified, links, plain, table
from pipeline.dossier.validation_pages import RECORD
from pipeline.surveillance.control_limits import control_limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.dossier.evidence import EvidenceBook
    from pipeline.surveillance.plan import Indicator, Plan


class SurveillancePages:
    """The tables of the page of surveillance."""

    def __init__(self, plan: Plan, book: EvidenceBook) -> None:
        """Keep the plan, and the book for the worked example."""
        self._plan = plan
        self._book = book

    def window(self) -> str:
        """Return window and baseline with their reasons."""
        window = self._plan.window
        return (
            f"**Window:** {window.films} films. {plain(window.reason)}\n\n"
            f"**Baseline:** {window.baseline_films} films. {plain(window.baseline_reason)}\n\n"
            f"**Enough to judge:** {window.least_films} films, {window.least_scores} marks. {plain(window.least_reason)}"
        )

    def indicators(self) -> str:
        """Return every indicator with its records, its limit, what follows and who acts."""
        rows = [self._indicator(each) for each in self._plan.indicators]
        return table(
            ["Id", "Indicator", "Computed from", "Limit", "What follows, and who acts"], rows, widths=[9, 22, 23, 23, 23]
        )

    @staticmethod
    def _indicator(each: Indicator) -> list[str]:
        records = ", ".join(f"`{record}`" for record in each.records) or "reports of people and publishers; nothing of the device"
        return [
            identified(each.id),
            f"**{plain(each.title)}**\n\n{plain(each.asks)}\n\n{links(each.situations)}",
            f"{plain(each.formula)}\n\n{records}",
            f"{plain(each.limit)}\n\n{_summed(each)}",
            f"{plain(each.action)}\n\n*{plain(each.owner_role)}*",
        ]

    def not_summed(self) -> str:
        """Return the indicators that no program sums up, with the reason."""
        return "\n".join(
            f"- {each.id} {plain(each.title)}: {plain(each.not_summed)}" for each in self._plan.indicators if each.not_summed
        )

    def summed(self) -> str:
        """Return the ids of the indicators that `./qms surveil` sums up."""
        return ", ".join(each.id for each in self._plan.indicators if each.summed_by)

    def worked(self) -> str:
        """Return the limits as they would come out if the phantom test films of this build were a baseline, which they are of no site."""
        rows = [self._worked(what, *counts, where) for what, *counts, where in self._shares()]
        films = self._plan.window.films
        return table(["Share", "On the phantom test films", f"Limits in a window of {films}"], rows, widths=[44, 28, 28])

    def _worked(self, what: str, count: int, films: int, where: str) -> list[str]:
        low, high = control_limits(count / films, self._plan.window.films, films)
        shown = self._book.cited(f"{count} of {films} ({count / films:.3f})", RECORD, where)
        limits = f"{low:.3f} to {high:.3f}" if count else "none by this formula: each one is looked at"
        return [plain(what), shown, self._book.cited(limits, RECORD, where)]

    def _shares(self) -> Iterator[tuple[str, int, int, str]]:
        value, films = self._book.value, self._book.value(RECORD, "/films/test")
        yield "refused films (PMI-01)", value(RECORD, "/refused/films"), films, "/refused/films"
        for code, count in value(RECORD, "/refused/codes").items():
            yield f"refused with {code} (PMI-01)", count, films, f"/refused/codes/{code}"
        place = "/operating_point/all_findings/film_specificity"
        clean, normal = value(RECORD, f"{place}/numerator"), value(RECORD, f"{place}/denominator")
        yield "normal films with a mark (PMI-06)", normal - clean, normal, f"{place}/numerator"


def _summed(each: Indicator) -> str:
    """Return whether a program sums an indicator up."""
    return "*Summed up by* `./qms surveil`" if each.summed_by else "*Not summed up by a program*"
