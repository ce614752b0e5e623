"""What was built against what is declared: the pipeline's lock against the tree, the device's dependencies against the SOUP list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.codes import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def identity_is_known(case: Case) -> Iterator[Problem]:
    """Yield the reason why what lies here has no identity: no evidence can belong to it then."""
    identity = case.inputs.identity
    if identity.sha256 is None:
        yield problem("TRC-IDENTITY-UNKNOWN", "dvc.lock", identity.slice_name, found=identity.reason)


def pipeline_is_up_to_date(case: Case) -> Iterator[Problem]:
    """Yield every stage whose recorded inputs, parameters or outputs are not what lies here; without a lock the identity says so."""
    for entry in case.inputs.stale:
        found = f"{entry.what}: {entry.found[:16]}, locked {entry.locked[:16]}"
        yield problem("TRC-PIPELINE-STALE", "dvc.lock", f"stage {entry.stage}", found=found)


def dependencies_are_soup(case: Case) -> Iterator[Problem]:
    """Yield dependencies that pyproject.toml declares for the device and that the SOUP list does not hold."""
    if case.inputs.dependencies is None:
        yield problem(
            "TRC-SOUP-UNLISTED", "pyproject.toml", "dependencies", found="no readable list of the device's dependencies"
        )
    known = {entry.distribution for entry in case.inputs.specification.soup}
    for dependency in case.inputs.dependencies or ():
        if dependency.name not in known:
            yield problem("TRC-SOUP-UNLISTED", dependency.where, dependency.name, found="no SOUP item names it")
