"""What a check is asked about: everything that was read, the graph made of it, and how much is asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


Check: TypeAlias = "Callable[[Case], Iterator[Problem]]"
"""A question put to a case; yields one problem for each thing that does not hold."""
