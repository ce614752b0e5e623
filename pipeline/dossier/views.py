"""The printed views of the file: which pages under which clause, read from docs/views.toml and held against the pages and gaps that exist.

Each part has a state that follows from its content: evidence, evidence with gaps, gap, or not applicable with a reason. A page that no view prints, a page or gap that
does not exist, and a part that says nothing stop the build, so that an attachment cannot go missing quietly.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pipeline.file_error import FileError
from pipeline.handwritten import sound
from requirements_spec.datafile import Table, Tables, Text, Texts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

VIEWS = "docs/views.toml"
WHOLE = "technical-file"
"""The view that has to print every page."""

_PART = Table(
    {
        "title": Text(),
        "clause": Text(required=False),
        "pages": Texts(required=False),
        "plans": Texts(required=False),
        "also": Texts(required=False),
        "gaps": Texts(each=Text(pattern=r"GAP-\d{3}"), required=False),
        "not_applicable": Text(required=False),
    }
)
_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/views/1"})),
        "view": Tables(Table({"id": Text(pattern=r"[a-z0-9-]+"), "title": Text(), "order": Text(), "part": Tables(_PART)})),
    }
)


@dataclass(frozen=True)
class Part:
    """One part of a view.

    Attributes:
        pages: printed here, for the first time in this view.
        also: printed in an earlier part of this view and evidence here too.
        gaps: ids of what stands against this part.
        not_applicable: why the clause asks nothing of this device; empty where it does.
        plans: those of ``pages`` that say what is to be done; a plan is no evidence that it was done.
    """

    title: str
    clause: str
    pages: tuple[str, ...]
    also: tuple[str, ...]
    gaps: tuple[str, ...]
    not_applicable: str
    plans: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """Return what the part has to show.

        >>> Part("6.1(c)", "", (), (), ("GAP-001",), "").state
        'GAP'
        """
        if self.not_applicable:
            return "NOT APPLICABLE, REASON NOT SIGNED"
        if not set(self.pages) - set(self.plans) and not self.also:
            return "GAP"
        return "EVIDENCE, WITH GAPS" if self.gaps else "EVIDENCE"


@dataclass(frozen=True)
class View:
    """One PDF."""

    id: str
    title: str
    order: str
    parts: tuple[Part, ...]

    def pages(self) -> Iterator[str]:
        """Yield the pages in the order of print."""
        for part in self.parts:
            yield from part.pages


def load_views(root: Path, pages: Collection[str], gaps: Collection[str]) -> tuple[View, ...]:
    """Return the views, their patterns of pages resolved.

    Raises:
        FileError: FILE-DATA, the file does not hold what it must; FILE-CONTENT, a page or gap does not exist, or a page is printed nowhere or twice.
    """
    rows = sound(root, VIEWS, _TABLE, ("view",)).rows("view")
    views = tuple(_view(row.data, pages, gaps) for row in rows)
    whole = {page for view in views if view.id == WHOLE for page in view.pages()}
    if unprinted := sorted(set(pages) - whole):
        raise _content(WHOLE, f"no part prints {', '.join(unprinted)}", "every page in the full file", "add it to a part")
    return views


def _view(data: Mapping[str, Any], pages: Collection[str], gaps: Collection[str]) -> View:
    printed: list[str] = []
    parts = []
    for row in data["part"]:
        part = _part(data["id"], row, pages, gaps, printed)
        printed += part.pages
        parts.append(part)
    return View(data["id"], data["title"], data["order"], tuple(parts))


def _part(view: str, row: Mapping[str, Any], pages: Collection[str], gaps: Collection[str], printed: list[str]) -> Part:
    place = f"{view}: {row['title']}"
    asked = (*row.get("pages", ()), *row.get("plans", ()))
    matching = dict.fromkeys(page for pattern in asked for page in _matching(place, pattern, pages))
    here = tuple(page for page in matching if page not in printed)
    also = tuple(row.get("also", ()))
    named = tuple(row.get("gaps", ()))
    if twice := [pattern for pattern in asked if pattern in printed]:
        raise _content(place, f"{', '.join(twice)} a second time", "a page once in a view", "move it to `also`")
    if early := sorted(set(also) - set(printed)):
        raise _content(place, f"{', '.join(early)} in `also`", "pages of an earlier part", "move them to `pages`")
    if unknown := sorted(set(named) - set(gaps)):
        raise _content(
            place, f"no gap {', '.join(unknown)}", "gaps of docs/gaps.toml", "correct the id, or remove the closed gap"
        )
    if bool(row.get("not_applicable")) == bool(here or also or named):
        raise _content(
            place,
            "neither content nor a reason, or both",
            "pages or gaps, or why the clause does not apply",
            "say one of the two",
        )
    if row.get("plans") and not named:
        raise _content(
            place, "plans without a gap", "the gaps that say what was not done", "name them, or move the page to `pages`"
        )
    plans = tuple(row.get("plans", ()))
    return Part(row["title"], row.get("clause", ""), here, also, named, row.get("not_applicable", ""), plans)


def _matching(place: str, pattern: str, pages: Collection[str]) -> list[str]:
    found = sorted(page for page in pages if fnmatchcase(page, pattern))
    if not found:
        raise _content(place, f"no page {pattern}", "a page of docs/", "write the page, or correct the name")
    return found


def _content(place: str, found: str, expected: str, repair: str) -> FileError:
    return FileError("FILE-CONTENT", f"{VIEWS} {place}", found, expected, repair)
