"""The signatures that lie here: every record holds, and the chain they stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def signatures_hold(case: Case) -> Iterator[Problem]:
    """Yield every record that is refused and every place at which the chain is broken; asked at every level, because a forgery is never work in progress."""
    yield from case.inputs.approvals.problems
