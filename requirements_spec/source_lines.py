"""Finds the line on which each key and table of a TOML text stands, because `tomllib` tells values but not places.

It follows table headers, keys, multi-line strings and brackets, which is all that hand-written data files use. Where a path is unknown the nearest
known ancestor answers, so a problem always has a line. It judges nothing: a text that `tomllib` refuses is reported by `datafile`.
"""

from __future__ import annotations

import re
import tomllib

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TOKEN = re.compile(
    r"""(?P<whole>"{3}(?:\\.|[^\\])*?"{3}|'{3}.*?'{3})|(?P<open>"{3}|'{3})|(?P<string>"(?:\\.|[^"\\])*"|'[^']*')|(?P<comment>\#.*)|(?P<bracket>[\[\]{}])"""
)
_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}


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
            self._open_table(number, array=header[1] == "[[", name=header[2])
        elif key := _KEY.match(line):
            self.lines.setdefault(".".join([self._table, *_parts(key[1])]), number)
            self._follow(line[key.end() :])

    def _open_table(self, number: int, *, array: bool, name: str) -> None:
        *parents, last = _parts(name)
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
        table = tomllib.loads(f"{name} = 0")
    except tomllib.TOMLDecodeError:
        return [name]
    parts: list[str] = []
    value: object = table
    while isinstance(value, dict):
        key = next(iter(value))
        parts.append(key)
        value = value[key]
    return parts
