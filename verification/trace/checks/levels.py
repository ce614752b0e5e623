"""What the levels release and submission ask for beyond development. What the project cannot show yet is a problem here, never a pass."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from verification.trace.codes import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def content_is_signed(case: Case) -> Iterator[Problem]:
    """Yield every reviewed file, because no signature of it can be verified yet.

    Roles, keys and approvals come with the review commands; until this gate can verify a signature, an approval that lies here counts for nothing.
    """
    people = "this gate cannot verify approvals yet" if case.inputs.has_people else "no people.toml, so no role has a key"
    for name in case.inputs.reviewed:
        expected = "two signatures of different roles, bound to the SHA-256 of this file"
        yield problem(
            "TRC-SIGNATURE", name, PurePosixPath(name).stem, found=f"no verifiable signature ({people})", expected=expected
        )


def no_gap_is_open(case: Case) -> Iterator[Problem]:
    """Yield every gap of the register; one that cannot be read hides gaps and is a problem itself."""
    yield from case.inputs.gaps
