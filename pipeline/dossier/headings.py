"""The places of the written pages: their titles, headings and anchors, and a target put before each heading that a clause refers to.

The document builder knows headings only page by page; a target makes a heading something that any page can refer to, on screen and in print.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from docutils.nodes import make_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_FENCE = re.compile(r"(`{3,}|~{3,}|:{3,})")
_HEADING = re.compile(r"(?P<level>#{1,6}) (?P<words>.+?)\s*")
_TARGET = re.compile(r"\s*(?:\* )?(?:- )?\((?P<name>[^()\s]+)\)=\s*")
_ROLE = re.compile(r"\{[a-z]+\}`([^`<]*?)(?: <[^`]*>)?`")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: the line it stands in, and its words."""

    line: int
    words: str


@dataclass(frozen=True)
class Places:
    """What pages hold, by their names.

    Attributes:
        pages: headings of each page in their order, the title first.
        anchors: every target that is written in a page.
    """

    pages: dict[str, tuple[Heading, ...]] = field(default_factory=dict)
    anchors: frozenset[str] = frozenset()

    def count(self, page: str, heading: str) -> int:
        """Return how many sections of a page have this name."""
        return Counter(make_id(each.words) for each in self.pages[page])[heading]

    def words(self, place: str) -> str:
        """Return the title of a place as a reader knows it: page, or page and section."""
        page, _, heading = place.partition("#")
        title = self.pages[page][0].words
        return f"{title}: {self._heading(page, heading).words}" if heading else title

    def line(self, page: str, heading: str) -> int:
        """Return the line of a section's heading, from 0."""
        return self._heading(page, heading).line

    def _heading(self, page: str, heading: str) -> Heading:
        return next(each for each in self.pages[page] if make_id(each.words) == heading)


def read_places(folder: Path) -> Places:
    """Return the places of every page below a folder of written pages."""
    texts = {
        path.relative_to(folder).with_suffix("").as_posix(): path.read_text(encoding="utf-8").split("\n")
        for path in sorted(folder.rglob("*.md"))
    }
    anchors = frozenset(found["name"] for lines in texts.values() for line in lines if (found := _TARGET.fullmatch(line)))
    return Places({page: tuple(headings(lines)) for page, lines in texts.items()}, anchors)


def headings(lines: Sequence[str]) -> Iterator[Heading]:
    """Yield the headings of a page; lines inside a fence are none.

    >>> [each.words for each in headings(["# A", "```", "# no", "```", "## `b` of {ev}`3 <k::p::h::x>`"])]
    ['A', 'b of 3']
    """
    fence = ""
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif fence and line.strip() == fence:
            fence = ""
        elif not fence and (found := _HEADING.fullmatch(line)):
            yield Heading(number, _ROLE.sub(r"\1", found["words"]).replace("`", "").replace("\\", ""))


def target_of(place: str) -> str:
    """Return the name of the target before a section's heading.

    >>> target_of("validation#endpoints")
    'at-validation-endpoints'
    """
    return "at-" + make_id(place.replace("#", "-").replace("/", "-"))


def mark(folder: Path, places: Places, wanted: Iterable[str]) -> None:
    """Write a target before the heading of each wanted section."""
    by_page: dict[str, set[str]] = {}
    for place in wanted:
        page, _, heading = place.partition("#")
        if heading:
            by_page.setdefault(page, set()).add(heading)
    for page, found in sorted(by_page.items()):
        path = folder / f"{page}.md"
        lines = path.read_text(encoding="utf-8").split("\n")
        for heading in sorted(found, key=lambda each: places.line(page, each), reverse=True):
            lines.insert(places.line(page, heading), f"({target_of(f'{page}#{heading}')})=")
        path.write_text("\n".join(lines), encoding="utf-8")
