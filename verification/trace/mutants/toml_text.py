"""Edits a hand-written TOML text at one place and leaves every other character as it is, so that a mutant is exactly one change."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from requirements_spec.source_lines import line_index

_HEADER = re.compile(r"\[\[?\s*([A-Za-z0-9_.-]+)\s*\]\]?\s*(?:#.*)?")
_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True)
class TomlText:
    """A TOML text with the places of its keys; paths are those of `source_lines`, for example ``$.requirement[3].needs``."""

    text: str

    @cached_property
    def data(self) -> dict[str, Any]:
        """The parsed values."""
        return tomllib.loads(self.text)

    @cached_property
    def _index(self) -> dict[str, int]:
        return line_index(self.text)

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.split("\n")

    def value(self, path: str) -> Any:
        r"""Return the value at a path.

        >>> TomlText("[[a]]\nb = [1, 2]\n").value("$.a[0].b")
        [1, 2]
        """
        value: Any = self.data
        for key, index in _PART.findall(path.removeprefix("$")):
            value = value[key] if key else value[int(index)]
        return value

    def line(self, path: str) -> int:
        """Return the line, from 1, on which a key or a table begins."""
        return self._index[path]

    def with_value(self, path: str, value: object) -> str:
        r"""Return the text with another value of a key.

        >>> TomlText("a = [1,\n 2]\nb = 3\n").with_value("$.a", [7])
        'a = [7]\nb = 3\n'
        """
        return self._spliced(*self._statement(path), [f"{_last(path)} = {dumped(value)}"])

    def without_key(self, path: str) -> str:
        """Return the text without a key."""
        return self._spliced(*self._statement(path), [])

    def with_line_after(self, path: str, line: str) -> str:
        """Return the text with a further line behind a key."""
        _, end = self._statement(path)
        return self._spliced(end, end, [line])

    def row(self, path: str) -> str:
        """Return the text of one table of an array, its sub-tables included."""
        begin, end = self._extent(path)
        return "\n".join(self._lines[begin:end])

    def without_row(self, path: str) -> str:
        r"""Return the text without one table of an array, its sub-tables included.

        >>> TomlText("[[a]]\nb = 1\n[[a.c]]\n[[a]]\nb = 2\n").without_row("$.a[0]")
        '[[a]]\nb = 2\n'
        """
        return self._spliced(*self._extent(path), [])

    def with_row_twice(self, path: str) -> str:
        """Return the text with one table of an array a second time, right behind the first."""
        begin, end = self._extent(path)
        return self._spliced(end, end, ["", *self._lines[begin:end]])

    def _spliced(self, begin: int, end: int, lines: list[str]) -> str:
        return "\n".join([*self._lines[:begin], *lines, *self._lines[end:]])

    def _statement(self, path: str) -> tuple[int, int]:
        """Return the lines of a key with its value, from 0, end excluded."""
        begin = self._index[path] - 1
        for end in range(begin + 1, len(self._lines) + 1):
            try:
                tomllib.loads("\n".join(self._lines[begin:end]))
            except tomllib.TOMLDecodeError:
                continue
            return begin, end
        raise ValueError(f"{path} does not end")

    def _extent(self, path: str) -> tuple[int, int]:
        """Return the lines of a table with its sub-tables, blank lines at its end excluded."""
        begin = self._index[path] - 1
        name = _name(self._lines[begin])
        end = begin + 1
        while end < len(self._lines) and not self._ends(end, name):
            end += 1
        while end > begin + 1 and (not self._lines[end - 1].strip() or self._lines[end - 1].startswith("#")):
            end -= 1
        return begin, end

    def _ends(self, number: int, name: str) -> bool:
        other = _name(self._lines[number])
        return bool(other) and not other.startswith(f"{name}.")


def _name(line: str) -> str:
    """Return the name of the table that a line opens, or an empty text."""
    found = _HEADER.fullmatch(line)
    return found[1] if found else ""


def _last(path: str) -> str:
    return path.rsplit(".", 1)[1]


def dumped(value: object) -> str:
    """Return a value as TOML on one line.

    >>> dumped({"risk": "a", "situations": ["HS-001"], "on": True})
    '{ risk = "a", situations = ["HS-001"], on = true }'
    """
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {dumped(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(dumped, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
