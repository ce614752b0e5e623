"""Levels over the windows: calibrated scores of marks, and distances from the reference films; each median with its quartiles, beside the distribution of the baseline.

The reference is the site's baseline. A bundle states the limit of the distance and no distribution of scores, so there is no other one to compare with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.surveillance.control_limits import FALSE_ALARM, difference, quartiles
from pipeline.surveillance.series import NO_RULE, Point, Series, State
from pipeline.surveillance.subject import unanswered, unjudged

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pipeline.surveillance.plan import Indicator
    from pipeline.surveillance.subject import Subject
    from pipeline.surveillance.tally import Tally, Window

    Values = tuple[float, ...]

_RULES = frozenset({"median-outside-quartiles", "kolmogorov-smirnov"})
"""The rules of a plan that judge a level."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a level is of.

    Attributes:
        name: of the series.
        unit: in words.
        values: those of a tally.
        one_a_film: those of a tally with one value a film, which a test of distributions needs.
        what: the values in words.
        least: how many are enough.
        undefined: why a tally cannot be judged at all, empty where it can.
    """

    name: str
    unit: str
    values: Callable[[Tally], Values]
    one_a_film: Callable[[Tally], Values]
    what: str
    least: int
    undefined: Callable[[Tally], str]


def scores(subject: Subject, indicator: Indicator) -> tuple[Series, ...]:
    """Return the median score of the marks of each finding; the highest score of each film is what is compared with the baseline."""
    return tuple(_level(subject, _scores_of(finding, subject), indicator.rules) for finding in subject.named)


def _scores_of(finding: str, subject: Subject) -> Quantity:
    return Quantity(
        name=finding,
        unit="calibrated score, median",
        values=lambda each: each.scores.get(finding, ()),
        one_a_film=lambda each: each.highest.get(finding, ()),
        what="marks",
        least=subject.plan.window.least_scores,
        undefined=unanswered,
    )


def distances(subject: Subject, rules: Collection[str]) -> Series:
    """Return the median distance from the reference films."""
    quantity = Quantity(
        name="distance",
        unit="distance, median",
        values=lambda each: each.distances,
        one_a_film=lambda each: each.distances,
        what="films",
        least=subject.plan.window.least_films,
        undefined=unjudged,
    )
    return _level(subject, quantity, rules)


def _level(subject: Subject, quantity: Quantity, rules: Collection[str]) -> Series:
    known = quantity.values(subject.base) if subject.base else ()
    limits = quartiles(known) if known else None

    def point(window: Window) -> Point:
        values = quantity.values(window.tally)
        reason = (
            subject.unfit_results(window, quantity.undefined)
            or _few(quantity, len(values), len(known))
            or ("" if _RULES & set(rules) else NO_RULE)
        )
        if not values:
            return Point(window.number, State.NOT_EVALUATED, reason, None, n=0)
        here = quartiles(values)
        made = Point(window.number, State.INSIDE, "", here.median, n=len(values), interval=(here.lower, here.upper))
        if reason or limits is None or subject.base is None:
            return made.unfit(reason)
        made = made.within((limits.lower, limits.upper))
        if "median-outside-quartiles" in rules and not limits.lower <= here.median <= limits.upper:
            made = made.outside("the median lies outside the quartiles of the baseline")
        if "kolmogorov-smirnov" in rules:
            made = _compared(made, quantity.one_a_film(window.tally), quantity.one_a_film(subject.base))
        return made

    points = tuple(point(window) for window in subject.windows)
    return Series(quantity.name, quantity.unit, limits.median if limits else None, points)


def _few(quantity: Quantity, here: int, known: int) -> str:
    counts = ((here, "window"), (known, "baseline"))
    short = [f"{count} {quantity.what} in the {where}" for count, where in counts if count < quantity.least]
    return f"{' and '.join(short)}, at least {quantity.least} are needed" if short else ""


def _compared(point: Point, sample: Values, reference: Values) -> Point:
    found = difference(sample, reference)
    point = point.noting(ks_distance=found.distance, ks_chance=found.chance)
    words = f"one value a film is distributed otherwise than in the baseline (Kolmogorov-Smirnov {found.distance:.2f})"
    return point if found.chance >= FALSE_ALARM else point.outside(words)
