"""What an adapter hands back: the films of the cohort, the notes, and everything that the dataset report has to tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.adapters.remarks import Notebook


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one import.

    Attributes:
        entries: the films of cohort.json.
        book: remarks and counts of boxes left out.
        notes: what a reader of the cohort has to know.
        masks: the books of each mask, where the source has masks.
        sources: table -> encoding, rows, and how labels were written.
        rows: film id -> places in the source's tables.
    """

    entries: list[dict[str, Any]]
    book: Notebook
    notes: list[str]
    masks: list[dict[str, Any]] = field(default_factory=list)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: dict[str, list[str]] = field(default_factory=dict)
