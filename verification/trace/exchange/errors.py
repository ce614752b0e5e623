"""The one error of the exchange: everything that stands against reading, writing or applying a file, in the form of every other problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.codes import problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from requirements_spec.problem import Problem

SHOWN = 50
"""How many problems the message names before it counts the rest."""


class ExchangeError(Exception):
    """A file that is not exchanged; nothing was written. ``problems`` holds every reason."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Hold the problems and say the first of them."""
        self.problems = tuple(problems)
        shown = [str(each) for each in self.problems[:SHOWN]]
        rest = len(self.problems) - SHOWN
        super().__init__("\n".join([*shown, *([f"and {rest} more"] if rest > 0 else [])]))

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the problems, each once, in order."""
        return tuple(dict.fromkeys(each.code for each in self.problems))


def refusal(code: str, where: str, item: str, found: str, expected: str = "") -> ExchangeError:
    """Return the error for one problem."""
    return ExchangeError([problem(code, where, item, found=found, expected=expected)])
