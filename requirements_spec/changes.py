"""The ledger of changes: no item of the specification changes without an entry that says who, why, and from which content to which.

The ledger is written by ``python -m requirements_spec.changes record --author ROLE --reason TEXT`` and only ever grows. An entry names an item, the fingerprint
before ("" for a new item) and after ("" for a removed one). Times are not in it: the commit that brings an entry has one.
Where items are judged by criteria (the risk file's policy), an entry also holds the fingerprint of the criteria it was made ``under``: who writes the
fingerprint of a policy down has the policy, so the order of the two needs no clock (ISO 14971 4.4 d: criteria before evaluation).
The risk file has its own ledger with the same form (`risk.changes`); this module serves both and knows neither's items.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from requirements_spec.datafile import Table, Tables, Text, read
from requirements_spec.fingerprint import fingerprint
from requirements_spec.loader import load
from requirements_spec.problem import Problem
from requirements_spec.remembered import remembered
from requirements_spec.schema import AUTHOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from requirements_spec.datafile import Document
    from requirements_spec.model import Requirement, SoftwareItem, Soup, Specification, UserNeed
    from requirements_spec.reading_cache import ReadingCache

LEDGER = "requirements_spec/data/changes.toml"
SCHEMA = "thoratrace/changes/1"
CLAUSE = "design 4, level development; IEC 62304 8.2.4, 6.2.3"
SHORTEST_REASON = 10
"""Fewer characters than this give no reason that a reviewer could judge."""

_FINGERPRINT = Text(pattern=r"[0-9a-f]{64}", blank=True)
_TABLE = Table(
    {
        "schema": Text(choices=frozenset({SCHEMA})),
        "change": Tables(
            Table(
                {
                    "item": Text(pattern=r"[A-Z]+-[A-Z0-9-]+"),
                    "old": _FINGERPRINT,
                    "new": _FINGERPRINT,
                    "author": Text(pattern=AUTHOR),
                    "reason": Text(pattern=rf".{{{SHORTEST_REASON},}}"),
                    "under": Text(pattern=r"[0-9a-f]{64}", required=False),
                }
            ),
            least=0,
            required=False,
        ),
    }
)
_KEYS = ("item", "old", "new", "author", "reason")
_HEAD = f"""# Written by the `changes record` command, entry by entry, and read by the trace gate; do not edit by hand.
# old = "" is a new item, new = "" a removed one. Authors are roles or demonstration identities, no natural persons.
schema = {json.dumps(SCHEMA)}
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a ledger; ``under`` is the fingerprint of the criteria that the item was judged by, "" where there are none."""

    item: str
    old: str
    new: str
    author: str
    reason: str
    where: str = ""
    under: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What a ledger has to account for.

    Attributes:
        fingerprints: of each item.
        places: where each item stands.
        criteria: the item that all others are judged by; its entries come first. "" where there is none.
    """

    fingerprints: Mapping[str, str]
    places: Mapping[str, str]
    criteria: str = ""

    def under(self, item: str) -> str:
        """Return the fingerprint of the criteria that an item of today is judged by; "" for the criteria themselves and for a removed item."""
        judged = item != self.criteria and item in self.fingerprints
        return self.fingerprints.get(self.criteria, "") if judged else ""


@dataclass(frozen=True, slots=True)
class Book:
    """A ledger file and the way to the items it accounts for."""

    ledger: str
    command: str
    load: Callable[[Path], tuple[Content, tuple[Problem, ...]]]


def specification_content(specification: Specification) -> Content:
    """Return the fingerprints of all items of a specification; the interfaces count as part of the system."""
    items: tuple[UserNeed | Requirement | SoftwareItem | Soup, ...] = (
        *specification.needs,
        *specification.requirements,
        *specification.items,
        *specification.soup,
    )
    fingerprints = {str(item.id): fingerprint(item) for item in items}
    places = {str(item.id): item.where for item in items}
    if specification.system is not None:
        interfaces = "".join(fingerprint(interface) for interface in specification.interfaces)
        fingerprints[specification.system.id] = fingerprint(_Whole(fingerprint(specification.system), interfaces))
        places[specification.system.id] = specification.system.where
    return Content(fingerprints, places)


@dataclass(frozen=True, slots=True)
class _Whole:
    system: str
    interfaces: str


def read_ledger(root: Path, ledger: str, cache: ReadingCache | None = None) -> tuple[tuple[Change, ...], tuple[Problem, ...]]:
    """Read a ledger; one that does not exist is a problem, because then nothing is accounted for."""
    document = read(root, ledger, _TABLE, cache)
    return _entries(document), document.problems


@remembered
def _entries(document: Document) -> tuple[Change, ...]:
    rows = [row for row in document.rows("change") if row.sound]
    return tuple(
        Change(**{key: row.data[key] for key in _KEYS}, under=row.data.get("under", ""), where=row.where) for row in rows
    )


def change_problems(content: Content, entries: Sequence[Change], command: str) -> tuple[Problem, ...]:
    """Return what the ledger does not account for: a changed or removed item without entry, and an entry that does not follow the one before it."""
    return tuple(sorted([*_broken_chains(entries), *_unrecorded(content, entries, command)]))


def pending(content: Content, entries: Sequence[Change], author: str, reason: str) -> tuple[Change, ...]:
    """Return the entries that would bring the ledger up to date: criteria first, then sorted by item."""
    latest = _latest(entries)
    items = sorted({*content.fingerprints, *latest}, key=lambda item: (item != content.criteria, item))
    states = ((item, latest.get(item, ""), content.fingerprints.get(item, "")) for item in items)
    return tuple(Change(item, old, new, author, reason, under=content.under(item)) for item, old, new in states if old != new)


def check(root: Path, book: Book) -> tuple[Problem, ...]:
    """Return the problems of a ledger against the data as they are now (not those of the data themselves)."""
    content, _ = book.load(root)
    entries, problems = read_ledger(root, book.ledger)
    return tuple(sorted([*problems, *change_problems(content, entries, book.command)]))


def record(
    root: Path, book: Book, author: str, reason: str, cache: ReadingCache | None = None
) -> tuple[tuple[Change, ...], tuple[Problem, ...]]:
    """Append entries for all changed items; returns them, or the problems because of which nothing was written."""
    content, problems = book.load(root)
    entries, ledger_problems = read_ledger(root, book.ledger, cache) if (root / book.ledger).exists() else ((), ())
    chain_problems = tuple(_broken_chains(entries))
    if problems or ledger_problems or chain_problems:
        return (), (*problems, *ledger_problems, *chain_problems)
    new = pending(content, entries, author, reason)
    if new:
        append(root / book.ledger, new)
    return new, ()


def main(book: Book, arguments: Sequence[str] | None = None) -> int:
    """Run ``record`` or ``check``; 0 good, 1 the data or the ledger does not hold, 2 usage."""
    options = _options(book, arguments)
    if options.action == "check":
        problems = check(options.root, book)
        added: tuple[Change, ...] = ()
    else:
        added, problems = record(options.root, book, options.author, options.reason)
    for problem in problems:
        print(problem, file=sys.stderr)  # noqa: T201 - a command's diagnosis
    if options.action == "record" and not problems:
        print(f"{len(added)} entries added to {book.ledger}")  # noqa: T201 - a command's result
    return 1 if problems else 0


def _options(book: Book, arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {book.command}", description=f"Keeps {book.ledger}.")
    parser.add_argument("--root", type=Path, default=Path(), help="repository root (default: the current folder)")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("check", help="list items whose content no entry accounts for")
    recording = actions.add_parser("record", help="add an entry for each changed item")
    recording.add_argument("--author", required=True, help="role or demonstration identity, for example DEMO-author")
    recording.add_argument("--reason", required=True, help="why the items changed")
    options = parser.parse_args(arguments)
    if options.action == "record" and (len(options.reason.strip()) < SHORTEST_REASON or not options.reason.isprintable()):
        parser.error(f"--reason needs at least {SHORTEST_REASON} printable characters")
    if options.action == "record" and not re.fullmatch(AUTHOR, options.author):
        parser.error("--author must be letters, digits, dots, hyphens and spaces")
    return options


def _latest(entries: Sequence[Change]) -> dict[str, str]:
    """Return the fingerprint that the last entry of each item leads to."""
    return {entry.item: entry.new for entry in entries}


def _broken_chains(entries: Sequence[Change]) -> Iterator[Problem]:
    """Yield entries that do not begin where the item's last one ended, or that change neither the content nor the criteria it was judged by."""
    latest: dict[str, str] = {}
    criteria: dict[str, str] = {}
    for entry in entries:
        before = latest.get(entry.item, "")
        judged_again = bool(entry.old and entry.under) and entry.under != criteria.get(entry.item, "")
        if entry.old != before or (entry.old == entry.new and not judged_again):
            yield Problem(
                where=entry.where,
                code="CHG-CHAIN",
                item=entry.item,
                found=f"an entry from {entry.old[:12] or 'nothing'} to {entry.new[:12] or 'nothing'}",
                expected=f"one that begins at {before[:12] or 'nothing'} and changes it",
                repair="restore the ledger from version control and record the change again",
                clause=CLAUSE,
            )
        latest[entry.item] = entry.new
        criteria[entry.item] = entry.under


def _unrecorded(content: Content, entries: Sequence[Change], command: str) -> Iterator[Problem]:
    last = {entry.item: entry.where for entry in entries}
    for change in pending(content, entries, "", ""):
        yield Problem(
            where=content.places.get(change.item) or last[change.item],
            code="CHG-UNRECORDED",
            item=change.item,
            found=f"content {change.new[:12] or 'removed'}, recorded {change.old[:12] or 'never'}",
            expected="an entry in the ledger of changes that leads to this content",
            repair=f'run: python -m {command} record --author ROLE --reason "WHY"',
            clause=CLAUSE,
        )


def append(path: Path, entries: Sequence[Change]) -> None:
    """Write the ledger with further entries, whole or not at all."""
    before = path.read_text(encoding="utf-8") if path.exists() else _HEAD
    text = before + "".join(_entry_text(entry) for entry in entries)
    temporary = path.with_suffix(".part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)  # noqa: PTH105 - atomic within one folder


def _entry_text(entry: Change) -> str:
    """Return an entry as TOML; a JSON string is a TOML basic string as long as it has no control character, which `_options` refuses."""
    pairs = [(key, getattr(entry, key)) for key in _KEYS] + ([("under", entry.under)] if entry.under else [])
    return "\n[[change]]\n" + "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in pairs)


def _load_content(root: Path) -> tuple[Content, tuple[Problem, ...]]:
    specification, problems = load(root)
    return specification_content(specification), problems


SPECIFICATION_BOOK = Book(LEDGER, "requirements_spec.changes", _load_content)
"""The ledger of the specification."""

if __name__ == "__main__":
    sys.exit(main(SPECIFICATION_BOOK))
