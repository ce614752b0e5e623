"""Reads the project's own data as a document; data with a problem is not exchanged, because an item would silently be missing from the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from requirements_spec import loader as specification_loader
from risk import loader as risk_loader
from verification.trace import features
from verification.trace.exchange.errors import ExchangeError
from verification.trace.exchange.kinds import document

if TYPE_CHECKING:
    from pathlib import Path

    from verification.trace.exchange.document import Document


def read_document(root: Path) -> Document:
    """Return everything under ``root`` that is exchanged.

    Raises:
        ExchangeError: the loaders' own problems, all of them.
    """
    specification, specification_problems = specification_loader.load(root)
    risk, risk_problems = risk_loader.load(root, specification)
    scenarios, feature_problems = features.load(root)
    problems = (*specification_problems, *risk_problems, *feature_problems)
    if problems:
        raise ExchangeError(problems)
    return document(specification, risk, scenarios)
