"""The open gaps of the file: what is missing, for which clause, who has to bring it, and what it means for use. Hand-written in docs/gaps.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.dossier.tables import identified, plain, table
from pipeline.handwritten import sound, value_of
from requirements_spec.datafile import Table, Tables, Text, Texts
from requirements_spec.model import SECTIONS

if TYPE_CHECKING:
    from pathlib import Path

GAPS = "docs/gaps.toml"
_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/gaps/1"})),
        "gap": Tables(
            Table(
                {
                    "id": Text(pattern=r"GAP-\d{3}"),
                    "title": Text(),
                    "clauses": Texts(),
                    "section": Text(choices=frozenset(SECTIONS)),
                    "missing": Text(),
                    "owner_role": Text(),
                    "plan": Text(),
                    "effect": Text(),
                }
            )
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that the file does not show."""

    id: str
    title: str
    clauses: tuple[str, ...]
    section: str
    missing: str
    owner_role: str
    plan: str
    effect: str


def load_gaps(root: Path) -> tuple[Gap, ...]:
    """Return the gaps in the order of the file.

    Raises:
        FileError: FILE-DATA, the file does not hold what it must; the first problem is named.
    """
    return tuple(value_of(Gap, row.data) for row in sound(root, GAPS, _TABLE, ("gap",)).rows("gap"))


def gap_list(gaps: tuple[Gap, ...]) -> str:
    """Return the gaps in short, for the first page."""
    rows = [[f"[{gap.id}](#{gap.id.lower()})", f"**{plain(gap.title)}**", plain("; ".join(gap.clauses))] for gap in gaps]
    return table(["Gap", "What is missing", "Clause"], rows, widths=[12, 48, 40])


def gap_table(gaps: tuple[Gap, ...]) -> str:
    """Return the gaps in full."""
    rows = [
        [
            identified(gap.id),
            f"**{plain(gap.title)}**\n\n{plain(gap.missing)}",
            plain("; ".join(gap.clauses)),
            f"*Owner:* {plain(gap.owner_role)}\n\n*Plan:* {plain(gap.plan)}",
            plain(gap.effect),
        ]
        for gap in gaps
    ]
    return table(["Id", "Missing", "Clause", "Owner and plan", "Effect on use"], rows, widths=[9, 29, 17, 26, 19])


def section_gaps(gaps: tuple[Gap, ...], section: str) -> str:
    """Return the gaps that concern one section, as a list; empty where there is none."""
    return "\n".join(
        f"- [{gap.id}](#{gap.id.lower()}) {plain(gap.title)}: {plain(gap.effect)}" for gap in gaps if gap.section == section
    )
