"""Sums up the indicators of the plan: from the counts of each window, beside those of the baseline, by the rules that the plan names.

Failures and what is installed need no baseline: the first failure and the first foreign installation count at once, in a window that is not full, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.surveillance import levels, shares
from pipeline.surveillance.installed import foreign, stale
from pipeline.surveillance.series import Judged, Point, Series, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.surveillance.plan import Indicator
    from pipeline.surveillance.subject import Subject
    from pipeline.surveillance.tally import Window


def judge(subject: Subject) -> tuple[Judged, ...]:
    """Return every indicator of the plan with what it came to."""
    full = frozenset(window.number for window in subject.windows if window.full)
    return tuple(
        Judged(each, SUMMED_BY[each.summed_by](subject, each) if each.summed_by else (), full) for each in subject.plan.indicators
    )


def _unlike(subject: Subject, indicator: Indicator) -> tuple[Series, ...]:
    """Return the share of films beyond the limit of the reference films, and their median distance, which moves before the limit is crossed."""
    return shares.unlike(subject, indicator), levels.distances(subject, indicator.rules)


def _failed(subject: Subject, _: Indicator) -> tuple[Series, ...]:
    """Return the number of failed analyses; one is outside at once, none counts in a full window only."""

    def point(window: Window) -> Point:
        count, codes = window.tally.failed, ", ".join(f"{code} {number}" for code, number in window.tally.failures.items())
        made = Point(window.number, State.INSIDE, "", float(count), count, window.tally.inputs, limits=(0.0, 0.0))
        return made.outside(f"failed with {codes}") if count else made.unfit(subject.not_full(window))

    return (Series("failed", "number of inputs", None, tuple(point(window) for window in subject.windows)),)


def _installed(subject: Subject, indicator: Indicator) -> tuple[Series, ...]:
    """Return the number of distinct installations; one that is no release, or an old one after the day of an update, is outside at once."""
    late = stale((*subject.before, *(entry for window in subject.windows for entry in window.entries)))

    def point(window: Window) -> Point:
        found = window.tally.installations
        made = Point(window.number, State.INSIDE, "", float(len(found)), len(found), window.tally.inputs)
        if "released" in indicator.rules:
            for words in foreign(found, subject.releases):
                made = made.outside(words)
        count = sum((entry.trail, entry.line) in late for entry in window.entries)
        if count and "one-after-an-update" in indicator.rules:
            made = made.outside(f"{count} inputs of an earlier installation after the day of an update")
        return made if made.state is State.OUTSIDE else made.unfit(subject.not_full(window))

    return (Series("installations", "number in the window", None, tuple(point(window) for window in subject.windows)),)


SUMMED_BY: dict[str, Callable[[Subject, Indicator], tuple[Series, ...]]] = {
    "refused-share": shares.refused,
    "failed-count": _failed,
    "marked-share": shares.marked,
    "unlike-share": _unlike,
    "scores": levels.scores,
    "installed": _installed,
}
"""By name in the plan."""
