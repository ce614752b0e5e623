"""What an indicator comes to, window by window: a value, what it rests on, the limits, and a state that is never better than what is known.

A value whose limits cannot be applied is `not evaluated`, with the reason, and is shown all the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from pipeline.surveillance.plan import Indicator


NO_RULE = "no rule of the plan judges it"


class State(StrEnum):
    """How a value stands to its limits."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    NOT_EVALUATED = "not evaluated"


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one window.

    Attributes:
        window: its number.
        state: how the value stands to its limits.
        reason: why it is outside, or why it was not evaluated; empty where it is inside.
        value: the figure; None where there is none.
        count: what stands above the line, of a share.
        n: what it rests on: films, inputs or marks.
        interval: 95 % interval of a share; quartiles of a level.
        limits: lower and upper limit; None where there are none.
        also: further figures by name.
    """

    window: int
    state: State
    reason: str
    value: float | None
    count: int | None = None
    n: int | None = None
    interval: tuple[float, float] | None = None
    limits: tuple[float, float] | None = None
    also: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a state without its reason, and one that is inside although there is no value.

        Raises:
            ValueError: so.
        """
        if bool(self.reason) == (self.state is State.INSIDE) or (self.value is None and self.state is not State.NOT_EVALUATED):
            raise ValueError(f"a point that is {self.state} with value {self.value} and reason {self.reason!r}")

    def noting(self, **figures: float) -> Point:
        """Return it with further figures."""
        return replace(self, also={**self.also, **figures})

    def within(self, limits: tuple[float, float]) -> Point:
        """Return it with these limits, not yet judged by them."""
        return replace(self, limits=limits)

    def outside(self, reason: str) -> Point:
        """Return it outside for a reason, or a further one."""
        reasons = [self.reason, reason] if self.state is State.OUTSIDE else [reason]
        return replace(self, state=State.OUTSIDE, reason="; ".join(reasons))

    def unfit(self, reason: str) -> Point:
        """Return it not evaluated; a reason may be empty where nothing stands against it."""
        return replace(self, state=State.NOT_EVALUATED, reason=reason, limits=None) if reason else self


@dataclass(frozen=True, slots=True)
class Series:
    """One figure over the windows.

    Attributes:
        name: what is counted: a finding, a code, or all of them.
        unit: of the value, in words.
        centre: the baseline's figure, None where it has none.
        points: one a window.
    """

    name: str
    unit: str
    centre: float | None
    points: tuple[Point, ...]

    def judged(self, judge: Callable[[Point], Point]) -> Series:
        """Return it with every point judged that can be; what was not evaluated stays so.

        Args:
            judge: returns the point, the point outside, or the point unfit.
        """
        points = (point if point.state is State.NOT_EVALUATED else judge(point) for point in self.points)
        return replace(self, points=tuple(points))


@dataclass(frozen=True, slots=True)
class Judged:
    """An indicator of the plan with what it came to.

    Attributes:
        indicator: of the plan.
        series: its figures; none where no program sums it up.
        full: numbers of the windows that are full.
    """

    indicator: Indicator
    series: tuple[Series, ...]
    full: frozenset[int]

    @property
    def state(self) -> State:
        """The worst of what is known: outside where any value is; inside only where in every full window at least one value was evaluated."""
        return worst((point for one in self.series for point in one.points), self.full)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        plan = self.indicator
        states = Counter(point.state for one in self.series for point in one.points)
        return {
            "id": plan.id,
            "title": plan.title,
            "summed": bool(plan.summed_by),
            "rules": list(plan.rules),
            "state": str(self.state),
            "reason": plan.not_summed or None,
            "points": {str(state): states[state] for state in State},
            "series": [_series(one) for one in self.series],
        }


def worst(points: Iterable[Point], full: Collection[int]) -> State:
    """Return outside where any value is, inside where each full window has a value that is and there is a full window, else not evaluated.

    >>> first, second = Point(1, State.INSIDE, "", 0.1), Point(2, State.NOT_EVALUATED, "too few films", 0.1)
    >>> str(worst([first, second], {1})), str(worst([first, second], {1, 2})), str(worst([], set()))
    ('inside', 'not evaluated', 'not evaluated')
    """
    found = tuple(points)
    if any(point.state is State.OUTSIDE for point in found):
        return State.OUTSIDE
    inside = {point.window for point in found if point.state is State.INSIDE}
    return State.INSIDE if full and inside >= set(full) else State.NOT_EVALUATED


def _series(one: Series) -> dict[str, Any]:
    return {"name": one.name, "unit": one.unit, "centre": one.centre, "points": [_point(point) for point in one.points]}


def _point(point: Point) -> dict[str, Any]:
    return {
        "window": point.window,
        "state": str(point.state),
        "reason": point.reason or None,
        "value": point.value,
        "count": point.count,
        "n": point.n,
        "interval": list(point.interval) if point.interval else None,
        "limits": list(point.limits) if point.limits else None,
        "also": dict(point.also),
    }
