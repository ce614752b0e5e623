"""The tool itself: validated as it lies here, by tests that would show each of its potential errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.tool_validation import unshown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def tool_is_validated(case: Case) -> Iterator[Problem]:
    """Yield potential errors of the tool that no clean run of exactly this tool excluded (ISO 13485 4.1.6)."""
    yield from unshown(case.inputs.tool)
