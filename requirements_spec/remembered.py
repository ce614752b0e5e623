"""What a pure function said of a frozen value, so that a process that judges again and again does not ask the same of the same value twice.

A value is the same where it is the same object: nothing is compared and nothing hashed, so an equal value read anew is asked anew, which is always right. The
value is held together with the answer, so its identity cannot pass to another one. For functions whose answer depends on their argument alone.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_ANSWERS = 200_000
"""Answers of one function that are kept; one more, and all are forgotten, so that a long-lived process does not grow without end."""

_Value = TypeVar("_Value")
_Answer = TypeVar("_Answer")


def remembered(function: Callable[[_Value], _Answer]) -> Callable[[_Value], _Answer]:
    """Return a function that asks ``function`` once for each value.

    >>> asked = []
    >>> length = remembered(lambda word: asked.append(word) or len(word))
    >>> word = "apex"
    >>> length(word), length(word), asked
    (4, 4, ['apex'])
    """
    answers: dict[int, tuple[_Value, _Answer]] = {}

    @wraps(function)
    def ask(value: _Value) -> _Answer:
        known = answers.get(id(value))
        if known is None:
            if len(answers) >= MOST_ANSWERS:
                answers.clear()
            known = answers[id(value)] = (value, function(value))
        return known[1]

    return ask
