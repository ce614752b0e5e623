"""The scenarios that must run, read from the feature files with the Gherkin reference parser, independently of the test runner.

pytest-bdd keeps scenarios of a feature in a table by name, so of two with one name the first is lost without a word; an outline without rows it runs
once, with the placeholders still in the text. Whoever counts only what the runner reports never sees either. So the list of what is owed comes from
here, and the runner's results are held against it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gherkin.errors import CompositeParserException, ParserException
from gherkin.parser import Parser

from requirements_spec.datafile import plain_content
from requirements_spec.remembered import remembered
from verification.trace.codes import problem
from verification.trace.plain_gherkin import plain_feature

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from requirements_spec.problem import Problem
    from requirements_spec.reading_cache import ReadingCache

FOLDER = "verification/features"
"""Where the feature files lie, relative to the root."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a scenario as it is written; the background's steps come first.

    Attributes:
        kind: ``Context``, ``Action`` or ``Outcome``.
        text: what stands after the keyword.
        keyword: as written: Given, When, Then, And, But or ``*``.
        argument: its doc string, or its table as lines of cells; empty for most.
    """

    kind: str
    text: str
    keyword: str = ""
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One example of an outline: its stable text, its line, and its cells by column."""

    text: str
    line: int
    cells: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario or outline as it is written.

    Attributes:
        feature: path of the feature file relative to ``verification/features``, POSIX.
        title: the feature's name.
        name: the scenario's name.
        line: line of the scenario's keyword.
        tags: names without ``@``, of feature, rule and scenario, sorted.
        lost_tags: tags on example tables, which the runner does not carry into the results.
        is_outline: whether the keyword asks for examples.
        rows: the examples; empty for a plain scenario.
        steps: what is done and expected.
    """

    feature: str
    title: str
    name: str
    line: int
    tags: tuple[str, ...]
    lost_tags: tuple[str, ...]
    is_outline: bool
    rows: tuple[Row, ...]
    steps: tuple[Step, ...]

    @property
    def id(self) -> str:
        """Return the id of the test case: feature and scenario."""
        return f"TC:{self.feature}::{self.name}"

    @property
    def where(self) -> str:
        """Return ``file:line`` from the root."""
        return f"{FOLDER}/{self.feature}:{self.line}"

    def expected(self) -> tuple[tuple[str, str, str], ...]:
        """Return the keys (feature, scenario, row) for which results are owed; at least one, so that an empty outline is owed too."""
        return tuple((self.feature, self.name, row.text) for row in self.rows) or ((self.feature, self.name, ""),)


def row_text(example: Mapping[str, str]) -> str:
    """Return the stable text of an outline's example, as results carry it.

    >>> row_text({"view": "LATERAL", "code": "ADM-VIEW"})
    'view=LATERAL, code=ADM-VIEW'
    """
    return ", ".join(f"{name}={value}" for name, value in example.items())


def load(root: Path, cache: ReadingCache | None = None) -> tuple[tuple[Scenario, ...], tuple[Problem, ...]]:
    """Return every scenario of every feature file, sorted by file and line, and what is wrong with the files themselves.

    A file whose bytes were read before is taken from the cache, where one is given.
    """
    scenarios: list[Scenario] = []
    problems: list[Problem] = []
    folder = root / FOLDER
    for path in sorted(folder.rglob("*.feature")):
        name = path.relative_to(folder).as_posix()
        try:
            scenarios += _read(name, plain_content(path), cache)
        except (CompositeParserException, ParserException, UnicodeDecodeError, OSError) as err:
            problems.append(_unreadable(name, err))
    return tuple(scenarios), (*problems, *_duplicates(scenarios))


def _read(name: str, content: bytes, cache: ReadingCache | None) -> tuple[Scenario, ...]:
    if cache is None:
        return tuple(_parse(name, _text(content)))
    path = f"{FOLDER}/{name}"
    known: tuple[Scenario, ...] | None = cache.value(path, content)
    if known is None:
        known = _recalled(name, content, cache)
        cache.keep_value(path, content, known)
    return known


def _recalled(name: str, content: bytes, cache: ReadingCache) -> tuple[Scenario, ...]:
    kept = cache.recall(f"{FOLDER}/{name}", content)
    if kept is not None:
        return tuple(_from_plain(name, entry) for entry in kept)
    scenarios = tuple(_parse(name, _text(content)))
    cache.keep(f"{FOLDER}/{name}", content, [_to_plain(scenario) for scenario in scenarios])
    return scenarios


def _text(content: bytes) -> str:
    """Return the text with the line ends that the test runner sees: every form of line end is one."""
    return content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def _to_plain(scenario: Scenario) -> list[Any]:
    """Return a scenario as lists, for the cache; `_from_plain` is the inverse."""
    plain = (scenario.title, scenario.name, scenario.line, scenario.tags, scenario.lost_tags, scenario.is_outline)
    rows = [(row.text, row.line, row.cells) for row in scenario.rows]
    return [*plain, rows, [(step.kind, step.text, step.keyword, step.argument) for step in scenario.steps]]


def _from_plain(name: str, plain: list[Any]) -> Scenario:
    title, scenario, line, tags, lost_tags, is_outline, rows, steps = plain
    examples = (Row(text, line, tuple((column, value) for column, value in cells)) for text, line, cells in rows)
    inner = (tuple(examples), tuple(Step(*step) for step in steps))
    return Scenario(name, title, scenario, line, tuple(tags), tuple(lost_tags), is_outline, *inner)


def _unreadable(name: str, err: Exception) -> Problem:
    if isinstance(err, OSError):
        return problem("TRC-FEATURE-SYNTAX", f"{FOLDER}/{name}", name, found=f"no readable file ({type(err).__name__})")
    first = next(iter(getattr(err, "errors", ())), err)
    line = (getattr(first, "location", None) or {}).get("line")
    where = f"{FOLDER}/{name}:{line}" if line else f"{FOLDER}/{name}"
    return problem("TRC-FEATURE-SYNTAX", where, name, found=" ".join(str(first).split())[:200])


def _duplicates(scenarios: list[Scenario]) -> Iterator[Problem]:
    counts = Counter(scenario.id for scenario in scenarios)
    for scenario in scenarios:
        if counts[scenario.id] > 1:
            yield problem(
                "TRC-SCENARIO-DUPLICATE",
                scenario.where,
                scenario.id,
                found=f"{counts[scenario.id]} scenarios of this name in the file",
            )
        yield from _equal_rows(scenario)


@remembered
def _equal_rows(scenario: Scenario) -> tuple[Problem, ...]:
    rows = Counter(row.text for row in scenario.rows)
    return tuple(
        problem(
            "TRC-SCENARIO-DUPLICATE",
            f"{FOLDER}/{scenario.feature}:{row.line}",
            f"{scenario.id} [{row.text}]",
            found=f"{rows[row.text]} equal rows",
        )
        for row in scenario.rows
        if rows[row.text] > 1
    )


def _parse(name: str, text: str) -> Iterator[Scenario]:
    feature: Any = plain_feature(text) or Parser().parse(text).get("feature")
    if feature is not None:
        yield from _children(name, feature["name"], feature["children"], _tags(feature), ())


def _children(
    name: str, title: str, children: list[Any], tags: frozenset[str], background: tuple[Step, ...]
) -> Iterator[Scenario]:
    """Yield the scenarios below a feature or a rule; tags and background steps are inherited."""
    for child in children:
        if "background" in child:
            background = (*background, *_steps(child["background"]))
        elif "rule" in child:
            yield from _children(name, title, child["rule"]["children"], tags | _tags(child["rule"]), background)
        else:
            yield _scenario(name, title, child["scenario"], tags, background)


def _scenario(name: str, title: str, node: dict[str, Any], tags: frozenset[str], background: tuple[Step, ...]) -> Scenario:
    examples = node["examples"]
    return Scenario(
        feature=name,
        title=title,
        name=node["name"],
        line=int(node["location"]["line"]),
        tags=tuple(sorted(tags | _tags(node))),
        lost_tags=tuple(sorted(frozenset[str]().union(*map(_tags, examples)))),
        is_outline=bool(examples) or "Outline" in node["keyword"] or "Template" in node["keyword"],
        rows=tuple(row for table in examples for row in _rows(table)),
        steps=(*background, *_steps(node)),
    )


def _tags(node: dict[str, Any]) -> frozenset[str]:
    return frozenset(tag["name"].removeprefix("@") for tag in node.get("tags", ()))


def _steps(node: dict[str, Any]) -> tuple[Step, ...]:
    """Return the steps with ``And`` and ``But`` counted as what they continue."""
    steps: list[Step] = []
    for step in node["steps"]:
        continued = step["keywordType"] == "Conjunction" and steps
        kind = steps[-1].kind if continued else step["keywordType"]
        steps.append(Step(kind, step["text"], step["keyword"].strip(), _argument(step)))
    return tuple(steps)


def _argument(step: dict[str, Any]) -> str:
    """Return a step's doc string, or its table with one line for each row."""
    if "docString" in step:
        return str(step["docString"]["content"])
    rows = step.get("dataTable", {}).get("rows", ())
    return "\n".join(" | ".join(cell["value"] for cell in row["cells"]) for row in rows)


def _rows(table: dict[str, Any]) -> Iterator[Row]:
    header = [cell["value"] for cell in table.get("tableHeader", {}).get("cells", ())]
    for row in table.get("tableBody", ()):
        values = [cell["value"] for cell in row["cells"]]
        cells = tuple(zip(header, values, strict=True))
        yield Row(row_text(dict(cells)), int(row["location"]["line"]), cells)
