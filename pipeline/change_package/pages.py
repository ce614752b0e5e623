"""The pages of a change package: what a person reads on screen and prints. They show what the package holds and compute nothing but what is folded away.

Deletions are struck through and insertions underlined, so that a redline can be read without colour; a struck or inserted line break is shown by a sign.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.change_package.made_parts import State
from pipeline.change_package.redline import Mark, redline
from pipeline.change_package.reruns import Outcome
from pipeline.html_page import page_environment
from pipeline.release.record.record import CONCLUSION
from verification.trace.graph import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.change_package.items import Field
    from pipeline.change_package.package import ChangePackage
    from pipeline.change_package.redline import Piece
    from verification.trace.impact import Suspect

TEMPLATES = Path(__file__).with_name("templates")
CONTEXT = 2
"""Lines that are shown on either side of a change."""
KINDS = {
    str(Kind.NEED): "User needs",
    str(Kind.REQUIREMENT): "Requirements",
    "system": "Software system",
    str(Kind.ITEM): "Software items",
    str(Kind.MODULE): "Modules",
    str(Kind.SOUP): "SOUP",
    "policy": "Risk policy",
    str(Kind.HAZARD): "Hazards",
    str(Kind.SITUATION): "Hazardous situations",
    str(Kind.CONTROL): "Risk controls",
    str(Kind.SCENARIO): "Scenarios",
    str(Kind.FAULT): "Seeded defects",
    str(Kind.ENDPOINT): "Endpoints of the protocol",
    "model": "Model",
    str(Kind.ANOMALY): "Known anomalies",
    str(Kind.SECTION): "Sections of the technical file",
}
"""Headings of the kinds of items, in the order in which they are read."""
HOW = ("added", "removed", "changed", "step changed")
GROUPS = ("Model and data", "Bundle", "Metrics and evidence", "Locks, bills and logs", "Kept in the archive")


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a redline as a page shows it: ``same``, ``deleted``, ``inserted``, or ``folded`` with the number of lines that are left out."""

    kind: str
    text: str
    lines: int = 0


def render(package: ChangePackage) -> dict[str, str]:
    """Return the pages by name; equal packages give equal pages."""
    environment = page_environment(TEMPLATES)
    environment.filters |= {"words": words, "way": way, "number": number, "capitalized": capitalized, "in_order": in_order}
    shared = {
        "found": package.found,
        "drafts": package.drafts,
        "conclusion": CONCLUSION,
        "style": (TEMPLATES / "page.css").read_text("utf-8"),
    }
    tables = _tables(package)

    def page(template: str, up: str = "", **more: Any) -> str:
        return environment.get_template(template).render(**shared, **tables, up=up, **more)

    made = {f"{name}.html": page(f"{name}.html.jinja") for name in PAGES}
    for each in (*package.found.documents, *package.found.pages):
        made[redline_name(each.name)] = page("redline.html.jinja", up="../", document=each, shown=folded(each.pieces))
    for draft in package.drafts:
        made[f"worksheets/{draft.sheet.id}.html"] = page("worksheet.html.jinja", up="../", draft=draft)
    return made


PAGES = ("index", "items", "suspects", "risks", "scenarios", "made", "documents")
"""Pages that every package has; redlines and worksheets come beside them."""


def _tables(package: ChangePackage) -> dict[str, Any]:
    """Return what several pages show, sorted and counted."""
    found = package.found
    by_kind = defaultdict(list)
    for each in found.items:
        by_kind[each.kind].append(each)
    suspects: dict[str, list[Suspect]] = defaultdict(list)
    for each in found.impact.suspects:
        suspects[each.kind].append(each)
    shown = [kind for kind in KINDS if kind in by_kind or kind in suspects]
    counts = [
        (KINDS[kind], kind, [sum(each.how == how for each in by_kind[kind]) for how in HOW], len(suspects[kind]))
        for kind in shown
    ]
    return {
        "gaps": package.gaps,
        "by_kind": [(KINDS[kind], kind, by_kind[kind]) for kind in shown if by_kind[kind]],
        "suspects_by_kind": [(KINDS[kind], kind, list(_ways(suspects[kind]))) for kind in shown if suspects[kind]],
        "counts": counts,
        "outcomes": [(str(each), sum(one.outcome is each for one in found.reruns)) for each in Outcome],
        "parts_by_group": _grouped(package),
        "links": {each.name: redline_name(each.name) for each in (*found.documents, *found.pages)},
        "exams_shown": [(exam, [each for each in exam.figures if each.is_shown]) for exam in found.exams],
        "open_risks": [each for each in found.risks if not each.is_entered],
    }


def _ways(suspects: Iterable[Suspect]) -> Iterator[tuple[str, list[Suspect]]]:
    """Yield the suspects of one kind, those that are reached in one way together."""
    by_way: dict[str, list[Suspect]] = defaultdict(list)
    for each in suspects:
        by_way[way(each.path)].append(each)
    yield from by_way.items()


def way(path: Iterable[tuple[str, str]]) -> str:
    """Return how an item is reached, without the item: what changed and each link on the way.

    >>> way((("RC-001", "is implemented by"), ("SRS-001", "")))
    'RC-001 is implemented by'
    """
    return " ".join(f"{name} {words}" for name, words in path if words)


def _grouped(package: ChangePackage) -> list[tuple[str, list[Any], dict[str, int]]]:
    """Return the sealed parts by place, those that are equal only counted, and pages of the built file counted too."""
    found: dict[str, list[Any]] = {name: [] for name in GROUPS}
    counts: dict[str, dict[str, int]] = {name: {} for name in GROUPS}
    rows = [(GROUPS[0], each) for each in package.found.claims]
    rows += [(_group(each.name), each) for each in package.found.parts]
    for group, each in rows:
        counts[group][str(each.state)] = counts[group].get(str(each.state), 0) + 1
        if each.state is not State.EQUAL and not each.name.startswith("archive/technical_file/html/"):
            found[group].append(each)
    return [(name, found[name], counts[name]) for name in GROUPS if counts[name]]


def _group(name: str) -> str:
    place = name.split("/", 1)[0]
    if place != "files":
        return GROUPS[1] if place == "bundle" else GROUPS[4]
    evidence = ("files/validation", "files/verification", "files/gate", "files/matrix", "files/training")
    return GROUPS[2] if name.startswith(evidence) else GROUPS[3]


def redline_name(name: str) -> str:
    """Return the file of a document's redline; the beginning of its name's SHA-256 keeps two documents apart whose names read alike.

    >>> redline_name("docs/a/b.md"), redline_name("docs/a-b.md")
    ('redlines/docs-a-b.md-41d73c71.html', 'redlines/docs-a-b.md-17eed39c.html')
    """
    return f"redlines/{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.html"


_FIRST = ("title", "text", "harm", "steps")
"""Fields that are read first; the others follow by name."""


def in_order(fields: Iterable[Field]) -> list[Field]:
    """Return the fields of an item as they are read; its id stands above them."""
    shown = [each for each in fields if each.name != "id"]
    return sorted(shown, key=lambda each: (_FIRST.index(each.name) if each.name in _FIRST else len(_FIRST), each.name))


def words(before: str, after: str) -> tuple[Run, ...]:
    """Return the redline of one field of an item, whole."""
    return tuple(_run(piece) for piece in redline(before, after))


def _run(piece: Piece) -> Run:
    """Return a piece as it is shown: where only white space was deleted or inserted, a sign stands for it."""
    if piece.kind is Mark.SAME or not piece.text.isspace():
        return Run(piece.kind.value, piece.text)
    return Run(piece.kind.value, piece.text.replace("\n", "\N{PILCROW SIGN}\n").replace(" ", "\N{OPEN BOX}"))


def folded(pieces: Iterable[Piece], context: int = CONTEXT) -> tuple[Run, ...]:
    r"""Return a redline with long unchanged stretches folded: ``context`` lines are shown on either side of a change.

    >>> from pipeline.change_package.redline import redline
    >>> lines = "".join(f"{n}\n" for n in range(9))
    >>> [(run.kind, run.lines) for run in folded(redline(lines, lines + "x"))]
    [('folded', 7), ('same', 0), ('inserted', 0)]
    """
    held = tuple(pieces)
    return tuple(run for at, piece in enumerate(held) for run in _folded(piece, at > 0, at < len(held) - 1, context))


def _folded(piece: Piece, has_before: bool, has_after: bool, context: int) -> Iterator[Run]:  # noqa: FBT001
    if piece.kind is not Mark.SAME:
        yield _run(piece)
        return
    lines = piece.text.splitlines(keepends=True)
    first, last = (context if has_before else 0), (context if has_after else 0)
    hidden = lines[first : len(lines) - last]
    if len(hidden) <= 1:
        yield Run("same", piece.text)
        return
    if first:
        yield Run("same", "".join(lines[:first]))
    yield Run("folded", "", len(hidden))
    if last:
        yield Run("same", "".join(lines[-last:]))


def number(value: float | None) -> str:
    """Return a figure with four places; nothing where it is undefined.

    >>> number(0.96175057), number(None)
    ('0.9618', '')
    """
    return "" if value is None else f"{value:.4f}"


def capitalized(text: str) -> str:
    """Return a text with its first letter large and the others as they are.

    >>> capitalized("changed: SOUP")
    'Changed: SOUP'
    """
    return text[:1].upper() + text[1:]
