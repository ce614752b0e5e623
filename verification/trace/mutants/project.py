"""The project as mutants are made from it: its texts, the rows of its data files and their lines, what was read from it and what the gate says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from verification.trace.features import FOLDER
from verification.trace.mutants.gherkin_text import FeatureText
from verification.trace.mutants.sealing import cases
from verification.trace.mutants.toml_text import TomlText

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from verification.trace.gate import GateResult
    from verification.trace.inputs import Inputs

NEEDS = "requirements_spec/data/user_needs.toml"
REQUIREMENTS = "requirements_spec/data/software_requirements"
ARCHITECTURE = "requirements_spec/data/architecture.toml"
SOUP = "requirements_spec/data/soup.toml"
HAZARDS = "risk/data/hazards.toml"
CONTROLS = "risk/data/controls.toml"
POLICY = "risk/data/policy.toml"
PROTOCOL = "validation/protocol.toml"
LEDGERS = {"requirements_spec": "requirements_spec/data/changes.toml", "risk": "risk/data/changes.toml"}
"""Ledger of changes by the package whose items it accounts for."""

_ARRAYS = {NEEDS: "need", ARCHITECTURE: "item", SOUP: "soup", HAZARDS: "hazard", CONTROLS: "control"}


@dataclass(frozen=True)
class DataRow:
    """One item as it stands in its data file."""

    file: str
    path: str
    kind: str
    data: dict[str, Any]

    @property
    def id(self) -> str:
        """The item's id."""
        return str(self.data["id"])

    @property
    def ledger(self) -> str:
        """The ledger that accounts for the item."""
        return LEDGERS[self.file.partition("/")[0]]


@dataclass(frozen=True)
class Project:
    """A project under ``root``; reads lazily and keeps what it read, so the files must not change below it."""

    root: Path
    inputs: Inputs
    verdict: GateResult
    _texts: dict[str, str] = field(default_factory=dict, repr=False)
    _parsed: dict[str, Any] = field(default_factory=dict, repr=False)

    def text(self, name: str) -> str:
        """Return a file's text."""
        if name not in self._texts:
            self._texts[name] = (self.root / name).read_text(encoding="utf-8")
        return self._texts[name]

    def has(self, name: str) -> bool:
        """Say whether there is such a file."""
        return (self.root / name).is_file()

    def toml(self, name: str) -> TomlText:
        """Return a TOML file, ready to be edited."""
        if name not in self._parsed:
            self._parsed[name] = TomlText(self.text(name))
        found: TomlText = self._parsed[name]
        return found

    def feature(self, name: str) -> FeatureText:
        """Return a feature file by its path from the root, ready to be edited."""
        if name not in self._parsed:
            self._parsed[name] = FeatureText(self.text(name))
        found: FeatureText = self._parsed[name]
        return found

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Paths of the feature files from the root, sorted."""
        return tuple(sorted(path.relative_to(self.root).as_posix() for path in (self.root / FOLDER).rglob("*.feature")))

    @cached_property
    def requirement_files(self) -> tuple[str, ...]:
        """Paths of the files of software requirements, sorted."""
        return tuple(sorted(path.relative_to(self.root).as_posix() for path in (self.root / REQUIREMENTS).glob("*.toml")))

    @cached_property
    def rows(self) -> tuple[DataRow, ...]:
        """Every item of every data file, situations after their hazard."""
        return tuple(self._rows())

    def of(self, *kinds: str) -> tuple[DataRow, ...]:
        """Return the items of the named kinds: need, requirement, item, soup, hazard, situation, control."""
        return tuple(row for row in self.rows if row.kind in kinds)

    def row(self, name: str) -> DataRow:
        """Return an item by its id."""
        return self._by_id[name]

    @cached_property
    def _by_id(self) -> dict[str, DataRow]:
        return {row.id: row for row in self.rows}

    def _rows(self) -> Iterator[DataRow]:
        files = {**_ARRAYS, **dict.fromkeys(self.requirement_files, "requirement")}
        for file, kind in files.items():
            for index, data in enumerate(self.toml(file).data.get(kind, ())):
                path = f"$.{kind}[{index}]"
                yield DataRow(file, path, kind, data)
                for number, each in enumerate(data.get("situation", ()) if kind == "hazard" else ()):
                    yield DataRow(file, f"{path}.situation[{number}]", "situation", each)

    @cached_property
    def clean_cases(self) -> tuple[tuple[tuple[str, str, str], str], ...]:
        """Every row that is owed with the test case of a clean pass."""
        return tuple(
            pair for scenario in self.inputs.scenarios for pair in zip(scenario.expected(), cases([scenario]), strict=True)
        )

    def where(self, row: DataRow) -> str:
        """Return ``file:line`` of an item as it stands now."""
        return place(row.file, self.text(row.file), row.id)

    def last_entry(self, item: str, ledger: str) -> str:
        """Return ``file:line`` of the last entry about an item in a ledger."""
        text = self.text(ledger)
        found = [match.start() for match in re.finditer(rf'^item = "{re.escape(item)}"$', text, re.MULTILINE)]
        return f"{ledger}:{text[: text.rindex('[[change]]', 0, found[-1])].count(chr(10)) + 1}"


def place(file: str, text: str, item: str) -> str:
    r"""Return ``file:line`` of the table that holds an id, found by searching the text: independent of the loader's own way to a line.

    >>> place("a.toml", 'x = 1\n\n[[need]]\nid = "UN-001"\n', "UN-001")
    'a.toml:3'
    """
    at = text.index(f'\nid = "{item}"\n') + 1
    header = text.rindex("\n[", 0, at) + 1
    return f"{file}:{text[:header].count(chr(10)) + 1}"
