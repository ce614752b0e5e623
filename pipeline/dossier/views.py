"""The printed views of the file: which pages under which clauses, read from docs/views.toml and held against the pages and the manifests.

What a part comes to is said once, in the rows of docs/clauses: a part names the rows that it answers, and its clauses, its state, its gaps and its reasons for
not applying are theirs. A page that no view prints, a page or row that does not exist, a row that no part of a view answers although others of its manifest
are answered there, and a row whose evidence the view does not print stop the build, so that an attachment cannot go missing quietly.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pipeline.dossier.clause_pages import State
from pipeline.file_error import FileError
from pipeline.handwritten import sound
from requirements_spec.datafile import Table, Tables, Text, Texts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.dossier.clause_pages import Answer

VIEWS = "docs/views.toml"
WHOLE = "technical-file"
"""The view that has to print every page."""

LONG_RUN = 3
"""Clauses in a row from which on only the first and the last are named."""

_PART = Table(
    {
        "title": Text(),
        "clauses": Texts(each=Text(pattern=r"[a-z0-9-]+ \S.*"), required=False),
        "pages": Texts(required=False),
        "also": Texts(required=False),
    }
)
_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/views/2"})),
        "view": Tables(Table({"id": Text(pattern=r"[a-z0-9-]+"), "title": Text(), "order": Text(), "part": Tables(_PART)})),
    }
)


@dataclass(frozen=True)
class Part:
    """One part of a view.

    Attributes:
        pages: printed here, for the first time in this view.
        also: printed in an earlier part of this view and evidence here too.
        answers: the rows of the manifests that this part answers.
    """

    title: str
    pages: tuple[str, ...]
    also: tuple[str, ...]
    answers: tuple[Answer, ...]

    @property
    def clause(self) -> str:
        """Return the clauses in short; empty where the part answers none."""
        return _cited(self.answers)

    @property
    def state(self) -> str:
        """Return how many clauses are in each state.

        >>> Part("6.1(c)", (), (), ()).state
        ''
        """
        counted = Counter(each.state for each in self.answers)
        return "; ".join(f"{counted[state]} {state}" for state in State if counted[state])

    @property
    def gaps(self) -> tuple[str, ...]:
        """Return the ids of what stands against any of the clauses."""
        return tuple(sorted({gap for each in self.answers for gap in each.clause.gaps}))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why clauses ask nothing of this device, each reason once with the clauses that it is given for, and whether it is signed."""
        away = [each for each in self.answers if each.clause.not_applicable]
        texts = dict.fromkeys((each.clause.not_applicable, each.state) for each in away)
        return tuple(
            f"{_cited(each for each in away if each.clause.not_applicable == text)}: not applicable. {text}"
            + ("" if state is State.NOT_APPLICABLE else " The reason is not signed yet.")
            for text, state in texts
        )


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

    def answers(self) -> Iterator[Answer]:
        """Yield the answered rows in the order of print."""
        for part in self.parts:
            yield from part.answers


def load_views(root: Path, pages: Collection[str], answers: Sequence[Answer]) -> tuple[View, ...]:
    """Return the views, their patterns of pages and of clauses resolved.

    Args:
        root: of the project.
        pages: names of every page that is written.
        answers: every row of every manifest with its state.

    Raises:
        FileError: FILE-DATA, the file does not hold what it must; FILE-CONTENT, a page or row does not exist, is printed or answered nowhere or twice, or a row's evidence is not printed.
    """
    rows = sound(root, VIEWS, _TABLE, ("view",)).rows("view")
    views = tuple(_view(row.data, pages, answers) for row in rows)
    whole = {page for view in views if view.id == WHOLE for page in view.pages()}
    if unprinted := sorted(set(pages) - whole):
        raise _content(WHOLE, f"no part prints {', '.join(unprinted)}", "every page in the full file", "add it to a part")
    for view in views:
        _require_whole_manifests(view, answers)
        _require_printed_evidence(view)
    return views


def _view(data: Mapping[str, Any], pages: Collection[str], answers: Sequence[Answer]) -> View:
    printed: list[str] = []
    answered: list[Answer] = []
    parts = []
    for row in data["part"]:
        part = _part(f"{data['id']}: {row['title']}", row, (pages, printed), (answers, answered))
        printed += part.pages
        answered += part.answers
        parts.append(part)
    return View(data["id"], data["title"], data["order"], tuple(parts))


def _part(
    place: str,
    row: Mapping[str, Any],
    pages: tuple[Collection[str], list[str]],
    answers: tuple[Sequence[Answer], list[Answer]],
) -> Part:
    """Return a part, given all pages with those printed before, and all rows with those answered before."""
    known, printed = pages
    asked, also = row.get("pages", ()), tuple(row.get("also", ()))
    here = tuple(dict.fromkeys(page for pattern in asked for page in _matching(place, pattern, known) if page not in printed))
    if twice := [pattern for pattern in asked if pattern in printed]:
        raise _content(place, f"{', '.join(twice)} a second time", "a page once in a view", "move it to `also`")
    if early := sorted(set(also) - set(printed)):
        raise _content(place, f"{', '.join(early)} in `also`", "pages of an earlier part", "move them to `pages`")
    rows = tuple(dict.fromkeys(each for pattern in row.get("clauses", ()) for each in _answered(place, pattern, answers[0])))
    if again := [each.clause.name for each in rows if each in answers[1]]:
        raise _content(place, f"{', '.join(again)} a second time", "a clause once in a view", "name it in one part")
    if not here and not rows:
        raise _content(place, "neither pages nor clauses", "what is printed, or what is answered", "name pages or clauses")
    return Part(row["title"], here, also, rows)


def _matching(place: str, pattern: str, pages: Collection[str]) -> list[str]:
    found = sorted(page for page in pages if fnmatchcase(page, pattern))
    if not found:
        raise _content(place, f"no page {pattern}", "a page of docs/", "write the page, or correct the name")
    return found


def _answered(place: str, pattern: str, answers: Iterable[Answer]) -> list[Answer]:
    manifest, _, number = pattern.partition(" ")
    found = [each for each in answers if each.manifest == manifest and fnmatchcase(each.clause.number, number)]
    if not found:
        raise _content(place, f"no clause {pattern}", "a row of docs/clauses", "write the row, or correct the name")
    return found


def _require_whole_manifests(view: View, answers: Sequence[Answer]) -> None:
    """Ask that a view which answers one row of a manifest answers every row of it."""
    answered = set(view.answers())
    begun = {each.manifest for each in answered}
    if lost := [each.clause.name for each in answers if each.manifest in begun and each not in answered]:
        raise _content(view.id, f"no part answers {', '.join(lost)}", "every clause of a manifest", "name it in a part")


def _require_printed_evidence(view: View) -> None:
    """Ask that each page which a row names as evidence is printed in the view that answers the row."""
    printed = set(view.pages())
    for part in view.parts:
        for each in part.answers:
            if lost := sorted({place.partition("#")[0] for place in each.clause.shown} - printed):
                found = f"{', '.join(lost)}, which {each.clause.name} rests on, is not printed"
                raise _content(f"{view.id}: {part.title}", found, "the pages that the rows name", "add it to a part")


def _cited(answers: Iterable[Answer]) -> str:
    """Return rows in short: what a manifest has in one go is named by its first and its last, and each name of a manifest stands once."""
    said: dict[str, list[str]] = {}
    for (cites, _), run in groupby(enumerate(answers), key=lambda pair: (pair[1].cites, pair[1].place - pair[0])):
        numbers = [each.clause.number for _, each in run]
        shown = [f"{numbers[0]} to {numbers[-1]}"] if len(numbers) >= LONG_RUN else numbers
        said.setdefault(cites, []).extend(shown)
    return "; ".join(f"{cites} {', '.join(shown)}" for cites, shown in said.items())


def _content(place: str, found: str, expected: str, repair: str) -> FileError:
    return FileError("FILE-CONTENT", f"{VIEWS} {place}", found, expected, repair)
