"""Reads the table of findings; nothing else in the device spells a finding's name or code."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from device_sw.types import FindingId


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept: value, coding scheme designator and meaning (DICOM PS3.3 8.8)."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the table."""

    id: FindingId
    name: str
    chinese: tuple[str, ...]
    type: Code
    site: Code
    confirmed: bool


@cache
def all_findings() -> tuple[Finding, ...]:
    """Return the findings in table order, which is the order of every report and of the network's classes.

    >>> len(all_findings())
    7
    """
    table = tomllib.loads(files("device_sw").joinpath("findings.toml").read_text(encoding="utf-8"))
    return tuple(
        Finding(
            id=FindingId(row["id"]),
            name=row["name"],
            chinese=tuple(row["chinese"]),
            type=Code(**row["type"]),
            site=Code(**row["site"]),
            confirmed=row["confirmed"],
        )
        for row in table["finding"]
    )


def finding(finding_id: str) -> Finding:
    """Return the finding of that id.

    Raises:
        KeyError: no such finding in the table.
    """
    for row in all_findings():
        if row.id == finding_id:
            return row
    raise KeyError(f"no finding {finding_id!r} in device_sw/findings.toml")
