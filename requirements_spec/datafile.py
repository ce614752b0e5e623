"""Reads a hand-written TOML file against a description of what it may hold, and reports everything that does not fit, at once, with its line.

Unknown keys, missing keys, wrong types and values outside their range are problems; so are text that is not UTF-8 and text that is not TOML (a duplicate
key is not TOML). Nothing is raised and nothing is guessed: a row with a problem is not handed on as sound.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from requirements_spec.problem import Problem
from requirements_spec.source_lines import line_index, line_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

MAX_TEXT = 2000
"""Longest text of one field, characters; longer ones are no short testable sentences."""

RULE = "design 4: hand-written data behind a strict loader"


@dataclass(frozen=True, slots=True)
class Text:
    """A string, not blank unless ``blank``; matching ``pattern`` in full and one of ``choices`` where given."""

    pattern: str | None = None
    choices: frozenset[str] | None = None
    blank: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True)
class Texts:
    """A list of ``least`` to ``most`` strings, each as ``each`` says, no two of them equal unless ``repeats``."""

    each: Text = Text()
    least: int = 1
    most: int = 1000
    repeats: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``low`` to ``high``."""

    low: int
    high: int
    required: bool = True


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    required: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A table with exactly these keys."""

    fields: Mapping[str, Kind]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Tables:
    """An array of tables of one form, at least ``least`` of them."""

    each: Table
    least: int = 1
    required: bool = True


Kind = Text | Texts | Whole | Flag | Table | Tables


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not fit, at a path inside the file; it becomes a `Problem` when file and line are known."""

    path: str
    code: str
    found: str
    expected: str
    repair: str


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
    """A file that was read: its values, the lines of its keys, and its problems."""

    name: str
    data: Mapping[str, Any]
    problems: tuple[Problem, ...]
    faulty: frozenset[str]
    lines: Mapping[str, int] = field(repr=False)

    def where(self, path: str) -> str:
        """Return ``file:line`` of a path inside the file."""
        return f"{self.name}:{line_of(dict(self.lines), path)}"

    def rows(self, key: str) -> tuple[Row, ...]:
        """Return the tables of an array, sound or not; what is no table is left out (it has its problem already)."""
        values = self.data.get(key, [])
        if not isinstance(values, list):
            return ()
        found = ((f"$.{key}[{index}]", value) for index, value in enumerate(values))
        return tuple(Row(value, path, self.where(path), self.sound(path)) for path, value in found if isinstance(value, dict))

    def sound(self, path: str) -> bool:
        """Say whether neither the path, nor anything below it, nor a plain key of the file's head has a fault."""
        return not any(
            fault in ("$", path) or fault.startswith((f"{path}.", f"{path}[")) or _is_head(fault) for fault in self.faulty
        )


def read(root: Path, name: str, table: Table) -> Document:
    """Read the file ``name`` under ``root`` against its description.

    Every problem is in the returned document; a file that cannot be read at all gives an empty one with its problem.
    """
    try:
        text = (root / name).read_bytes().decode("utf-8")
    except OSError as error:
        return _unread(name, 1, "SPC-FILE", type(error).__name__, "a readable file")
    except UnicodeDecodeError as error:
        line = (root / name).read_bytes()[: error.start].count(b"\n") + 1
        return _unread(name, line, "SPC-ENCODING", f"byte {error.start} that is not UTF-8", "UTF-8 text")
    return parse(name, text, table)


def parse(name: str, text: str, table: Table) -> Document:
    r"""Judge a text that stands in the file ``name``.

    >>> document = parse("x.toml", 'a = 1\nb = 2\n', Table({"a": Whole(0, 9)}))
    >>> [(problem.where, problem.code, problem.item) for problem in document.problems]
    [('x.toml:2', 'SPC-UNKNOWN-KEY', '$.b')]
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _unread(name, _line_in(str(error), text), "SPC-TOML", str(error), "valid TOML, each key once")
    except RecursionError:
        return _unread(name, 1, "SPC-TOML", "nesting too deep to parse", "valid TOML")
    lines = line_index(text)
    faults = tuple(faults_of(data, table, "$"))
    problems = tuple(_problem(fault, f"{name}:{line_of(lines, fault.path)}") for fault in faults)
    return Document(name, data, problems, frozenset(fault.path for fault in faults), lines)


def faults_of(value: object, kind: Kind, path: str) -> Iterator[Fault]:
    """Yield everything about a value that its description does not allow."""
    match kind:
        case Table():
            yield from _table_faults(value, kind, path)
        case Tables():
            yield from _tables_faults(value, kind, path)
        case Texts():
            yield from _texts_faults(value, kind, path)
        case Text():
            yield from _text_faults(value, kind, path)
        case Whole():
            if isinstance(value, bool) or not isinstance(value, int) or not kind.low <= value <= kind.high:
                yield _wrong(path, value, f"a whole number from {kind.low} to {kind.high}")
        case Flag():
            if not isinstance(value, bool):
                yield _wrong(path, value, "true or false")


def duplicate_ids(rows: Iterable[Row]) -> Iterator[Problem]:
    """Yield a problem for each row whose id an earlier row has."""
    first: dict[str, str] = {}
    for row in rows:
        if row.id in first:
            yield Problem(
                where=row.where,
                code="SPC-DUPLICATE-ID",
                item=row.id,
                found=f"an id that {first[row.id]} has already",
                expected="each id once in the project",
                repair="give the newer item the next free id",
                clause=RULE,
            )
        elif row.id:
            first[row.id] = row.where


def _table_faults(value: object, kind: Table, path: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _wrong(path, value, "a table")
        return
    for key in value:
        if key not in kind.fields:
            yield Fault(
                f"{path}.{key}",
                "SPC-UNKNOWN-KEY",
                f"the key {_short(key)}",
                f"one of {', '.join(kind.fields)}",
                "remove or rename the key",
            )
    for key, inner in kind.fields.items():
        if key in value:
            yield from faults_of(value[key], inner, f"{path}.{key}")
        elif inner.required:
            yield Fault(f"{path}.{key}", "SPC-MISSING-KEY", "nothing", f"the key {key}", "add the key with its value")


def _tables_faults(value: object, kind: Tables, path: str) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield _wrong(path, value, "an array of tables")
        return
    if len(value) < kind.least:
        yield Fault(path, "SPC-VALUE", f"{len(value)} tables", f"at least {kind.least}", "add the missing tables")
    for index, each in enumerate(value):
        yield from faults_of(each, kind.each, f"{path}[{index}]")


def _texts_faults(value: object, kind: Texts, path: str) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield _wrong(path, value, "a list of texts")
        return
    if not kind.least <= len(value) <= kind.most:
        yield Fault(
            path,
            "SPC-VALUE",
            f"{len(value)} entries",
            f"{kind.least} to {kind.most}",
            "add the missing entries or remove the surplus",
        )
    for index, each in enumerate(value):
        yield from _text_faults(each, kind.each, f"{path}[{index}]")
        if not kind.repeats and each in value[:index]:
            yield Fault(
                f"{path}[{index}]", "SPC-VALUE", f"{_short(each)} a second time", "each entry once", "remove the repeated entry"
            )


def _text_faults(value: object, kind: Text, path: str) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield _wrong(path, value, "a text")
    elif not value.strip():
        if not kind.blank:
            yield Fault(path, "SPC-VALUE", "a blank text", "words", "write the text")
    elif len(value) > MAX_TEXT:
        yield Fault(path, "SPC-VALUE", f"{len(value)} characters", f"at most {MAX_TEXT}", "shorten the text or split the item")
    elif not all(character.isprintable() for character in value):
        yield Fault(path, "SPC-VALUE", "a control character", "printable characters on one line", "remove the control character")
    elif kind.choices is not None and value not in kind.choices:
        yield Fault(
            path, "SPC-VALUE", _short(value), f"one of {', '.join(sorted(kind.choices))}", "choose one of the allowed values"
        )
    elif kind.pattern is not None and not re.fullmatch(kind.pattern, value):
        yield Fault(path, "SPC-VALUE", _short(value), f"a text of the form {kind.pattern}", "write the value in this form")


def _wrong(path: str, value: object, expected: str) -> Fault:
    return Fault(path, "SPC-TYPE", f"{type(value).__name__} {_short(value)}", expected, "write a value of the expected type")


def _short(value: object) -> str:
    """Return a value as a text of at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


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
    return Document(name, {}, (_problem(fault, f"{name}:{line}"),), frozenset({"$"}), {"$": 1})


def _line_in(message: str, text: str) -> int:
    """Return the line that a TOML error message names; an error at the end of the text is on its last line."""
    place = re.search(r"at line (\d+)", message)
    return int(place[1]) if place else max(len(text.splitlines()), 1)


def _is_head(path: str) -> bool:
    """Say whether the path is a plain key at the head of the file, which every row depends on."""
    return path.count(".") == 1 and "[" not in path
