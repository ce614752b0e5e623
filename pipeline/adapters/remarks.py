"""What an adapter noticed in foreign data, row by row: every row, mask or box that did not become truth is here with its place and its effect."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MEANING: Mapping[str, str] = MappingProxyType(
    {
        "ROW-AGE": "an age that no patient has",
        "ROW-BOX": "a box that is none, or that leaves the film",
        "ROW-CONTRADICTION": "statements that cannot both be true",
        "ROW-DUPLICATE": "the same statement again",
        "ROW-LABEL": "a label that is no finding of the device",
        "ROW-MISSING": "a cell or a file that is not there",
        "ROW-MIXED": "one row for several findings",
        "ROW-NO-LABEL": "films without any label",
        "ROW-READERS": "findings that too few readers agree on",
        "MASK-COLOUR": "a coloured picture where a mask is expected",
        "MASK-EMPTY": "a mask without any component",
        "MASK-FULL": "a mask that covers most of the film",
        "MASK-GREY": "a grey picture where a mask of two values is expected",
        "MASK-MERGED": "several masks for one finding of one film",
        "MASK-SIZE": "a mask of another size than its film",
        "MASK-UNREADABLE": "a mask that is no picture",
        "FILM-REFUSED": "a film that the device's reader refuses or that cannot be a DX object",
        "FILM-PICTURE": "one picture under two patients",
    }
)
"""Code -> what it says; the whole vocabulary of remarks."""


@dataclass(frozen=True, slots=True, order=True)
class Remark:
    """One thing noticed.

    Attributes:
        where: file and line, or film id; never a name that could be a patient's.
        code: stable code, a key of ``MEANING``.
        found: what was found, without patient data.
        effect: what became of it, for example ``row left out``.
    """

    where: str
    code: str
    found: str
    effect: str

    def __post_init__(self) -> None:
        """Refuse a code outside the vocabulary.

        Raises:
            KeyError: no such code.
        """
        MEANING[self.code]


@dataclass(slots=True)
class Notebook:
    """Collects remarks and counts what is left out, while an adapter reads."""

    remarks: list[Remark] = field(default_factory=list)
    excluded: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def note(self, where: str, code: str, found: str, effect: str) -> None:
        """Write down one remark."""
        self.remarks.append(Remark(where, code, found, effect))

    def leave_out(self, split: str, label: str, reason: str, boxes: int = 1) -> None:
        """Count boxes left out of a split, by class in the source and reason."""
        self.excluded[split, label, reason] += boxes

    def table(self) -> list[dict[str, Any]]:
        """Return the remarks in their order of writing, as plain values."""
        return [{"where": r.where, "code": r.code, "found": r.found, "effect": r.effect} for r in self.remarks]
