"""Steps on the instructions for use: the page is built as the technical file builds it, and read as its reader sees it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, parsers, then

from device_sw.findings import all_findings

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class _Reader(HTMLParser):
    """What a page says, section by section: the items of its lists, its whole text, and where its links lead."""

    text: dict[str, list[str]] = field(default_factory=dict)
    items: dict[str, list[str]] = field(default_factory=dict)
    links: dict[str, list[str]] = field(default_factory=dict)
    sections: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given_ = dict(attrs)
        if tag == "section":
            self.sections.append(given_.get("id") or "")
        elif tag == "li" and self.sections:
            self.items.setdefault(self.sections[-1], []).append("")
        elif tag == "a" and self.sections:
            self.links.setdefault(self.sections[-1], []).append(given_.get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "section":
            self.sections.pop()

    def handle_data(self, data: str) -> None:
        if not self.sections:
            return
        self.text.setdefault(self.sections[-1], []).append(data)
        if items := self.items.get(self.sections[-1]):
            items[-1] += data


def _plain(text: str) -> str:
    """Return a text with plain quotation marks and single spaces, as a person would read it out."""
    return " ".join(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())


@dataclass(frozen=True)
class Page:
    """A built page: plain text and list items by section, and the links of each."""

    text: dict[str, str]
    items: dict[str, tuple[str, ...]]
    links: dict[str, tuple[str, ...]]


def read_page(path: Path) -> Page:
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return Page(
        text={name: _plain(" ".join(parts)) for name, parts in reader.text.items()},
        items={name: tuple(map(_plain, parts)) for name, parts in reader.items.items()},
        links={name: tuple(parts) for name, parts in reader.links.items()},
    )


@pytest.fixture(scope="session")
def built_instructions(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built pages; in a process of its own, since verification stands below the pipeline that builds documents."""
    folder = tmp_path_factory.mktemp("instructions")
    command = [sys.executable, "-m", "pipeline.instructions_for_use", str(repository), str(folder)]
    done = subprocess.run(command, cwd=repository, env={**os.environ}, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"expected built instructions, observed {done.stderr[-400:]}"
    return folder / "html"


@given("the instructions for use as they are built", target_fixture="instructions")
def _instructions(built_instructions: Path) -> Page:
    return read_page(built_instructions / "labelling.html")


@then(parsers.parse('their warnings say "{sentence}", with the control {control}'))
def _warning(instructions: Page, sentence: str, control: str) -> None:
    observed = instructions.items.get("warnings", ())
    wanted = f"{sentence} ({control})"
    assert wanted in observed, f"expected the warning {wanted!r}, observed {[text for text in observed if control in text]}"


@then("their performance section gives sensitivity, specificity and false marks of the validation record and leads to it")
def _cited(instructions: Page, repository: Path) -> None:
    record = json.loads((repository / "artifacts" / "validation" / "validation.json").read_text(encoding="utf-8"))
    pooled = record["operating_point"]["all_findings"]
    said = instructions.text.get("performance", "")
    for words, name in (
        ("sensitivity", "sensitivity"),
        ("specificity", "specificity"),
        ("false marks per film", "false_positives_per_film"),
    ):
        figure = f"{words} {pooled[name]['value']:.3f}"
        assert figure in said, f"expected {figure!r} in the performance section, observed {said!r}"
    led = instructions.links.get("performance", ())
    assert any("validation" in target for target in led), f"expected a way to the validation section, observed {led}"


_LIMITS = "limits-of-the-check-of-the-picture"
"""The section on what the check of the picture misses."""


@then("their limits give the measured rates of inverted, turned and mirrored films, real and phantom, with their intervals")
def _rates(instructions: Page, repository: Path) -> None:
    record = json.loads((repository / "evidence" / "orientation" / "rates.json").read_text(encoding="utf-8"))
    said = instructions.text.get(_LIMITS, "")
    assert record["date"] in said, f"expected the day of the study, {record['date']}, observed {said[:300]!r}"
    for source, splits in record["rates"].items():
        for way, rate in splits["test"].items():
            shares = f"{100 * rate['share']:.1f} % ({rate['count']} of {rate['of']})"
            figure = f"{shares} [{100 * rate['low']:.1f}, {100 * rate['high']:.1f}]"
            rows = [said[place.end() : place.end() + 160] for place in re.finditer(re.escape(way), said)]
            assert any(figure in row for row in rows), f"expected {figure!r} for {source} films {way}, observed {rows}"


@then("their limits tell the user to compare the side marker")
def _marker(instructions: Page) -> None:
    wanted = "Compare the side marker of the film with the report before a mark is given a side."
    assert any(wanted in item for item in instructions.items.get(_LIMITS, ())), f"expected {wanted!r} among the limits"


@then("the table they lead to gives each of the seven findings its figure and the trivial detector's")
def _each_finding(built_instructions: Path, repository: Path) -> None:
    record = json.loads((repository / "artifacts" / "validation" / "validation.json").read_text(encoding="utf-8"))
    said = read_page(built_instructions / "figures.html").text["figures"]
    for row in all_findings():
        ours, trivial = (record[place]["ap50"][row.id]["value"] for place in ("figures", "figures_trivial"))
        _, found, rest = said.partition(row.name)
        assert found, f"expected a row of {row.name}, observed none"
        for figure in (f"{ours:.3f}", f"{trivial:.3f}"):
            assert figure in rest[:200], f"expected {figure} in the row of {row.name}, observed {rest[:200]!r}"
