"""Writes what a partner changed into the hand-written TOML files: only the values that differ, comments and order kept, whole or not at all.

The edited files are first loaded in a copy, by the loaders that judge every other edit, and the copy must say exactly what the partner's file says.
Whole items are neither added nor removed here, and what a file's head says of all its items is not changed for one of them.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from verification.trace.codes import problem
from verification.trace.exchange.differences import Change, Difference, differences
from verification.trace.exchange.errors import ExchangeError, refusal
from verification.trace.exchange.sources import read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from requirements_spec.problem import Problem
    from verification.trace.exchange.document import Document

DATA_FOLDERS = ("requirements_spec/data", "risk/data")
NEEDED = (*DATA_FOLDERS, "verification/features", "requirements.lock", "pyproject.toml")
"""What the loaders read."""

ROWS = {
    "user_need": ("requirements_spec/data/user_needs.toml", "need"),
    "software_requirement": ("requirements_spec/data/software_requirements", "requirement"),
    "software_item": ("requirements_spec/data/architecture.toml", "item"),
    "soup": ("requirements_spec/data/soup.toml", "soup"),
    "hazard": ("risk/data/hazards.toml", "hazard"),
    "hazardous_situation": ("risk/data/hazards.toml", "hazard.situation"),
    "risk_control": ("risk/data/controls.toml", "control"),
}
"""The file, or folder of files, and the array of tables that holds the items of a kind."""

FROM_THE_HEAD = frozenset({"author", "status", "allocated_to", "version", "arises_from"})
"""What an item has from the head of its file, from the table around it, or from the lock."""


@dataclass(frozen=True, slots=True)
class Edited:
    """What was written: the files and the items whose change has to be entered in a ledger."""

    files: tuple[str, ...]
    items: tuple[str, ...]


def apply(root: Path, theirs: Document) -> Edited:
    """Write the differences between the project and a partner's document into the project's data files.

    Raises:
        ExchangeError: EXC-READ-ONLY, a difference that cannot be written; EXC-REFUSED, the loaders refuse the edited files; nothing is written.
    """
    ours = read_document(root)
    found = differences(ours, theirs)
    problems = tuple(_not_writable(ours, found))
    if problems:
        raise ExchangeError(problems)
    texts = edited_texts(root, ours, found)
    _rehearse(root, texts, theirs)
    _write(root, texts)
    return Edited(tuple(sorted(texts)), tuple(dict.fromkeys(each.item for each in found)))


def _not_writable(ours: Document, found: Iterable[Difference]) -> Iterator[Problem]:
    for each in found:
        if each.change in (Change.ADDED, Change.REMOVED, Change.ORDER):
            yield problem("EXC-READ-ONLY", "import", each.item or each.kind, found=str(each.change))
        elif each.kind not in ROWS:
            yield problem("EXC-READ-ONLY", "import", each.item, found=f"a change of a {ours.kind(each.kind).title.lower()}")
        elif each.name in FROM_THE_HEAD:
            yield problem("EXC-READ-ONLY", "import", each.item, found=f"a change of {each.name}, which stands outside the item")


def edited_texts(root: Path, ours: Document, found: Sequence[Difference]) -> dict[str, str]:
    """Return the new text of each file that changes."""
    waiting = {each.item: [other for other in found if other.item == each.item] for each in found}
    fields = {(kind.name, link.name): link.field for kind in ours.kinds for link in kind.links}
    texts: dict[str, str] = {}
    for name, array in _files(root, {each.kind for each in found}):
        text = texts.get(name) or (root / name).read_bytes().decode("utf-8")
        try:
            parsed = tomlkit.parse(text)
        except TOMLKitError as err:
            raise refusal("EXC-REFUSED", name, "file", f"text that cannot be edited: {err}") from err
        changed = False
        for row in _rows(parsed, array.split(".")):
            for each in waiting.pop(str(row.get("id")), ()):
                _set(row, fields.get((each.kind, each.name), each.name), each)
                changed = True
        if changed:
            texts[name] = tomlkit.dumps(parsed)
    if waiting:
        raise ExchangeError(
            problem("EXC-READ-ONLY", "import", name, found="an item in none of the data files") for name in waiting
        )
    return texts


def _files(root: Path, kinds: set[str]) -> Iterator[tuple[str, str]]:
    for kind, (place, array) in ROWS.items():
        if kind in kinds:
            paths = sorted((root / place).glob("*.toml")) if (root / place).is_dir() else [root / place]
            yield from ((path.relative_to(root).as_posix(), array) for path in paths)


def _rows(table: Mapping[str, Any], array: list[str]) -> Iterator[Any]:
    for row in table.get(array[0], ()):
        if len(array) > 1:
            yield from _rows(row, array[1:])
        else:
            yield row


def _set(row: Any, path: str, difference: Difference) -> None:
    """Put a partner's value at its place; an attribute that is unset again loses its key."""
    *parents, key = path.split(".")
    for parent in parents:
        row = row[parent]
    value = difference.theirs
    if value is None or (value == () and key in _LEFT_OUT_WHEN_EMPTY):
        row.remove(key)
    else:
        row[key] = list(value) if isinstance(value, tuple) else value


_LEFT_OUT_WHEN_EMPTY = frozenset({"controls"})
"""Lists that may not be empty, but may be absent."""


def _rehearse(root: Path, texts: Mapping[str, str], theirs: Document) -> None:
    """Load the edited files in a copy of what the loaders read.

    Raises:
        ExchangeError: EXC-REFUSED, with the loaders' problems after it, or where the copy says something else than the partner.
    """
    with tempfile.TemporaryDirectory(prefix="thoratrace-") as folder:
        copy = Path(folder)
        for name in NEEDED:
            source, target = root / name, copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            elif source.is_file():
                shutil.copy(source, target)
        for name, text in texts.items():
            (copy / name).write_bytes(text.encode())
        try:
            result = read_document(copy)
        except ExchangeError as err:
            head = problem("EXC-REFUSED", "import", "loaders", found=f"{len(err.problems)} problems with the edited files")
            raise ExchangeError((head, *err.problems)) from err
    if left := differences(result, theirs):
        raise ExchangeError(
            problem("EXC-REFUSED", "import", each.item, found=f"{each.name} that reads otherwise") for each in left
        )


def _write(root: Path, texts: Mapping[str, str]) -> None:
    """Write all files or none: first drafts of all beside them, then one rename each, undone where one fails."""
    before = {name: (root / name).read_bytes() for name in texts}
    drafts = {name: (root / name).with_name(f"{Path(name).name}.part") for name in texts}
    try:
        for name, draft in drafts.items():
            draft.write_bytes(texts[name].encode())
        for name, draft in drafts.items():
            draft.replace(root / name)
    except OSError:
        for name, content in before.items():
            (root / name).write_bytes(content)
        raise
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
