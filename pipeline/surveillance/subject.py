"""What is summed up, and when a value of a window may be held against the baseline.

A share or level is judged in a full window only, beside a baseline that somebody looked through, with enough of what it rests on, and, for what the model
answers, only where baseline and window come from the same bundle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.surveillance.trail import ANALYSED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pipeline.surveillance.baseline import Baseline
    from pipeline.surveillance.installed import Released
    from pipeline.surveillance.plan import Plan
    from pipeline.surveillance.tally import Tally, Window
    from pipeline.surveillance.trail import Entry

NO_BASELINE = "no baseline was given"
NOT_LOOKED_THROUGH = "nobody has looked through the baseline"
NOT_COUNTED_AGAIN = "results of the baseline were not given again, so what it states of them is not checked"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is summed up.

    Attributes:
        plan: the plan.
        baseline: of the site, or None.
        windows: what followed it, in order.
        before: the inputs of the baseline, with those of their results that were given again.
        releases: what was released.
        findings: ids of the findings that the device looks for.
    """

    plan: Plan
    baseline: Baseline | None
    windows: tuple[Window, ...]
    before: tuple[Entry, ...]
    releases: Collection[Released]
    findings: tuple[str, ...]

    @property
    def base(self) -> Tally | None:
        """What the baseline counts."""
        return self.baseline.tally if self.baseline else None

    @property
    def named(self) -> tuple[str, ...]:
        """The findings in their order, then those of marks that the table of findings does not know."""
        tallies = [window.tally for window in self.windows] + ([self.base] if self.base else [])
        others = {name for each in tallies for name in (*each.marked, *each.scores)} - set(self.findings)
        return (*self.findings, *sorted(others))

    def not_full(self, window: Window) -> str:
        """Return why a window cannot be judged because inputs are missing in it; empty where it is full."""
        return "" if window.full else f"{window.tally.inputs} of {self.plan.window.films} inputs: the window is not full"

    @property
    def counted_again(self) -> bool:
        """Whether the result of each analysed film of the baseline was given again, so that what it states of them was counted."""
        return all(entry.answer is not None for entry in self.before if entry.status == ANALYSED)

    def unfit_results(self, window: Window, undefined: Callable[[Tally], str]) -> str:
        """Return why a value that rests on results cannot be held against the baseline; empty where one can.

        Args:
            window: the window.
            undefined: why the window cannot be judged at all, empty where it can.
        """
        return undefined(window.tally) or self.unfit(window, of_answers=True) or ("" if self.counted_again else NOT_COUNTED_AGAIN)

    def unfit(self, window: Window, *, of_answers: bool) -> str:
        """Return why no value of a window can be held against the baseline; empty where one can.

        Args:
            window: the window.
            of_answers: whether the value is about answers of the model, whose limits hold for one bundle.
        """
        least = self.plan.window.baseline_films
        if reason := self.not_full(window):
            return reason
        if self.baseline is None:
            return NO_BASELINE
        if not self.baseline.looked_through:
            return NOT_LOOKED_THROUGH
        if self.baseline.tally.inputs < least:
            return f"the baseline has {self.baseline.tally.inputs} inputs, the plan asks for {least}"
        if of_answers and {each.bundle_sha256 for each in window.tally.installations} != {self.baseline.bundle_sha256}:
            return "inputs of another bundle than the baseline's, whose limits do not hold for it"
        return ""


def unanswered(each: Tally) -> str:
    """Return how many results a site did not pass on; empty where it passed on all of them."""
    missing = each.analysed - each.answered
    return f"no results of {missing} of {each.analysed} analysed films were passed on" if missing else ""


def unjudged(each: Tally) -> str:
    """Return how many films were not held against the reference films; empty where all were."""
    missing = each.analysed - each.judged
    return unanswered(each) or (f"{missing} of {each.analysed} results hold no distance" if missing else "")
