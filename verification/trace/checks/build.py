"""What was built against what is declared: the pipeline's lock against the tree, the device's dependencies against the SOUP list."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from verification.trace.codes import problem
from verification.trace.lineage import LineageError, stale_stages
from verification.trace.slices import SLICES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from requirements_spec.model import Soup
    from requirements_spec.problem import Problem
    from verification.trace.identity import Identity


def identity_is_known(identity: Identity) -> Iterator[Problem]:
    """Yield the reason why what lies here has no identity: no evidence can belong to it then."""
    if identity.sha256 is None:
        yield problem("TRC-IDENTITY-UNKNOWN", "dvc.lock", identity.slice_name, found=identity.reason)


def pipeline_is_up_to_date(root: Path) -> Iterator[Problem]:
    """Yield every stage whose recorded inputs, parameters or outputs are not what lies here; without a lock the identity says so."""
    try:
        stale = stale_stages(root, SLICES["verification"].stages)
    except LineageError:
        return
    for entry in stale:
        found = f"{entry.what}: {entry.found[:16]}, locked {entry.locked[:16]}"
        yield problem("TRC-PIPELINE-STALE", "dvc.lock", f"stage {entry.stage}", found=found)


def dependencies_are_soup(root: Path, soup: tuple[Soup, ...]) -> Iterator[Problem]:
    """Yield dependencies that pyproject.toml declares for the device and that the SOUP list does not hold."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    known = {entry.distribution for entry in soup}
    for requirement in tomllib.loads(text)["project"]["dependencies"]:
        name = distribution(requirement)
        if name not in known:
            line = 1 + text[: text.index(f'"{requirement}"')].count("\n")
            yield problem("TRC-SOUP-UNLISTED", f"pyproject.toml:{line}", name, found="no SOUP item names it")


def distribution(requirement: str) -> str:
    """Return the normalised name in a dependency.

    >>> distribution("PyJPEG_LS>=1.5.1,<2")
    'pyjpeg-ls'
    """
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]).lower()
