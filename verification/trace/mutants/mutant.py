"""A mutant: one small, precise harm to a copy of the project, and the message that has to name it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from verification.trace.case import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from requirements_spec.problem import Problem
    from verification.trace.mutants.project import Project


class Form(StrEnum):
    """What else was done with an edit before the gate looks.

    EDITED: nothing. AGREED: evidence, lock and raw record were made to agree with it. RECORDED: the tool's own command entered it in the ledgers of
    changes, and every scenario ran again and passed: what somebody does who wants the gate quiet, or thinks that all is well.
    """

    EDITED = "edited"
    AGREED = "made to agree"
    RECORDED = "recorded and run again"


class Part(StrEnum):
    """What a mutant harms: the hand-written data and their links, the evidence, or the device itself under a control."""

    GRAPH = "graph"
    EVIDENCE = "evidence"
    CONTROLS = "controls"


@dataclass(frozen=True, slots=True, order=True)
class Sign:
    """The message that has to appear: code, ``file:line``, item, and, where an item can have several of a code, words that it has to hold."""

    code: str
    where: str
    item: str
    said: str = ""

    def is_in(self, problems: Iterable[Problem]) -> bool:
        """Say whether it is among what the gate said.

        >>> from requirements_spec.problem import Problem
        >>> told = Problem("a.toml:3", "SPC-VALUE", "$.a", "0 entries", "1", "add", "rule")
        >>> Sign("SPC-VALUE", "a.toml:3", "$.a", "0").is_in([told]), Sign("SPC-VALUE", "a.toml:4", "$.a").is_in([told])
        (True, False)
        """
        return any(
            (each.code, each.where, each.item) == (self.code, self.where, self.item) and self.said in each.found
            for each in problems
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What a mutant does to the files, and what the gate has to say.

    Attributes:
        edits: new content by path below the root; None removes the file.
        signs: messages that have to appear, each of them.
        form: see ``Form``.
        level: what the gate is asked.
    """

    edits: Mapping[str, str | bytes | None]
    signs: tuple[Sign, ...]
    form: Form = Form.EDITED
    level: Level = Level.DEVELOPMENT


@dataclass(frozen=True)
class Mutant:
    """One mutant; its change is made only when it is judged.

    Attributes:
        operator: name of the operator.
        place: the edge, item, row or cell it is applied to.
        make: returns the change, from the project as it lies there.
    """

    operator: str
    place: str
    make: Callable[[Project], Change]


@dataclass(frozen=True)
class Operator:
    """One kind of harm, and every place where it can be done.

    Attributes:
        name: stable, for ``--operator``.
        part: what it harms.
        rule: what has to hold, in words.
        places: yields a mutant for each place.
    """

    name: str
    part: Part
    rule: str
    places: Callable[[Project], Iterator[Mutant]]
