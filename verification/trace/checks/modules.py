"""The device's modules against the architecture: each belongs to a software item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from requirements_spec.modules import module_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def modules_belong_to_items(case: Case) -> Iterator[Problem]:
    """Yield modules that no software item claims, or that several do."""
    yield from module_problems(case.inputs.specification, case.inputs.modules)
