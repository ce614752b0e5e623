"""What a check is asked about: everything that was read, the graph made of it, and how much is asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from risk.changes import risk_content
from risk.criteria import criteria_problems
from risk.review import Review, review

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from requirements_spec.changes import Content
    from requirements_spec.problem import Problem
    from risk.evaluation import Evaluation
    from verification.trace.graph import Graph
    from verification.trace.inputs import Inputs


class Level(StrEnum):
    """How much is asked: each level includes the one before."""

    DEVELOPMENT = "development"
    RELEASE = "release"
    SUBMISSION = "submission"

    @property
    def asked(self) -> tuple[Level, ...]:
        """Return the levels whose questions are put at this one.

        >>> [str(level) for level in Level.RELEASE.asked]
        ['development', 'release']
        """
        levels = tuple(Level)
        return levels[: levels.index(self) + 1]


@dataclass(frozen=True)
class Case:
    """One judgement of the project; every check reads it and nothing else.

    Attributes:
        inputs: everything that was read from the files.
        level: what is asked.
        graph: everything traced, with the results of accepted evidence only.
        evaluation: the risk file judged with accepted evidence; None where there is no policy.
        accepted: whether the last verification run is evidence for what lies here.
    """

    inputs: Inputs
    level: Level
    graph: Graph
    evaluation: Evaluation | None
    accepted: bool

    @cached_property
    def risk_content(self) -> Content:
        """The fingerprints of the risk file's items, made once for all checks that ask."""
        return risk_content(self.inputs.risk)

    @cached_property
    def review(self) -> Review | None:
        """The risk management review (ISO 14971 9); None where there is no policy to review by."""
        if self.inputs.risk.policy is None or self.evaluation is None:
            return None
        suspect = [found.item for found in criteria_problems(self.risk_content, self.inputs.risk_changes)]
        return review(self.inputs.risk, self.evaluation, self.risk_content.fingerprints, suspect)


Check: TypeAlias = "Callable[[Case], Iterator[Problem]]"
"""A question put to a case; yields one problem for each thing that does not hold."""
