"""What a study is held to: goals that were stated before it ran, judged by the same rule as the protocol's endpoints.

A study's goal is no endpoint: it decides nothing about a release by itself, but whoever reads the study sees value, interval, n, threshold, margin and whether
it was met.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from validation.criterion import judge
from validation.protocol import Endpoint

if TYPE_CHECKING:
    from validation.metrics.result import Metric
    from validation.protocol import Bound, Direction


@dataclass(frozen=True, slots=True)
class Goal:
    """One statement about a study's figure.

    Attributes:
        id: stable name.
        title: in words.
        direction: ``at-least``, ``above`` or ``at-most`` the threshold.
        threshold: stated before the study ran.
        requirement: software requirement that the figure speaks to.
        bound: the point estimate, or the lower or upper end of its interval.
    """

    id: str
    title: str
    direction: Direction
    threshold: float
    requirement: str
    bound: Bound = "point"

    def judged(self, metric: Metric) -> dict[str, Any]:
        """Return the figure with its interval, n, threshold, margin and verdict, as plain values.

        >>> from validation.metrics.result import Metric
        >>> goal = Goal("d-ece", "calibration error", "at-most", 0.05, "SRS-039")
        >>> goal.judged(Metric(0.02, denominator=10))["passed"], goal.judged(Metric.undefined("no candidates"))["passed"]
        (True, False)
        """
        endpoint = Endpoint(
            id=self.id,
            title=self.title,
            metric=self.id,
            direction=self.direction,
            threshold=self.threshold,
            bound=self.bound,
            requirement=self.requirement,
            primary=False,
        )
        return judge(endpoint, metric).to_json()
