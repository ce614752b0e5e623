"""Turns what checks of different make say into one form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_sw.errors import CodedError
from pipeline.release.attacks.attack import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable


def coded(check: Callable[[], object]) -> Outcome:
    """Return what a check came to that raises one coded error."""
    try:
        check()
    except CodedError as err:
        return Outcome(1, (Finding(err.code, err.where, err.found),), str(err))
    return Outcome(0)
