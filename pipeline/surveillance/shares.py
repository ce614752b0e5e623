"""Shares over the windows: of refused inputs, of films with a mark, of films unlike the reference films; each with its exact interval and the rules of its limits."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

from pipeline.surveillance.control_limits import TOGETHER, control_limits, exact_interval
from pipeline.surveillance.series import NO_RULE, Point, Series, State
from pipeline.surveillance.subject import unjudged

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pipeline.surveillance.plan import Indicator
    from pipeline.surveillance.subject import Subject
    from pipeline.surveillance.tally import Tally, Window

    Counted = Callable[[Tally], tuple[int, int]]
    """Count and number of a tally."""


def refused(subject: Subject, indicator: Indicator) -> tuple[Series, ...]:
    """Return the share of refused inputs, and that of each code that occurs in the baseline or in a window."""
    tallies = [window.tally for window in subject.windows] + ([subject.base] if subject.base else [])
    codes = sorted({code for each in tallies for code in each.codes})
    every = _share(subject, "all codes", lambda each: (each.refused, each.inputs), of_answers=False)
    by_code = (
        _share(subject, code, lambda each, code=code: (each.codes.get(code, 0), each.inputs), of_answers=False) for code in codes
    )
    known = subject.base.inputs if subject.base else 0
    return (
        _limited(every, set(indicator.rules) - {"twice-baseline"}, known),
        *(_limited(one, set(indicator.rules) & {"twice-baseline"}, known) for one in by_code),
    )


def marked(subject: Subject, indicator: Indicator) -> tuple[Series, ...]:
    """Return the share of analysed films with a mark of each finding."""
    shares = (
        _share(subject, finding, lambda each, name=finding: (each.marked.get(name, 0), each.analysed))
        for finding in subject.named
    )
    known = subject.base.analysed if subject.base else 0
    return tuple(_limited(one, indicator.rules, known) for one in shares)


def unlike(subject: Subject, indicator: Indicator) -> Series:
    """Return the share of analysed films beyond the limit of the reference films."""
    one = _share(subject, "outside", lambda each: (each.outside, each.judged), undefined=unjudged)
    return _limited(one, set(indicator.rules) & {"three-standard-deviations"}, subject.base.judged if subject.base else 0)


def _share(
    subject: Subject,
    name: str,
    counted: Counted,
    *,
    of_answers: bool = True,
    undefined: Callable[[Tally], str] | None = None,
) -> Series:
    """Return a share over the windows with its intervals and the limits of the baseline, not yet judged by any rule.

    Args:
        subject: what is summed up.
        name: of the series.
        counted: count and number of a tally.
        of_answers: whether it is a share of films, about what the model answers, and not of inputs.
        undefined: of a share that rests on results, why a tally cannot be judged at all, empty where it can.
    """
    count, of = counted(subject.base) if subject.base else (0, 0)
    centre = count / of if of else None

    def point(window: Window) -> Point:
        count, n = counted(window.tally)
        reason = subject.unfit_results(window, undefined) if undefined else subject.unfit(window, of_answers=of_answers)
        least = subject.plan.window.least_films if of_answers else 1
        if not reason and min(n, of) < least:
            reason = f"{n} films in the window, {of} in the baseline, at least {least} are needed"
        if n == 0:
            return Point(window.number, State.NOT_EVALUATED, reason or "no film", None, 0, 0)
        limits = None if centre is None else control_limits(centre, n, of)
        return Point(window.number, State.INSIDE, "", count / n, count, n, exact_interval(count, n), limits).unfit(reason)

    points = tuple(point(window) for window in subject.windows)
    return Series(name, "share of films" if of_answers else "share of inputs", centre, points)


def _limited(series: Series, rules: Collection[str], known: int) -> Series:
    """Judge a series by each of the rules of the plan that are about it; one that none is about stays without a judgement.

    Args:
        series: a share over the windows.
        rules: of the plan.
        known: what the baseline's share rests on.
    """
    if not rules:
        return series.judged(lambda point: point.unfit(NO_RULE))
    if series.centre is None:
        return series
    return reduce(lambda one, rule: _RULES[rule](one, known), sorted(rules), series)


def _by_three(series: Series, _: int) -> Series:
    """Judge by the limits of three standard deviations."""
    none = "none in the baseline: each one is looked at"
    words = "beyond three standard deviations of the baseline" if series.centre else none

    def judged(point: Point) -> Point:
        low, high = point.limits or (1.0, 0.0)
        return point if point.value is not None and low <= point.value <= high else point.outside(words)

    return series.judged(judged)


def _twice(series: Series, _: int) -> Series:
    """Judge a code: more than twice its share in the baseline, and the interval above that share, so that two or three films do not decide."""
    centre = series.centre or 0.0
    words = "more than twice the share of the baseline" if centre else "none in the baseline: each one is looked at"

    def judged(point: Point) -> Point:
        value, interval = point.value or 0.0, point.interval or (0.0, 1.0)
        here = point.within((0.0, min(1.0, 2.0 * centre)))
        return here.outside(words) if value > 2.0 * centre and interval[0] > centre else here

    return series.judged(judged)


def _by_seven(series: Series, known: int) -> Series:
    """Judge the last windows together: each that could be evaluated, with the six before it, all of which could."""
    centre = series.centre or 0.0

    def judged(place: int, point: Point) -> Point:
        last = series.points[max(0, place + 1 - TOGETHER) : place + 1]
        if len(last) < TOGETHER or any(each.state is State.NOT_EVALUATED for each in last):
            return point
        count, films = (sum(numbers) for numbers in zip(*((each.count or 0, each.n or 0) for each in last), strict=True))
        low, high = control_limits(centre, films, known)
        words = f"the last {TOGETHER} windows together, {count} of {films}, beyond three standard deviations of the baseline"
        return point if low <= count / films <= high else point.outside(words)

    return replace(series, points=tuple(judged(place, point) for place, point in enumerate(series.points)))


_RULES = {"three-standard-deviations": _by_three, "twice-baseline": _twice, "seven-together": _by_seven}
