"""What is exchanged with another tool: items of described kinds with typed attributes, and typed links between them, in a fixed order.

Every format writes a `Document` and reads one back; the round trip is lossless exactly when the two are equal. A document read from a foreign file is
judged here, once for all formats: unknown kinds and attributes, missing and mistyped values, ids that stand there twice, links that lead nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from verification.trace.codes import problem
from verification.trace.exchange.errors import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from requirements_spec.problem import Problem

Value = str | int | bool | tuple[str, ...] | None
"""What an attribute may hold; None is an optional attribute that is not set."""


class ValueType(StrEnum):
    """The types of an attribute. ``DATA`` is canonical JSON of something that has structure of its own."""

    TEXT = "text"
    TEXTS = "list of texts"
    WHOLE = "whole number"
    FLAG = "true or false"
    CHOICE = "choice"
    DATA = "data as JSON"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a kind; ``choices`` only where the type is a choice."""

    name: str
    type: ValueType
    optional: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkField:
    """One link that items of a kind own: its name, the field that holds it, and the kinds it leads to."""

    name: str
    field: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ItemKind:
    """A kind of item: what its items hold and what they link to."""

    name: str
    title: str
    attributes: tuple[Attribute, ...]
    links: tuple[LinkField, ...]

    def attribute(self, name: str) -> Attribute | None:
        """Return the attribute of that name, or None."""
        return next((each for each in self.attributes if each.name == name), None)

    def label(self, item: Item) -> str:
        """Return a short text for people: the title, or what comes nearest to one."""
        for name in ("title", "name", "text", "passes"):
            if isinstance(value := item.values.get(name), str) and value:
                return value
        return item.id


@dataclass(frozen=True, slots=True)
class Item:
    """One item: id, kind, and a value for each attribute of its kind."""

    id: str
    kind: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class ItemLink:
    """One link, read from its source to its target."""

    name: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Document:
    """Items in their order and links in the order of their sources; of one item's links of one name the order is kept."""

    kinds: tuple[ItemKind, ...]
    items: tuple[Item, ...]
    links: tuple[ItemLink, ...]

    def kind(self, name: str) -> ItemKind:
        """Return the kind of that name.

        Raises:
            KeyError: no such kind.
        """
        for each in self.kinds:
            if each.name == name:
                return each
        raise KeyError(name)

    def by_kind(self) -> dict[str, list[Item]]:
        """Return the items of each kind, in order; a kind without items has an empty list."""
        table: dict[str, list[Item]] = {each.name: [] for each in self.kinds}
        for item in self.items:
            table[item.kind].append(item)
        return table

    def targets(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Return what each item names by each link, in its order: (source, link name) to ids."""
        table: dict[tuple[str, str], list[str]] = {}
        for link in self.links:
            table.setdefault((link.source, link.name), []).append(link.target)
        return {key: tuple(names) for key, names in table.items()}


def compose(kinds: tuple[ItemKind, ...], items: Iterable[Item], links: Iterable[ItemLink]) -> Document:
    """Return the document in its one order: items by kind, links by source and link field; what one list held keeps its order."""
    kind_order = {each.name: index for index, each in enumerate(kinds)}
    ordered = sorted(items, key=lambda item: kind_order[item.kind])
    place = {item.id: index for index, item in enumerate(ordered)}
    field_order = {(item.id, link.name): n for item in ordered for n, link in enumerate(kinds[kind_order[item.kind]].links)}
    by_source = sorted(links, key=lambda link: (place[link.source], field_order[link.source, link.name]))
    return Document(kinds, tuple(ordered), tuple(by_source))


def read_back(kinds: tuple[ItemKind, ...], items: Sequence[tuple[Item, str]], links: Sequence[tuple[ItemLink, str]]) -> Document:
    """Return the document of what a file held; each item and link comes with the place where it stood.

    Raises:
        ExchangeError: everything that does not fit, at once.
    """
    problems = [*_item_problems(kinds, items), *_link_problems(kinds, items, links)]
    if problems:
        raise ExchangeError(problems)
    return compose(kinds, (item for item, _ in items), (link for link, _ in links))


def _item_problems(kinds: tuple[ItemKind, ...], items: Sequence[tuple[Item, str]]) -> Iterator[Problem]:
    known = {each.name: each for each in kinds}
    first: dict[str, str] = {}
    for item, where in items:
        if not item.id:
            yield problem("EXC-MISSING", where, item.kind, found="an item without an id")
        elif item.id in first:
            yield problem("EXC-DUPLICATE-ID", where, item.id, found=f"an id that stands at {first[item.id]} already")
        first.setdefault(item.id, where)
        if item.kind in known:
            yield from _value_problems(known[item.kind], item, where)
        else:
            yield problem("EXC-FOREIGN", where, item.id, found=f"the kind {short(item.kind)}", expected=_one_of(known))


def _value_problems(kind: ItemKind, item: Item, where: str) -> Iterator[Problem]:
    known = {each.name: each for each in kind.attributes}
    for name in item.values:
        if name not in known:
            yield problem("EXC-ATTRIBUTE", where, item.id, found=f"the attribute {short(name)}", expected=_one_of(known))
    for attribute in kind.attributes:
        value = item.values.get(attribute.name)
        if value is None:
            if not attribute.optional:
                yield problem("EXC-MISSING", where, item.id, found=f"no {attribute.name}")
        elif (expected := misfit(attribute, value)) is not None:
            yield problem("EXC-TYPE", where, item.id, found=f"{attribute.name} = {short(value)}", expected=expected)


def misfit(attribute: Attribute, value: Value) -> str | None:
    """Return what the attribute expects where the value is not that, else None.

    >>> misfit(Attribute("safety", ValueType.FLAG), "yes")
    'true or false'
    """
    match attribute.type:
        case ValueType.TEXTS:
            fits = isinstance(value, tuple) and all(isinstance(each, str) for each in value)
        case ValueType.WHOLE:
            fits = isinstance(value, int) and not isinstance(value, bool)
        case ValueType.FLAG:
            fits = isinstance(value, bool)
        case ValueType.CHOICE:
            return None if value in attribute.choices else _one_of(attribute.choices)
        case _:
            fits = isinstance(value, str)
    return None if fits else str(attribute.type)


def _link_problems(
    kinds: tuple[ItemKind, ...], items: Sequence[tuple[Item, str]], links: Sequence[tuple[ItemLink, str]]
) -> Iterator[Problem]:
    names = {each.name: frozenset(link.name for link in each.links) for each in kinds}
    kind_of = {item.id: item.kind for item, _ in items}
    seen: set[ItemLink] = set()
    for link, where in links:
        label = f"{link.source} {link.name} {link.target}"
        for end in (link.source, link.target):
            if end not in kind_of:
                yield problem("EXC-DANGLING", where, label, found=f"no item {short(end)}")
        if link.source in kind_of and link.name not in names.get(kind_of[link.source], ()):
            allowed = names.get(kind_of[link.source], frozenset())
            yield problem("EXC-ATTRIBUTE", where, label, found=f"the link {short(link.name)}", expected=_one_of(sorted(allowed)))
        if link in seen:
            yield problem("EXC-DUPLICATE-ID", where, label, found="the same link a second time", expected="each link once")
        seen.add(link)


def short(value: object) -> str:
    """Return a value as a text of at most 60 characters, so that no message grows with a hostile file."""
    text = repr(value[:80] if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _one_of(names: Iterable[str]) -> str:
    return f"one of {', '.join(names) or 'nothing'}"
