"""Holds each row of the manifests against what lies here: files and figures before anything is loaded, places and items once the pages are written.

What a clause rests on and is gone stops the build with the name of that clause, so that evidence cannot go missing quietly.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pipeline.dossier.clause_manifests import content
from pipeline.dossier.evidence import EvidenceBook
from pipeline.file_error import FileError, refuse
from requirements_spec.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.dossier.clause_manifests import Clause, Manifest
    from pipeline.dossier.headings import Places

NAMED_AT_MOST = 3
"""Clauses that a message names; more are counted."""


def clauses_of(manifests: Iterable[Manifest]) -> tuple[Clause, ...]:
    """Return every row of every manifest."""
    return tuple(clause for manifest in manifests for clause in manifest.clauses)


def rest_on_files(manifests: Iterable[Manifest]) -> Mapping[str, Sequence[str]]:
    """Return, for each file that rows name, the clauses that rest on it."""
    return _resting(manifests, lambda clause: clause.paths())


def rest_on_pages(manifests: Iterable[Manifest]) -> Mapping[str, Sequence[str]]:
    """Return, for each page that rows name, the clauses that rest on it."""
    return _resting(manifests, lambda clause: (place.partition("#")[0] for place in clause.shown))


def _resting(manifests: Iterable[Manifest], named: Callable[[Clause], Iterable[str]]) -> Mapping[str, Sequence[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for clause in clauses_of(manifests):
        for name in dict.fromkeys(named(clause)):
            found[name].append(clause.name)
    return found


def in_words(names: Sequence[str]) -> str:
    """Return the clauses that rest on something, as the end of a sentence.

    >>> in_words(["MDR 1", "MDR 2", "MDR 3", "MDR 4"])
    'evidence for MDR 1, MDR 2, MDR 3 and 1 further'
    >>> in_words([])
    'evidence for no clause'
    """
    if not names:
        return "evidence for no clause"
    more = len(names) - NAMED_AT_MOST
    return f"evidence for {', '.join(names[:NAMED_AT_MOST])}" + (f" and {more} further" if more > 0 else "")


def require_files(root: Path, manifests: Sequence[Manifest]) -> None:
    """Ask for each file and each figure that a row names.

    Raises:
        FileError: FILE-EVIDENCE, one is gone or is no single figure; the message names the clauses.
    """
    refuse((*_missing_files(root, manifests), *_missing_figures(root, manifests)))


def _missing_files(root: Path, manifests: Sequence[Manifest]) -> Iterator[Problem]:
    for path, names in sorted(rest_on_files(manifests).items()):
        if not (root / path).exists():
            repair = f"{_again(path)}, or name other evidence in docs/clauses"
            yield _evidence(path, f"no such file, {in_words(names)}", "the file that these clauses name", repair)


def _missing_figures(root: Path, manifests: Sequence[Manifest]) -> Iterator[Problem]:
    book = EvidenceBook(root)
    for clause in clauses_of(manifests):
        for figure in clause.figures:
            if not book.has(figure.path):
                continue
            try:
                value = book.value(figure.path, figure.pointer)
            except FileError as err:
                repair = f"{_again(figure.path)}, or correct the row at {clause.where}"
                yield _evidence(
                    f"{figure.path}#{figure.pointer}",
                    f"{err.found}, {in_words([clause.name])}",
                    f"the figure {figure.label!r}",
                    repair,
                )
                continue
            if isinstance(value, dict | list):
                found = f"{len(value)} values, {in_words([clause.name])}"
                yield _evidence(f"{figure.path}#{figure.pointer}", found, "one figure", f"point further in, at {clause.where}")


def _again(path: str) -> str:
    """Return in words how a file comes back."""
    return "run ./qms demo" if path.startswith("artifacts/") else f"restore {path} from version control"


def _evidence(where: str, found: str, expected: str, repair: str) -> Problem:
    return Problem(where=where, code="FILE-EVIDENCE", item="", found=found, expected=expected, repair=repair, clause="")


def require_places(manifests: Sequence[Manifest], places: Places, gaps: Collection[str], standards: Collection[str]) -> None:
    """Ask for each page, heading, item, gap and standard that a row names, and for a row of each gap.

    Raises:
        FileError: FILE-CONTENT, one is not there; the message names the clause and where its row stands.
    """
    clauses = clauses_of(manifests)
    refuse(
        (
            *(problem for clause in clauses for problem in _lost_places(clause, places)),
            *(problem for clause in clauses for problem in _lost_names(clause, places, gaps, standards)),
            *_unregistered(manifests, standards),
            *_unbound(clauses, gaps),
        )
    )


def _lost_places(clause: Clause, places: Places) -> Iterator[Problem]:
    for place in clause.shown:
        page, _, heading = place.partition("#")
        if page not in places.pages:
            yield content(
                clause.where,
                clause.name,
                f"no page {page}",
                "the page that is evidence for it",
                "write docs/" + page + ".md again, or name another page",
            )
        elif heading and (count := places.count(page, heading)) != 1:
            found = f"no section {heading} on the page {page}" if not count else f"{count} sections {heading} on the page {page}"
            yield content(
                clause.where,
                clause.name,
                found,
                "the one section that is evidence for it",
                f"write the section in docs/{page}.md again, or name another",
            )


def _lost_names(clause: Clause, places: Places, gaps: Collection[str], standards: Collection[str]) -> Iterator[Problem]:
    named = (
        ("item", [each for each in clause.items if each.lower() not in places.anchors], *_OF_AN_ITEM),
        ("gap", [each for each in clause.gaps if each not in gaps], *_OF_A_GAP),
        ("standard", [each for each in clause.standards if each not in standards], *_OF_A_STANDARD),
    )
    for kind, lost, expected, repair in named:
        for each in lost:
            yield content(clause.where, clause.name, f"no {kind} {each}", expected, repair)


_OF_AN_ITEM = ("an item that has its place in the file", "correct the id, or restore the item")
_OF_A_GAP = ("gaps of docs/gaps.toml", "correct the id; where the gap was closed, name the evidence instead")
_ENTER = "enter the standard with edition, status and source"
_OF_A_STANDARD = ("an id of docs/standards.toml", f"correct the id, or {_ENTER}")


def _unregistered(manifests: Sequence[Manifest], standards: Collection[str]) -> Iterator[Problem]:
    for manifest in manifests:
        if manifest.standard not in standards:
            yield content(
                manifest.path,
                manifest.cites,
                f"no standard {manifest.standard}",
                _OF_A_STANDARD[0],
                _ENTER,
            )


def _unbound(clauses: Sequence[Clause], gaps: Collection[str]) -> Iterator[Problem]:
    named = {gap for clause in clauses for gap in clause.gaps}
    for gap in sorted(set(gaps) - named):
        yield content(
            "docs/gaps.toml",
            gap,
            "a gap that stands against no clause",
            "each gap in a row of docs/clauses",
            "name it in the rows of the clauses it concerns",
        )
