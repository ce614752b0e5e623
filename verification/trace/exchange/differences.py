"""What a file that came back says otherwise than the project: every changed value, added or removed item, changed link and moved item, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verification.trace.exchange.document import Document, Item, Value


class Change(StrEnum):
    """What kind of difference it is."""

    VALUE = "value"
    LINKS = "links"
    ADDED = "added item"
    REMOVED = "removed item"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; ``name`` is the attribute or link, or the kind where whole items or their order differ."""

    change: Change
    kind: str
    item: str
    name: str
    ours: Value
    theirs: Value

    def to_json(self) -> dict[str, Any]:
        """Return the difference as plain data."""
        plain = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in (("ours", self.ours), ("theirs", self.theirs))
        }
        return {"change": str(self.change), "kind": self.kind, "item": self.item, "name": self.name, **plain}

    def __str__(self) -> str:
        """Return the difference for people."""
        head = f"{self.item} {self.name}" if self.item else self.name
        match self.change:
            case Change.ADDED | Change.REMOVED:
                return f"{self.change}: {self.item} ({self.kind})"
            case _:
                return f"{head}\n    ours:   {_shown(self.ours)}\n    theirs: {_shown(self.theirs)}"


def differences(ours: Document, theirs: Document) -> tuple[Difference, ...]:
    """Return everything in which two documents differ, in the order of ours; nothing exactly where they are equal."""
    return tuple(_all(ours, theirs))


def _all(ours: Document, theirs: Document) -> Iterator[Difference]:
    own = {item.id: item for item in ours.items}
    other = {item.id: item for item in theirs.items}
    own_links, other_links = ours.targets(), theirs.targets()
    for item in ours.items:
        match = other.get(item.id)
        if match is None or match.kind != item.kind:
            yield Difference(Change.REMOVED, item.kind, item.id, "", None, None)
        else:
            yield from _values(item, match)
            for link in ours.kind(item.kind).links:
                one, two = own_links.get((item.id, link.name), ()), other_links.get((item.id, link.name), ())
                if one != two:
                    yield Difference(Change.LINKS, item.kind, item.id, link.name, one, two)
    for item in theirs.items:
        if item.id not in own or own[item.id].kind != item.kind:
            yield Difference(Change.ADDED, item.kind, item.id, "", None, None)
    yield from _order(ours, theirs)


def _values(ours: Item, theirs: Item) -> Iterator[Difference]:
    for name, value in ours.values.items():
        other = theirs.values.get(name)
        if (value, type(value)) != (other, type(other)):
            yield Difference(Change.VALUE, ours.kind, ours.id, name, value, other)


def _order(ours: Document, theirs: Document) -> Iterator[Difference]:
    """Compare the order of the items that both have, kind by kind."""
    theirs_by_kind = theirs.by_kind()
    for kind, items in ours.by_kind().items():
        names, others = [item.id for item in items], [item.id for item in theirs_by_kind[kind]]
        shared = set(names) & set(others)
        one, two = (tuple(name for name in each if name in shared) for each in (names, others))
        if one != two:
            yield Difference(Change.ORDER, kind, "", f"order of {kind}", one, two)


def _shown(value: Value) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "nothing"
    return "not set" if value is None else repr(value) if isinstance(value, str) and not value.isprintable() else str(value)
