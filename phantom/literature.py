"""Reads the frozen table of distributions, and says whether it is still the one that was frozen."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


def digest() -> str:
    """Return the SHA-256 of ``literature.toml`` as it lies here."""
    return hashlib.sha256(files("phantom").joinpath("literature.toml").read_bytes()).hexdigest()


def frozen_digest() -> str:
    """Return the SHA-256 that was recorded when the table was frozen."""
    return files("phantom").joinpath("literature.sha256").read_text(encoding="ascii").split()[0]


@cache
def table() -> dict[str, Any]:
    """Return the table.

    >>> table()["heart"]["normal_ctr_max"] < 0.5 < table()["heart"]["ctr_at_0"]
    True
    """
    return tomllib.loads(files("phantom").joinpath("literature.toml").read_text(encoding="utf-8"))


def between(section: str, quantity: str, severity: float) -> float:
    """Return the quantity at a severity: linear between ``quantity_at_0`` and ``quantity_at_1`` (unit suffixes follow the number).

    >>> between("heart", "ctr", 0.5)
    0.5875
    """
    row = table()[section]
    low = next(value for name, value in row.items() if name.startswith(f"{quantity}_at_0"))
    high = next(value for name, value in row.items() if name.startswith(f"{quantity}_at_1"))
    return float(low + severity * (high - low))
