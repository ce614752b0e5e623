"""The trace matrix in four formats, and the records behind it: one page, CSV, an Excel workbook, JSON, and a page of records for each feature file.

The page needs nothing but itself and the records beside it: styles and the script for its filters are inline, every text is escaped by the template
engine, and no time is in it, so equal graphs give equal bytes. It shows what the gate accepted and says what it does not show. All files of a call are
written, or none.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from verification.trace import record_pages
from verification.trace.baseline import read_ledger
from verification.trace.codes import CODES
from verification.trace.graph import Kind, Status
from verification.trace.matrix_rows import Case, Marks, Matrix, rows
from verification.trace.outcomes import MEANING
from verification.trace.tables import tables, to_csv, to_json, to_xlsx

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from verification.trace.gate import GateResult

FOLDER = "artifacts/trace"
MATRIX = f"{FOLDER}/matrix.html"
FORMATS = ("html", "csv", "xlsx", "json")
TECHNICAL_FILE = "../technical_file/html"
"""Where the technical file lies, seen from the matrix."""

NOT_SHOWN = (
    "Unit, property and architecture tests. They are extra and count for no requirement.",
    "Signatures and reviews. Level development asks for change entries only; release and submission name what is missing.",
    "Performance in patients. Validation endpoints on phantom films are phantom results.",
    "Anything that was not accepted as evidence: results of another state of the sources are refused, not displayed.",
)
"""What a reader might look for here in vain, said before the tables."""


class UnknownFormatError(ValueError):
    """A format that the matrix is not written in."""


def write(root: Path, result: GateResult) -> Path:
    """Write the matrix of a gate's result in every format under artifacts/trace, and return the page's path."""
    return write_formats(root, result)["html"]


def write_formats(root: Path, result: GateResult, formats: Iterable[str] = FORMATS) -> dict[str, Path]:
    """Write the matrix in these formats, all of them or none, and return the path of each; with the page come the records.

    Raises:
        UnknownFormatError: a format that there is none of.
    """
    wanted = tuple(dict.fromkeys(formats))
    if unknown := [name for name in wanted if name not in FORMATS]:
        raise UnknownFormatError(f"found {', '.join(unknown)}, expected one or more of {', '.join(FORMATS)}")
    matrix = rows(result, read_ledger(root)[0].entries)
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"matrix.{name}" for name in wanted}
    contents = dict(_contents(matrix, wanted))
    records = dict(_record_pages(root, matrix)) if "html" in wanted else None
    _replace(folder, {paths[name]: content for name, content in contents.items()}, records)
    return paths


def _contents(matrix: Matrix, formats: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    found = tables(matrix) if {"csv", "xlsx", "json"} & set(formats) else ()
    for name in formats:
        match name:
            case "html":
                yield name, page(matrix).encode()
            case "csv":
                yield name, to_csv(found)
            case "xlsx":
                yield name, to_xlsx(matrix, found)
            case _:
                yield name, to_json(matrix, found)


def _record_pages(root: Path, matrix: Matrix) -> Iterator[tuple[str, bytes]]:
    book, reason = record_pages.read_book(root, accepted=matrix.result.accepted)
    for name, text in record_pages.pages(matrix, book, reason, _environment()):
        yield name, text.encode()


def _replace(folder: Path, contents: dict[Path, bytes], records: dict[str, bytes] | None) -> None:
    """Write drafts of everything, then put each in its place; until the last draft is whole nothing that lies there changes."""
    drafts = {path: path.with_name(f"{path.name}.part") for path in contents}
    new, old = folder / f"{record_pages.FOLDER}.part", folder / record_pages.FOLDER
    try:
        for path, draft in drafts.items():
            draft.write_bytes(contents[path])
        if records is not None:
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            for name, content in records.items():
                (new / name).write_bytes(content)
    except OSError:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
        shutil.rmtree(new, ignore_errors=True)
        raise
    if records is not None:
        shutil.rmtree(old, ignore_errors=True)
        new.replace(old)
    for path, draft in drafts.items():
        draft.replace(path)


def render(result: GateResult) -> str:
    """Return the page; the same result always gives the same text."""
    return page(rows(result))


def page(matrix: Matrix) -> str:
    """Return the page of a matrix that was computed already."""
    return _environment().get_template("matrix.html.j2").render(view(matrix)) + "\n"


def _environment() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def view(matrix: Matrix) -> dict[str, Any]:
    """Return everything the page prints, in its order."""
    result, graph = matrix.result, matrix.result.graph
    statuses = Counter(graph.status(node.id) for node in graph.of(Kind.REQUIREMENT))
    return {
        "result": result,
        "by_code": sorted(Counter(problem.code for problem in result.problems).items()),
        "requirement_counts": [(str(status), statuses[status]) for status in Status],
        "outcomes": sorted(Counter(str(each.outcome) for found in graph.verdicts.values() for each in found).items()),
        "fault_counts": sorted(Counter(row.shown for row in matrix.faults).items()),
        "meaning": {str(outcome): text for outcome, text in MEANING.items()},
        "not_shown": NOT_SHOWN,
        "filters": _filters(matrix),
        "needs": matrix.needs,
        "hazards": matrix.hazards,
        "controls": matrix.controls,
        "scenarios": matrix.scenarios,
        "defects": matrix.faults,
        "anomalies": matrix.anomalies,
        "items": matrix.items,
        "endpoints": matrix.endpoints,
        "ledger": matrix.ledger,
        "anchors": matrix.anchors,
        "codes": CODES,
        "technical_file": TECHNICAL_FILE,
        "expectation": expectation,
        "feature_link": feature_link,
        "record_link": record_link,
    }


def _filters(matrix: Matrix) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return each filter with its label and the values that occur: (value, text)."""
    marks = tuple(_marks(matrix))
    kinds = sorted(
        {mark.kind for mark in marks}
        | ({"problem"} if matrix.result.problems else set())
        | ({"obligation"} if matrix.ledger else set())
    )
    needs = [(band.node.id, f"{band.node.id} {band.node.title}") for band in matrix.needs if band.node.id in matrix.anchors]
    return [
        ("kind", "Kind", _plain(kinds)),
        ("status", "Status", _plain(sorted({mark.status for mark in marks if mark.status}))),
        ("need", "Need", needs),
        ("control", "Control kind", _plain(sorted({each for mark in marks for each in mark.controls}))),
        ("outcome", "Outcome", _plain(sorted({each for mark in marks for each in mark.outcomes}))),
        ("risk", "Risk level", _plain(sorted({each for mark in marks for each in mark.risks}))),
    ]


def _plain(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]


def _marks(matrix: Matrix) -> Iterator[Marks]:
    yield from (row.marks for band in matrix.needs for row in band.rows)
    yield from (row.marks for band in matrix.hazards for row in band.rows)
    for found in (matrix.controls, matrix.scenarios, matrix.faults, matrix.anomalies, matrix.items, matrix.endpoints):
        yield from (row.marks for row in found)


def expectation(said: str) -> str:
    """Return what a failed expectation asked for, without what was observed, which holds folders, drawn identifiers and times of one run.

    The record of the seeded defects keeps all of it; the page has to be the same bytes wherever the build is made again.

    >>> expectation("AssertionError: expected 1, observed 0: a folder"), expectation("AssertionError: observed 3")
    ('AssertionError: expected 1', '')
    """
    before, marker, _ = said.partition("observed ")
    return before.removesuffix(": ").removesuffix(", ").removesuffix("AssertionError") if marker else said


def feature_link(case: Case) -> str:
    """Return the way from the page to a scenario's feature file."""
    return quote(os.path.relpath(case.place.rsplit(":", maxsplit=1)[0], FOLDER))


def record_link(case: Case) -> str:
    """Return the way from the page to a scenario's record."""
    return f"{record_pages.FOLDER}/{record_pages.page_name(record_pages.feature_of(case))}#{case.anchor}"
