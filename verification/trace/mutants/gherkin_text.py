"""Edits a feature file at one place and leaves every other character as it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gherkin.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag as it stands: name without ``@``, line and column from 1, and the scenarios that carry it."""

    name: str
    line: int
    column: int
    scenarios: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WrittenStep:
    """A step as it stands: its kind (``And`` counted as what it continues), text, first and last line, and the scenarios it belongs to."""

    kind: str
    text: str
    first: int
    last: int
    scenarios: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WrittenScenario:
    """A scenario as it stands: name, line of its keyword, first line (its tags), last line, and the lines of its example rows."""

    name: str
    line: int
    first: int
    last: int
    rows: tuple[int, ...]
    own_tags: tuple[str, ...]


@dataclass(frozen=True)
class FeatureText:
    """A feature file with the places of its parts."""

    text: str

    @cached_property
    def _feature(self) -> dict[str, Any]:
        parsed: Any = Parser().parse(self.text)
        return dict(parsed["feature"])

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text."""
        return self.text.split("\n")

    @cached_property
    def scenarios(self) -> tuple[WrittenScenario, ...]:
        """Every scenario in the order of the file."""
        nodes = list(_scenarios(self._feature))
        starts = [_first_line(node) for node in nodes]
        ends = [start - 1 for start in starts[1:]] + [len(self.lines)]
        return tuple(self._written(node, first, end) for node, first, end in zip(nodes, starts, ends, strict=True))

    def _written(self, node: dict[str, Any], first: int, end: int) -> WrittenScenario:
        while end > first and not self.lines[end - 1].strip():
            end -= 1
        rows = tuple(int(row["location"]["line"]) for table in node["examples"] for row in table.get("tableBody", ()))
        tags = tuple(tag["name"].removeprefix("@") for tag in node["tags"])
        return WrittenScenario(node["name"], int(node["location"]["line"]), first, end, rows, tags)

    @cached_property
    def tags(self) -> tuple[Tag, ...]:
        """Every tag of the feature and of its scenarios; tags of a rule or an example table are not used in this project."""
        every = tuple(scenario.name for scenario in self.scenarios)
        found = [_tag(tag, every) for tag in self._feature["tags"]]
        found += [_tag(tag, (node["name"],)) for node in _scenarios(self._feature) for tag in node["tags"]]
        return tuple(found)

    @cached_property
    def steps(self) -> tuple[WrittenStep, ...]:
        """Every step, those of a background with all scenarios."""
        every = tuple(scenario.name for scenario in self.scenarios)
        found: list[WrittenStep] = []
        for child in self._feature["children"]:
            node = child.get("background") or child.get("scenario")
            if node is not None:
                found += _steps(node, every if "background" in child else (node["name"],))
        return tuple(found)

    def without_tag(self, tag: Tag) -> str:
        r"""Return the text without one tag; a line that held nothing else goes too.

        >>> text = FeatureText("@A @B\nFeature: f\n  Scenario: s\n    Then x\n")
        >>> text.without_tag(text.tags[0]).split("\n")[0]
        '@B'
        """
        return self._tag_line(tag, "")

    def with_tag(self, tag: Tag, name: str) -> str:
        """Return the text with another name in place of a tag."""
        return self._tag_line(tag, f"@{name}")

    def _tag_line(self, tag: Tag, new: str) -> str:
        line = self.lines[tag.line - 1]
        begin, end = tag.column - 1, tag.column + len(tag.name)
        rest = f"{line[:begin]}{new}{line[end:]}"
        words = " ".join(rest.split())
        indented = f"{line[: len(line) - len(line.lstrip())]}{words}"
        return self.spliced(tag.line, tag.line, [indented] if words else [])

    def spliced(self, first: int, last: int, lines: list[str]) -> str:
        """Return the text with the lines from ``first`` to ``last``, both included and counted from 1, replaced."""
        return "\n".join([*self.lines[: first - 1], *lines, *self.lines[last:]])

    def where(self, scenario: str) -> int:
        """Return the line of a scenario's keyword, found by searching the text."""
        return next(
            number
            for number, line in enumerate(self.lines, start=1)
            if line.strip().startswith("Scenario") and line.partition(":")[2].strip() == scenario
        )


def _scenarios(feature: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (child["scenario"] for child in feature["children"] if "scenario" in child)


def _first_line(node: dict[str, Any]) -> int:
    return min([int(node["location"]["line"]), *(int(tag["location"]["line"]) for tag in node["tags"])])


def _tag(tag: dict[str, Any], scenarios: tuple[str, ...]) -> Tag:
    return Tag(tag["name"].removeprefix("@"), int(tag["location"]["line"]), int(tag["location"]["column"]), scenarios)


def _steps(node: dict[str, Any], scenarios: tuple[str, ...]) -> Iterator[WrittenStep]:
    kind = ""
    for step in node["steps"]:
        kind = kind if step["keywordType"] == "Conjunction" and kind else step["keywordType"]
        first = int(step["location"]["line"])
        table = step.get("dataTable", {}).get("rows", ())
        text = step.get("docString")
        last = max([first, *(int(row["location"]["line"]) for row in table)])
        if text is not None:
            last = int(text["location"]["line"]) + text["content"].count("\n") + 2
        yield WrittenStep(kind, step["text"], first, last, scenarios)
