"""The test records of the run: one for each verdict, complete, and of exactly this run.

Asked from release level on: a development build stands on its verdicts; what leaves the house needs the whole record of each test (IEC 62304 5.7.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.codes import problem
from verification.trace.evidence import JUNIT, case_id
from verification.trace.junit import parse_run
from verification.trace.outcomes import RecordError
from verification.trace.records import RECORDS, incomplete, incomplete_run, is_of_this_run, make_records, parse_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from requirements_spec.problem import Problem
    from verification.trace.case import Case
    from verification.trace.outcomes import Verdict
    from verification.trace.records import RecordBook, TestRecord


def every_verdict_has_a_record(case: Case) -> Iterator[Problem]:
    """Yield what keeps the records from being those of the accepted run, then verdicts without one, then records that lack something."""
    files, record = case.inputs.record_files, case.inputs.evidence.record
    if record is None or not case.accepted:
        return
    try:
        book = parse_records(files)
        recount = make_records(record, case.inputs.scenarios, parse_run(JUNIT, files.junit or b""))
    except RecordError as err:
        yield problem("TRC-RECORD-MISSING", RECORDS, "verification", found=str(err))
        return
    if not is_of_this_run(book, files) or book.run.identity != record.identity.sha256:
        found = f"records of the raw record {book.junit_sha256[:12]} and identity {str(book.run.identity)[:12]}"
        yield problem("TRC-RECORD-FOREIGN", RECORDS, "verification", found=found)
        return
    yield from _compared(case, book, recount)


def _compared(case: Case, book: RecordBook, recount: Mapping[str, TestRecord]) -> Iterator[Problem]:
    for lack in incomplete_run(book.run):
        yield problem("TRC-RECORD-INCOMPLETE", RECORDS, "verification", found=lack)
    for name, verdicts in sorted(case.graph.verdicts.items()):
        where = case.graph.nodes[name].where if name in case.graph.nodes else RECORDS
        for verdict in verdicts:
            yield from _judged(where, verdict, book.records, recount)


def _judged(
    where: str, verdict: Verdict, found: Mapping[str, TestRecord], recount: Mapping[str, TestRecord]
) -> Iterator[Problem]:
    item = case_id(*verdict.key)
    record = found.get(item)
    if record is None:
        yield problem("TRC-RECORD-MISSING", where, item, found="no record of this test case")
        return
    if record != recount.get(item):
        yield problem("TRC-RECORD-FOREIGN", where, item, found="not what the raw record and the feature file say")
    for lack in incomplete(record):
        yield problem("TRC-RECORD-INCOMPLETE", where, item, found=lack)
