"""The manifests of docs/clauses: for each clause of a standard what it asks, what of the file shows it, and what stands against it, as data.

A manifest names its clauses twice: as an outline in its head, and row by row. A row that is lost, doubled or invented is therefore named. A row says one of
two things: which places, files, figures and items are evidence and which gaps are open, or why the clause asks nothing of this device and which words of it
permit to say so. Rows are read here; whether what they name exists is asked in ``clause_evidence``.

Source: MDR Annex II 4 (a) to (d), which asks for exactly these columns; traceability reference 7 (item 7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.dossier.stamp import INPUTS
from pipeline.file_error import FileError, refuse, require_sound
from requirements_spec.datafile import Table, Tables, Text, Texts, Whole, read
from requirements_spec.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from requirements_spec.datafile import Document, Row

FOLDER = "docs/clauses"
RULE = "MDR Annex II 4; design 4 (clause states)"

_NAMES = Texts(required=False)
_ROW = Table(
    {
        "clause": Text(),
        "cited_as": Text(required=False),
        "asks": Text(),
        "group": Text(required=False),
        "shown": Texts(each=Text(pattern=r"[a-z0-9_/-]+(#[a-z0-9-]+)?"), required=False),
        "files": _NAMES,
        "figures": Texts(each=Text(pattern=r"[^:]+: [^#\s]+\.json#/.+"), required=False),
        "items": Texts(each=Text(pattern=r"[A-Z]+-[A-Z0-9-]+"), required=False),
        "gaps": Texts(each=Text(pattern=r"GAP-\d{3}"), required=False),
        "not_applicable": Text(required=False),
        "permitted": Text(required=False),
        "method": Text(required=False),
        "standards": Texts(each=Text(pattern=r"[a-z0-9-]+"), required=False),
    }
)
_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/clauses/1"})),
        "author": Text(),
        "place": Whole(1, 99),
        "title": Text(),
        "cites": Text(),
        "standard": Text(pattern=r"[a-z0-9-]+"),
        "about": Text(),
        "columns": Texts(each=Text(choices=frozenset({"method", "standards"})), required=False),
        "outline": Texts(),
        "clause": Tables(_ROW),
    }
)
_BRACE = re.compile(r"\{(?P<first>[0-9]+|[A-Za-z])\.\.(?P<last>[0-9]+|[A-Za-z])\}")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that is evidence: what it is called, the file it stands in, and where."""

    label: str
    path: str
    pointer: str


@dataclass(frozen=True, slots=True)
class Clause:
    """One row.

    Attributes:
        name: as it is cited, ``IEC 62304 5.7.1``; a row of another text than its manifest says how itself (`cited_as`).
        number: within the standard.
        asks: in own words.
        group: heading of the rows that begin here; empty where none begins.
        shown: pages of the file, each with a heading (``validation#endpoints``) or whole.
        files: paths from the root that are evidence as they lie there.
        figures: figures that are evidence.
        items: ids of needs, requirements, risks, controls, software items.
        gaps: ids of what stands against it.
        not_applicable: why it asks nothing of this device; empty where it does.
        permitted: which words of the standard permit to leave it out.
        method: how conformity is shown (GSPR table).
        standards: ids of the register that were applied.
        where: ``file:line``.
    """

    name: str
    number: str
    asks: str
    group: str
    shown: tuple[str, ...]
    files: tuple[str, ...]
    figures: tuple[Figure, ...]
    items: tuple[str, ...]
    gaps: tuple[str, ...]
    not_applicable: str
    permitted: str
    method: str
    standards: tuple[str, ...]
    where: str

    def paths(self) -> tuple[str, ...]:
        """Return every file that this row rests on."""
        return (*self.files, *(figure.path for figure in self.figures))


@dataclass(frozen=True, slots=True)
class Manifest:
    """One standard, law or guidance, clause by clause.

    Attributes:
        id: the name of its file.
        place: among the manifests.
        cites: how its clauses are cited.
        standard: id in the register of standards.
        about: what it is and how it was made.
        columns: further columns that each applicable row fills.
    """

    id: str
    place: int
    title: str
    cites: str
    standard: str
    about: str
    columns: tuple[str, ...]
    clauses: tuple[Clause, ...]

    @property
    def path(self) -> str:
        """Return its file, which is what people sign."""
        return f"{FOLDER}/{self.id}.toml"


def load_manifests(root: Path) -> tuple[Manifest, ...]:
    """Return the manifests in their order.

    Raises:
        FileError: FILE-DATA, a manifest is not of the form; FILE-CONTENT, a clause of an outline has no row, or a row says nothing or two things.
    """
    documents = [read(root, path.relative_to(root).as_posix(), _TABLE) for path in sorted((root / FOLDER).glob("*.toml"))]
    if not documents:
        raise FileError("FILE-CONTENT", FOLDER, "no manifest", "one for each standard", "restore the folder from version control")
    require_sound([problem for document in documents for problem in document.problems])
    manifests = sorted((_manifest(document) for document in documents), key=lambda manifest: (manifest.place, manifest.id))
    refuse(_contradictions(documents, manifests))
    return tuple(manifests)


def expanded(outline: Iterable[str]) -> tuple[str, ...]:
    """Return the clauses that an outline names; braces stand for a row of numbers or letters.

    >>> expanded(["4.1", "5.1.{1..3}", "1.1({a..c})"])
    ('4.1', '5.1.1', '5.1.2', '5.1.3', '1.1(a)', '1.1(b)', '1.1(c)')
    """
    return tuple(name for entry in outline for name in _series(entry))


def _series(entry: str) -> Iterator[str]:
    brace = _BRACE.search(entry)
    if brace is None:
        yield entry
        return
    first, last = brace["first"], brace["last"]
    row = map(str, range(int(first), int(last) + 1)) if first.isdigit() else map(chr, range(ord(first), ord(last) + 1))
    yield from (f"{entry[: brace.start()]}{each}{entry[brace.end() :]}" for each in row)


def _manifest(document: Document) -> Manifest:
    data = document.data
    clauses = tuple(_clause(data["cites"], row) for row in document.rows("clause"))
    name = document.name.rpartition("/")[2].removesuffix(".toml")
    words = {key: data[key] for key in ("place", "title", "cites", "standard", "about")}
    return Manifest(id=name, columns=tuple(data.get("columns", ())), clauses=clauses, **words)


def _clause(cites: str, row: Row) -> Clause:
    data: Mapping[str, Any] = row.data
    lists = {key: tuple(data.get(key, ())) for key in ("shown", "files", "items", "gaps", "standards")}
    texts = {key: data.get(key, "") for key in ("asks", "group", "not_applicable", "permitted", "method")}
    figures = tuple(map(_figure, data.get("figures", ())))
    name = data.get("cited_as") or f"{cites} {data['clause']}"
    return Clause(name, data["clause"], figures=figures, where=row.where, **lists, **texts)


def _figure(text: str) -> Figure:
    label, _, place = text.partition(": ")
    path, _, pointer = place.partition("#")
    return Figure(label, path, pointer)


def _contradictions(documents: Sequence[Document], manifests: Sequence[Manifest]) -> Iterator[Problem]:
    outlines = {document.name: expanded(document.data["outline"]) for document in documents}
    for manifest in manifests:
        yield from _outline_problems(manifest, outlines[manifest.path])
        for clause in manifest.clauses:
            yield from _row_problems(clause, manifest.columns)


def _outline_problems(manifest: Manifest, outline: Sequence[str]) -> Iterator[Problem]:
    rows = [clause.number for clause in manifest.clauses]
    repair = "write the row, or take it from version control; the outline changes only with the standard"
    for number in outline:
        if rows.count(number) != 1:
            found = f"{rows.count(number)} rows for this clause"
            yield content(manifest.path, f"{manifest.cites} {number}", found, "one row for each clause of the outline", repair)
    for clause in manifest.clauses:
        if clause.number not in outline:
            where, name = clause.where, clause.name
            yield content(where, name, "a row that the outline does not have", "a clause of the outline", "correct the number")


def _row_problems(clause: Clause, columns: Sequence[str]) -> Iterator[Problem]:
    evidence = bool(clause.shown or clause.files or clause.figures or clause.items)
    where, name = clause.where, clause.name
    if bool(clause.not_applicable) == bool(evidence or clause.gaps):
        found = (
            "a reason for not applying beside evidence or gaps"
            if evidence or clause.gaps
            else "neither evidence, nor a gap, nor a reason"
        )
        expected = "what shows it and what is missing, or why it asks nothing of this device"
        yield content(where, name, found, expected, "say one of the two")
    if bool(clause.not_applicable) != bool(clause.permitted):
        found = "a reason for not applying that names no permission" if clause.not_applicable else "a permission without a reason"
        yield content(where, name, found, "`not_applicable` together with `permitted`", "say which words of the clause permit it")
    for column in columns:
        if not clause.not_applicable and not getattr(clause, column):
            yield content(where, name, f"no {column}", f"{column} of each clause that applies", f"fill in `{column}`")
    for path in clause.paths():
        if not any(path == known or path.startswith(f"{known}/") for known in INPUTS):
            expected = "a file that the build watches (INPUTS of pipeline/dossier/stamp.py)"
            yield content(where, name, f"the file {path}", expected, "name another file, or add it to INPUTS")


def content(where: str, name: str, found: str, expected: str, repair: str) -> Problem:
    """Return a problem of a clause."""
    return Problem(where=where, code="FILE-CONTENT", item=name, found=found, expected=expected, repair=repair, clause=RULE)
