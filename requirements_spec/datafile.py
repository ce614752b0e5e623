"""Reads a hand-written TOML file against a description of what it may hold, and reports everything that does not fit, at once, with its line.

Unknown keys, missing keys, wrong types and values outside their range are problems; so are text that is not UTF-8 and text that is not TOML (a duplicate
key is not TOML). Nothing is raised and nothing is guessed: a row with a problem is not handed on as sound.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import tomli

from requirements_spec.problem import Problem
from requirements_spec.source_lines import Places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from requirements_spec.reading_cache import ReadingCache

MAX_TEXT = 2000
"""Longest text of one field, characters; longer ones are no short testable sentences."""

MAX_SHOWN = 60
"""Characters of a value or key that a message repeats."""

RULE = "design 4: hand-written data behind a strict loader"


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not fit, at a path below the value that was judged; it becomes a `Problem` when file and line are known."""

    path: str
    code: str
    found: str
    expected: str
    repair: str

    def below(self, place: str) -> Fault:
        """Return the same fault seen from one level up."""
        return replace(self, path=place + self.path)


class Kind(Protocol):
    """What a value may be."""

    @property
    def required(self) -> bool:
        """Whether the value must be there."""

    def faults(self, value: object) -> Sequence[Fault]:
        """Return everything about a value that is not allowed; nothing is copied and no path is made for a value that fits."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string, not blank unless ``blank``; matching ``pattern`` in full and one of ``choices`` where given."""

    pattern: str | None = None
    choices: frozenset[str] | None = None
    blank: bool = False
    required: bool = True

    def faults(self, value: object) -> Sequence[Fault]:
        """Return the first thing that is wrong with a text."""
        if not isinstance(value, str):
            return (_wrong(value, "a text"),)
        if not value or value.isspace():
            return () if self.blank else (Fault("", "SPC-VALUE", "a blank text", "words", "write the text"),)
        if len(value) > MAX_TEXT:
            return (
                Fault("", "SPC-VALUE", f"{len(value)} characters", f"at most {MAX_TEXT}", "shorten the text or split the item"),
            )
        if not value.isprintable():
            found = "a control character"
            return (Fault("", "SPC-VALUE", found, "printable characters on one line", "remove the control character"),)
        return self._form_faults(value)

    def _form_faults(self, value: str) -> Sequence[Fault]:
        """Return whether a sound text is none of the choices or has not the form."""
        if self.choices is not None and value not in self.choices:
            expected = f"one of {', '.join(sorted(self.choices))}"
            return (Fault("", "SPC-VALUE", shown(value), expected, "choose one of the allowed values"),)
        if self.pattern is not None and not re.fullmatch(self.pattern, value, re.ASCII):
            return (Fault("", "SPC-VALUE", shown(value), f"a text of the form {self.pattern}", "write the value in this form"),)
        return ()


@dataclass(frozen=True, slots=True)
class Texts:
    """A list of ``least`` to ``most`` strings, each as ``each`` says, no two of them equal unless ``repeats``."""

    each: Text = Text()
    least: int = 1
    most: int = 1000
    repeats: bool = False
    required: bool = True

    def faults(self, value: object) -> Sequence[Fault]:
        """Return what is wrong with the list and with each of its first ``most`` entries."""
        if not isinstance(value, list):
            return (_wrong(value, "a list of texts"),)
        found: list[Fault] = []
        if not self.least <= len(value) <= self.most:
            count = f"{len(value)} entries"
            found.append(
                Fault("", "SPC-VALUE", count, f"{self.least} to {self.most}", "add the missing entries or remove the surplus")
            )
        seen: set[str] = set()
        for index, each in enumerate(value[: self.most]):
            found += [fault.below(f"[{index}]") for fault in self.each.faults(each)]
            if isinstance(each, str):
                if each in seen and not self.repeats:
                    again = f"{shown(each)} a second time"
                    found.append(Fault(f"[{index}]", "SPC-VALUE", again, "each entry once", "remove the repeated entry"))
                seen.add(each)
        return found


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``low`` to ``high``."""

    low: int
    high: int
    required: bool = True

    def faults(self, value: object) -> Sequence[Fault]:
        """Return what is wrong with a number."""
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            return (_wrong(value, f"a whole number from {self.low} to {self.high}"),)
        return ()


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    required: bool = True

    def faults(self, value: object) -> Sequence[Fault]:
        """Return what is wrong with a truth value."""
        return () if isinstance(value, bool) else (_wrong(value, "true or false"),)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with exactly these keys."""

    fields: Mapping[str, Kind]
    required: bool = True

    def faults(self, value: object) -> Sequence[Fault]:
        """Return unknown keys, what is wrong with the known ones, and missing keys, in this order for each key of the description."""
        if not isinstance(value, dict):
            return (_wrong(value, "a table"),)
        found: list[Fault] = [] if value.keys() <= self.fields.keys() else list(self._unknown(value))
        for key, inner in self.fields.items():
            if key in value:
                if faults := inner.faults(value[key]):
                    found += [fault.below(f".{key}") for fault in faults]
            elif inner.required:
                found.append(Fault(f".{key}", "SPC-MISSING-KEY", "nothing", f"the key {key}", "add the key with its value"))
        return found

    def _unknown(self, value: Mapping[str, object]) -> Iterator[Fault]:
        expected = f"one of {', '.join(self.fields)}"
        for key in value:
            if key not in self.fields:
                yield Fault(f".{cut(key)}", "SPC-UNKNOWN-KEY", f"the key {shown(key)}", expected, "remove or rename the key")


@dataclass(frozen=True, slots=True)
class Tables:
    """An array of tables of one form, at least ``least`` of them."""

    each: Table
    least: int = 1
    required: bool = True

    def faults(self, value: object) -> Sequence[Fault]:
        """Return what is wrong with the array and with each of its tables."""
        if not isinstance(value, list):
            return (_wrong(value, "an array of tables"),)
        found: list[Fault] = []
        if len(value) < self.least:
            found.append(Fault("", "SPC-VALUE", f"{len(value)} tables", f"at least {self.least}", "add the missing tables"))
        for index, each in enumerate(value):
            if faults := self.each.faults(each):
                found += [fault.below(f"[{index}]") for fault in faults]
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """One table of an array of tables: its values and where it stands (``file:line`` and path)."""

    data: Mapping[str, Any]
    path: str
    where: str
    sound: bool

    @property
    def id(self) -> str:
        """The row's id, or an empty text where it has none."""
        value = self.data.get("id", "")
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read: its values, the places of its keys, its problems, and the paths at or below which it has one."""

    name: str
    data: Mapping[str, Any]
    problems: tuple[Problem, ...]
    spoiled: frozenset[str]
    places: Places

    def where(self, path: str) -> str:
        """Return ``file:line`` of a path inside the file."""
        return f"{self.name}:{self.places.line(path)}"

    def rows(self, key: str) -> tuple[Row, ...]:
        """Return the tables of an array, sound or not; what is no table is left out (it has its problem already)."""
        values = self.data.get(key, [])
        if not isinstance(values, list):
            return ()
        found = ((f"$.{key}[{index}]", value) for index, value in enumerate(values))
        return tuple(Row(value, path, self.where(path), self.sound(path)) for path, value in found if isinstance(value, dict))

    def sound(self, path: str) -> bool:
        """Say whether neither the path, nor anything below it, nor a plain key of the file's head has a fault."""
        return path not in self.spoiled and _HEAD not in self.spoiled


_HEAD = "head of the file"
"""Stands in `Document.spoiled` for a key that every row depends on; no path begins like this."""


def read(root: Path, name: str, table: Table, cache: ReadingCache | None = None) -> Document:
    """Read the file ``name`` under ``root`` against its description.

    Every problem is in the returned document; a file that cannot be read at all gives an empty one with its problem. A sound file whose bytes were
    read before is taken from the cache, where one is given.
    """
    try:
        content = plain_content(root / name)
    except OSError as error:
        return _unread(name, 1, "SPC-FILE", type(error).__name__, "a readable file")
    if cache is None:
        return _read(name, content, table, None)
    known: Document | None = cache.value(name, content)
    if known is None:
        known = _read(name, content, table, cache)
        cache.keep_value(name, content, known)
    return known


def _read(name: str, content: bytes, table: Table, cache: ReadingCache | None) -> Document:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return _unread(name, line, "SPC-ENCODING", f"byte {error.start} that is not UTF-8", "UTF-8 text")
    if cache is None:
        return parse(name, text, table)
    return _recalled(cache, name, content, text) or _kept(cache, content, parse(name, text, table))


def _recalled(cache: ReadingCache, name: str, content: bytes, text: str) -> Document | None:
    """Return the reading of the same bytes, which had no problem."""
    kept = cache.recall(name, content)
    return Document(name, kept["data"], (), frozenset(), Places(text, kept["data"], kept["tables"])) if kept else None


def _kept(cache: ReadingCache, content: bytes, document: Document) -> Document:
    """Keep a reading without problems; sound data holds texts, whole numbers and truth values only, so JSON loses nothing."""
    if not document.problems:
        cache.keep(document.name, content, {"data": document.data, "tables": document.places.tables})
    return document


def plain_content(path: Path) -> bytes:
    """Return the bytes of a plain file; a pipe or a device would keep the reader waiting for ever.

    Raises:
        OSError: there is none, it cannot be read, or it is no plain file.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise IsADirectoryError(path) if path.is_dir() else OSError(f"{path.name} is no plain file")
    return path.read_bytes()


def parse(name: str, text: str, table: Table) -> Document:
    r"""Judge a text that stands in the file ``name``.

    >>> document = parse("x.toml", 'a = 1\nb = 2\n', Table({"a": Whole(0, 9)}))
    >>> [(problem.where, problem.code, problem.item) for problem in document.problems]
    [('x.toml:2', 'SPC-UNKNOWN-KEY', '$.b')]
    """
    if text.startswith("\ufeff"):
        return _unread(name, 1, "SPC-ENCODING", "a byte order mark", "UTF-8 text without a byte order mark")
    try:
        data = tomli.loads(text)
    except ValueError as error:  # TOMLDecodeError is one; a number of thousands of digits is a plain one
        return _unread(name, _line_in(str(error), text), "SPC-TOML", cut(str(error), 200), "valid TOML, each key once")
    except RecursionError:
        return _unread(name, 1, "SPC-TOML", "nesting too deep to parse", "valid TOML")
    places = Places(text, data)
    faults = tuple(fault.below("$") for fault in table.faults(data))
    problems = tuple(_problem(fault, f"{name}:{places.line(fault.path)}") for fault in faults)
    return Document(name, data, problems, frozenset(_spoiled(faults)), places)


def _spoiled(faults: Iterable[Fault]) -> Iterator[str]:
    """Yield each path with a fault and every path above it, and `_HEAD` where a plain key of the file's head has one."""
    for fault in faults:
        path = fault.path
        if path == "$" or (path.count(".") == 1 and "[" not in path):
            yield _HEAD
        while path:
            yield path
            path = path[: max(path.rfind("."), path.rfind("["), 0)]


def duplicate_ids(rows: Iterable[Row]) -> Iterator[Problem]:
    """Yield a problem for each row whose id an earlier row has."""
    first: dict[str, str] = {}
    for row in rows:
        if row.id in first:
            yield Problem(
                where=row.where,
                code="SPC-DUPLICATE-ID",
                item=cut(row.id),
                found=f"an id that {first[row.id]} has already",
                expected="each id once in the project",
                repair="give the newer item the next free id",
                clause=RULE,
            )
        elif row.id:
            first[row.id] = row.where


def shown(value: object) -> str:
    """Return a value as a text of at most 60 characters; what is nested too deep to be printed is named by its type.

    >>> shown("x" * 100)[-5:]
    'xx...'
    """
    try:
        return cut(repr(value))
    except RecursionError:
        return f"a deeply nested {type(value).__name__}"


def cut(text: str, most: int = MAX_SHOWN) -> str:
    """Return a text of at most ``most`` characters.

    >>> cut("abcdefgh", 6)
    'abc...'
    """
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _wrong(value: object, expected: str) -> Fault:
    return Fault("", "SPC-TYPE", f"{type(value).__name__} {shown(value)}", expected, "write a value of the expected type")


def _problem(fault: Fault, where: str) -> Problem:
    return Problem(
        where=where,
        code=fault.code,
        item=fault.path,
        found=fault.found,
        expected=fault.expected,
        repair=fault.repair,
        clause=RULE,
    )


def _unread(name: str, line: int, code: str, found: str, expected: str) -> Document:
    fault = Fault("$", code, found, expected, "repair the file or restore it from version control")
    return Document(name, {}, (_problem(fault, f"{name}:{line}"),), frozenset({"$", _HEAD}), Places("", {}))


def _line_in(message: str, text: str) -> int:
    """Return the line that a TOML error message names; an error at the end of the text is on its last line."""
    place = re.search(r"at line (\d+)", message)
    return int(place[1]) if place else max(len(text.splitlines()), 1)
