"""The ledger of changes of the risk file: ``python -m risk.changes record --author ROLE --reason TEXT``; its form is that of `requirements_spec.changes`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from requirements_spec.changes import Book, Content, main
from requirements_spec.fingerprint import fingerprint
from requirements_spec.loader import load as load_specification
from risk.loader import load

if TYPE_CHECKING:
    from pathlib import Path

    from requirements_spec.problem import Problem
    from risk.model import Control, Hazard, Policy, RiskFile

LEDGER = "risk/data/changes.toml"


def risk_content(risk: RiskFile) -> Content:
    """Return the fingerprints of policy, hazards (their situations included) and controls, all of them judged by the policy."""
    items: list[Policy | Hazard | Control] = [*risk.hazards, *risk.controls]
    if risk.policy is not None:
        items.append(risk.policy)
    return Content(
        {str(item.id): fingerprint(item) for item in items},
        {str(item.id): item.where for item in items},
        criteria=risk.policy.id if risk.policy else "",
    )


def _load_content(root: Path) -> tuple[Content, tuple[Problem, ...]]:
    specification, specification_problems = load_specification(root)
    risk, problems = load(root, specification)
    return risk_content(risk), (*specification_problems, *problems)


RISK_BOOK = Book(LEDGER, "risk.changes", _load_content)
"""The ledger of the risk file."""

if __name__ == "__main__":
    sys.exit(main(RISK_BOOK))
