"""Reads the plain part of Gherkin that nearly every feature file keeps to, ten times faster than the reference parser, and nothing else.

Plain is: English keywords in one spelling, one feature with a description, one background, scenarios and outlines with steps of one line, and example
tables without escapes. Whoever leaves that by a single line (a comment, a rule, a doc string, a data table, another language, a mistake) is read by the
reference parser instead, which also words the error. So this reader may say nothing wrong and may say nothing at all; a test holds it against the
reference parser on every feature file here and on random text.
"""

from __future__ import annotations

import re
from typing import Any

_TAGS = re.compile(r"@[^\s@#]+(?:\s+@[^\s@#]+)*")
_STEP = re.compile(r"(Given|When|Then|And|But) (.*)", re.DOTALL)
_KIND = {"Given": "Context", "When": "Action", "Then": "Outcome", "And": "Conjunction", "But": "Conjunction"}
_NO_DESCRIPTION = re.compile(r'[@#|*"`]|Given|When|Then|And|But')
"""Beginnings that a line of a description must not have to be plain."""


class _NotPlainError(Exception):
    """A line is outside of what is read here."""


def plain_feature(text: str) -> dict[str, Any] | None:
    r"""Return the feature as the reference parser's tree, with the parts that `features` reads, or None where the text is not plain.

    >>> plain_feature("Feature: A\n  Scenario: B\n    Then C\n")["children"][0]["scenario"]["steps"]
    [{'keyword': 'Then', 'keywordType': 'Outcome', 'text': 'C'}]
    >>> plain_feature("Feature: A\n  # why\n") is None
    True
    """
    reader = _Reader()
    try:
        for number, line in enumerate(text.split("\n"), start=1):
            stripped = line.strip()
            if stripped:
                reader.take(number, stripped)
        return reader.feature()
    except _NotPlainError:
        return None


class _Reader:
    """The state while going down the lines."""

    def __init__(self) -> None:
        self._feature: dict[str, Any] | None = None
        self._tags: list[dict[str, str]] = []
        self._children: list[dict[str, Any]] = []
        self._scenario: dict[str, Any] | None = None
        self._steps: list[dict[str, str]] | None = None
        self._table: dict[str, Any] | None = None

    def feature(self) -> dict[str, Any]:
        """Return what was read when the text has ended."""
        if self._feature is None or self._tags:
            raise _NotPlainError
        return self._feature

    def take(self, number: int, line: str) -> None:
        """Take a line that is not blank, without the blanks around it."""
        if step := _STEP.match(line):
            self._step(step[1], step[2].strip())
        elif line[0] == "|":
            self._row(number, line)
        elif line[0] == "@":
            self._tag(line)
        else:
            self._title(number, line)

    def _step(self, keyword: str, text: str) -> None:
        if self._steps is None or self._table is not None or self._tags or not text:
            raise _NotPlainError
        self._steps.append({"keyword": keyword, "keywordType": _KIND[keyword], "text": text})

    def _tag(self, line: str) -> None:
        if not _TAGS.fullmatch(line):
            raise _NotPlainError
        self._tags += [{"name": name} for name in line.split()]

    def _row(self, number: int, line: str) -> None:
        if self._table is None or self._tags or "\\" in line or len(line) < 2 or line[-1] != "|":
            raise _NotPlainError
        row = {"location": {"line": number}, "cells": [{"value": cell.strip()} for cell in line[1:-1].split("|")]}
        if "tableHeader" not in self._table:
            self._table["tableHeader"] = row
        elif len(self._table["tableHeader"]["cells"]) == len(row["cells"]):
            self._table["tableBody"].append(row)
        else:
            raise _NotPlainError

    def _title(self, number: int, line: str) -> None:
        keyword, colon, name = line.partition(":")
        if not colon:
            self._description(line)
        elif keyword in {"Scenario", "Scenario Outline"} and self._feature is not None:
            self._open_scenario(number, keyword, name.strip())
        elif keyword == "Examples" and self._scenario is not None and not self._tags:
            self._table = {"tags": [], "tableBody": []}
            self._scenario["examples"].append(self._table)
        elif keyword == "Background" and self._feature is not None and not self._children and not self._tags:
            self._steps = []
            self._children.append({"background": {"steps": self._steps}})
        elif keyword == "Feature" and self._feature is None:
            self._feature = {"name": name.strip(), "tags": self._tags, "children": self._children}
            self._tags = []
        else:
            raise _NotPlainError

    def _description(self, line: str) -> None:
        """Pass over a line of the feature's description; those of other parts are not plain."""
        if self._feature is None or self._children or self._tags or _NO_DESCRIPTION.match(line):
            raise _NotPlainError

    def _open_scenario(self, number: int, keyword: str, name: str) -> None:
        self._steps, self._table = [], None
        self._scenario = {
            "name": name,
            "location": {"line": number},
            "keyword": keyword,
            "tags": self._tags,
            "steps": self._steps,
            "examples": [],
        }
        self._tags = []
        self._children.append({"scenario": self._scenario})
