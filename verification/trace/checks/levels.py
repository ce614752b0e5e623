"""What the levels release and submission ask for beyond development. What the project cannot show yet is a problem here, never a pass."""

from __future__ import annotations

import tomllib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from requirements_spec.source_lines import line_index, line_of
from verification.trace.codes import problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from requirements_spec.problem import Problem

SIGNED = ("requirements_spec/data", "risk/data", "validation/protocol.toml", "verification/features", "docs/gaps.toml")
"""Content that two roles have to sign before a release."""

APPROVALS = "people.toml"
"""Where roles and public keys live."""

GAPS = "docs/gaps.toml"


def content_is_signed(root: Path) -> Iterator[Problem]:
    """Yield every reviewed file, because no signature of it can be verified yet.

    Roles, keys and approvals come with the review commands; until this gate can verify a signature, an approval that lies here counts for nothing.
    """
    people = (
        "no people.toml, so no role has a key" if not (root / APPROVALS).is_file() else "this gate cannot verify approvals yet"
    )
    for name in sorted(_reviewed(root)):
        expected = "two signatures of different roles, bound to the SHA-256 of this file"
        yield problem(
            "TRC-SIGNATURE", name, PurePosixPath(name).stem, found=f"no verifiable signature ({people})", expected=expected
        )


def _reviewed(root: Path) -> Iterator[str]:
    for name in SIGNED:
        path = root / name
        files = [path] if path.is_file() else [*path.rglob("*.toml"), *path.rglob("*.feature")]
        yield from (file.relative_to(root).as_posix() for file in files)


def no_gap_is_open(root: Path) -> Iterator[Problem]:
    """Yield every gap of docs/gaps.toml; a register that cannot be read hides gaps and is one problem itself."""
    try:
        text = (root / GAPS).read_text(encoding="utf-8")
        gaps: list[dict[str, Any]] = tomllib.loads(text)["gap"]
    except (OSError, ValueError, KeyError, TypeError) as err:
        yield problem("TRC-GAP", GAPS, "gaps", found=f"no readable register of gaps ({type(err).__name__})")
        return
    lines = line_index(text)
    for index, gap in enumerate(gaps):
        where = f"{GAPS}:{line_of(lines, f'$.gap[{index}]')}"
        missing, owner = str(gap.get("missing", "not stated")), str(gap.get("owner_role", "nobody"))
        yield problem("TRC-GAP", where, str(gap.get("id", f"gap {index + 1}")), found=f"{missing} (owner: {owner})")
