"""Finds the line on which each key and table of a TOML text stands, because a TOML parser tells values but not places.

It follows table headers, keys, multi-line strings and brackets, which is all that hand-written data files use. Where a path is unknown the nearest
known ancestor answers, so a problem always has a line. It judges nothing: a text that the parser refuses is reported by `datafile`.

Every row of every file needs the line of its table, and few need the line of a key. So `Places` finds the tables in one pass over the headers, and
goes through all lines only when a key is asked for or when the headers found are not the tables that the parser found.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import tomli

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TOKEN = re.compile(
    r"""(?P<whole>"{3}(?:\\.|[^\\])*?"{3}|'{3}.*?'{3})|(?P<open>"{3}|'{3})|(?P<string>"(?:\\.|[^"\\])*"|'[^']*')|(?P<comment>\#.*)|(?P<bracket>[\[\]{}])"""
)
_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}
_PLAIN_HEADER = re.compile(
    r"^(?P<array>\[?)\[(?P<name>[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*)\]\]?[ \t\r]*$", re.MULTILINE
)
"""A header of bare keys alone on its line: the only form that the quick pass follows."""
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_VALUES = frozenset({"true", "false", "inf", "nan"})
"""Bare words that may be a value, so that a line `[true]` may be part of a list."""


class Places:
    """The lines of a text that was parsed to ``data``."""

    def __init__(self, text: str, data: Mapping[str, Any], tables: Mapping[str, int] | None = None) -> None:
        """Keep text and data, and the lines of the tables where they are known; nothing is looked for before somebody asks."""
        self._text = text
        self._data = data
        self._known = tables

    def line(self, path: str) -> int:
        r"""Return the line of the path, or of its nearest ancestor, or 1.

        >>> Places("[[a]]\nb = 1\n", {"a": [{"b": 1}]}).line("$.a[0].b")
        2
        """
        quick = self.tables.get(path)
        return line_of(self._keys, path) if quick is None else quick

    @cached_property
    def tables(self) -> Mapping[str, int]:
        """The lines of all tables; none where only reading every line is sure."""
        return (table_lines(self._text, self._data) or {}) if self._known is None else self._known

    @cached_property
    def _keys(self) -> dict[str, int]:
        return line_index(self._text)


def table_lines(text: str, data: Mapping[str, Any]) -> dict[str, int] | None:
    r"""Return the lines of all tables, or None where the headers are not plain enough to be sure without reading every line.

    Sure means: no string of several lines, and exactly as many headers of each array as the array has tables.

    >>> table_lines('[[b]]\nc = 2\n[[b]]\n', {"b": [{"c": 2}, {}]})
    {'$': 1, '$.b': 1, '$.b[0]': 1, '$.b[1]': 3}
    """
    if '"""' in text or "'''" in text:
        return None
    scanner = _Scanner()
    number, end = 1, 0
    for header in _PLAIN_HEADER.finditer(text):
        if header["name"] in _VALUES:
            return None
        number += text.count("\n", end, header.start())
        end = header.start()
        scanner.open_table(number, header["name"].split("."), array=bool(header["array"]))
    return scanner.lines if scanner.has_tables_of(data) else None


def line_index(text: str) -> dict[str, int]:
    r"""Return the line number (from 1) of each path, for example ``$.hazard[3].harm``.

    >>> line_index('a = 1\n[[b]]\nc = 2\n[[b]]\nc = 3\n')["$.b[1].c"]
    5
    """
    scanner = _Scanner()
    for number, line in enumerate(text.split("\n"), start=1):
        scanner.take(number, line)
    return scanner.lines


def line_of(lines: dict[str, int], path: str) -> int:
    """Return the line of the path, or of its nearest ancestor, or 1.

    >>> line_of({"$.a": 7}, "$.a[2].b")
    7
    """
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 1)


class _Scanner:
    """The state while going down the lines of one text."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {"$": 1}
        self._table = "$"
        self._counts: dict[str, int] = {}
        self._depth = 0
        self._delimiter: str | None = None

    def take(self, number: int, line: str) -> None:
        """Take the next line."""
        if self._delimiter is not None:
            self._close_string(line)
        elif self._depth > 0:
            self._follow(line)
        elif header := _HEADER.match(line):
            self.open_table(number, _parts(header[2]), array=header[1] == "[[")
        elif key := _KEY.match(line):
            self.lines.setdefault(".".join([self._table, *_parts(key[1])]), number)
            self._follow(line[key.end() :])

    def open_table(self, number: int, parts: list[str], *, array: bool) -> None:
        """Take a header with the parts of its key."""
        *parents, last = parts
        path = "$"
        for parent in parents:
            path = self._latest(f"{path}.{parent}")
        path = f"{path}.{last}"
        self.lines.setdefault(path, number)
        if array:
            self._counts[path] = self._counts.get(path, -1) + 1
            path = self._latest(path)
        self.lines.setdefault(path, number)
        self._table = path

    def has_tables_of(self, data: Mapping[str, Any]) -> bool:
        """Say whether each array of tables met so far has as many tables in the parsed data."""
        return all(_length(data, path) == last + 1 for path, last in self._counts.items())

    def _latest(self, path: str) -> str:
        return f"{path}[{self._counts[path]}]" if path in self._counts else path

    def _follow(self, rest: str) -> None:
        """Follow a value to the end of its line: a multi-line string or an open bracket continues on the next one."""
        for token in _TOKEN.finditer(rest):
            if token["open"]:
                self._delimiter = token["open"]
                return
            self._depth += _DEPTH.get(token["bracket"] or "", 0)

    def _close_string(self, line: str) -> None:
        if self._delimiter is not None and self._delimiter in line:
            end = line.index(self._delimiter) + len(self._delimiter)
            self._delimiter = None
            self._follow(line[end:])


def _parts(name: str) -> list[str]:
    """Split a dotted key as TOML does.

    >>> _parts('a."b.c"')
    ['a', 'b.c']
    """
    if _BARE.fullmatch(name):
        return [name]
    try:
        table = tomli.loads(f"{name} = 0")
    except (tomli.TOMLDecodeError, RecursionError):
        return [name]
    parts: list[str] = []
    value: object = table
    while isinstance(value, dict):
        key = next(iter(value))
        parts.append(key)
        value = value[key]
    return parts


def _length(data: Mapping[str, Any], path: str) -> int:
    """Return how many entries the list at a path of bare keys has; -1 where there is no list.

    >>> _length({"a": [{"b": [{}, {}]}]}, "$.a[0].b")
    2
    """
    value: Any = data
    for key, index in _STEP.findall(path):
        if key:
            value = value.get(key) if isinstance(value, dict) else None
        else:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
    return len(value) if isinstance(value, list) else -1
