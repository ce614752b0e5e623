"""The records of a run as pages, one for each feature file: what IEC 62304 5.7.5 asks for, one click behind the matrix.

Dates stand here and not in the matrix, so that equal graphs keep giving equal bytes. Only the record of an accepted run is shown; what is not accepted
is not displayed, and the page says so.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from verification.trace.matrix_rows import anchor
from verification.trace.outcomes import RecordError
from verification.trace.records import RecordBook, is_of_this_run, parse_records, read_record_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from jinja2 import Environment

    from verification.trace.matrix_rows import Case, Matrix
    from verification.trace.records import TestRecord

FOLDER = "records"
"""Beside the matrix."""

NOT_ACCEPTED = "the run is not accepted as evidence for what lies here; ./qms check names the reason"
OTHER_RUN = "records.json was not made from the raw record that lies beside it"


@dataclass(frozen=True)
class Shown:
    """One record as the page shows it: its anchor, its row, and its content."""

    anchor: str
    row: str
    record: TestRecord

    def __getattr__(self, name: str) -> Any:
        """Return what the record says."""
        return getattr(self.record, name)


def read_book(root: Path, *, accepted: bool) -> tuple[RecordBook | None, str]:
    """Return the records of an accepted run, or None and the reason why none is shown."""
    if not accepted:
        return None, NOT_ACCEPTED
    files = read_record_files(root)
    try:
        book = parse_records(files)
    except RecordError as err:
        return None, str(err)
    return (book, "") if is_of_this_run(book, files) else (None, OTHER_RUN)


def pages(matrix: Matrix, book: RecordBook | None, reason: str, environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield name and text of each page, one for each feature file, in order."""
    template = environment.get_template("record.html.j2")
    records = _by_case(book)
    features: dict[str, list[Case]] = defaultdict(list)
    for case in matrix.scenarios:
        features[feature_of(case)].append(case)
    for feature, cases in sorted(features.items()):
        listed = [(case, records.get(case.id, ())) for case in cases]
        held = {
            "feature": feature,
            "run": book.run if book else None,
            "reason": reason,
            "cases": listed,
            "anchors": matrix.anchors,
        }
        yield page_name(feature), template.render(held) + "\n"


def _by_case(book: RecordBook | None) -> Mapping[str, list[Shown]]:
    """Return the records of each scenario, its rows in order; a record's id is the scenario's with the row in brackets."""
    table: dict[str, list[Shown]] = defaultdict(list)
    for name, record in (book.records if book else {}).items():
        case, _, row = name.removesuffix("]").partition(" [") if name.endswith("]") else (name, "", "")
        table[case].append(Shown(anchor(name) if row else f"{anchor(name)}-record", row, record))
    return table


def feature_of(case: Case) -> str:
    """Return the feature file of a scenario, relative to the folder of features."""
    return case.id.removeprefix("TC:").partition("::")[0]


@cache
def page_name(feature: str) -> str:
    """Return the file name of a feature's page: readable, safe in every file system, and of no other feature.

    >>> page_name("admission.feature"), page_name("a b/../x.feature")
    ('admission-0ca4e344.html', 'a-b-x-053c2dcf.html')
    """
    stem = re.sub(r"[^a-z0-9]+", "-", feature.removesuffix(".feature").lower()).strip("-")[:60]
    return f"{stem}-{hashlib.sha256(feature.encode()).hexdigest()[:8]}.html"
