"""The test records of a verification run, one for each scenario row: what was to be done, what was expected, what was seen, on what, with what, by whom, when.

Made from the raw JUnit record, which alone says what happened, and from the feature files, which alone say what was to happen; bound to the raw record
by its SHA-256 and to the sources by the run's identity. The date is the run's own and stands only here and in the raw record, never in a verdict.

Source: IEC 62304 5.7.5 (a: result and anomalies; b: version tested, configuration, tools, date, person).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from requirements_spec.lock import pins
from verification.trace.evidence import JUNIT, case_id, write_json
from verification.trace.junit import RawRun, parse_run
from verification.trace.outcomes import RecordError, place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from verification.trace.evidence import Record
    from verification.trace.features import Row, Scenario, Step
    from verification.trace.outcomes import Key, Result

SCHEMA = "thoratrace/test-records/1"
RECORDS = "artifacts/verification/records.json"
DEVICE_LOCK = "device.lock"
VERSION = "device_sw/_version.py"
TOOLS = ("pytest", "pytest-bdd", "pytest-xdist", "pytest-rerunfailures", "gherkin-official")
"""What runs the scenarios and reads them, besides this project."""


@dataclass(frozen=True, slots=True)
class Run:
    """What all records of a run share.

    Attributes:
        identity: of what was tested; None where it changed during the run.
        software: version of the device software, as its source states it.
        model: version and hashes of weights and bundle.
        python, platform: what it ran on.
        packages: version of each distribution of device.lock as installed; empty text where it is not installed here.
        tools: version of each tool.
        tester: who started the run.
        started: UTC, ISO 8601; empty where the raw record states none.
        exit_code: of the test runner.
    """

    identity: str | None
    software: str
    model: Mapping[str, str]
    python: str
    platform: str
    packages: Mapping[str, str]
    tools: Mapping[str, str]
    tester: str
    started: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class TestRecord:
    """One scenario row.

    Attributes:
        case: id of the test case with its row.
        verifies: ids the executed test carried.
        procedure: every step as written, with the row's values.
        expected: of these, the steps that say what must be seen.
        outcome: see ``outcomes.MEANING``.
        reason: first line of what the runner said; empty for a pass.
        observed: each step as it ran, its outcome first; steps that were not reached are not in it.
    """

    case: str
    verifies: tuple[str, ...]
    procedure: tuple[str, ...]
    expected: tuple[str, ...]
    outcome: str
    reason: str
    observed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordBook:
    """All records of one run, by case id, bound to the raw record by its SHA-256."""

    junit_sha256: str
    run: Run
    records: Mapping[str, TestRecord] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordFiles:
    """Bytes of records.json and of the raw record as they lie there, not yet read; None where there is none."""

    records: bytes | None = None
    junit: bytes | None = None


NO_FILES = RecordFiles()
"""What there is before any run."""


def read_record_files(root: Path) -> RecordFiles:
    """Return the bytes of both files."""
    return RecordFiles(_bytes(root / RECORDS), _bytes(root / JUNIT))


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def write_records(root: Path, record: Record, scenarios: tuple[Scenario, ...]) -> RecordBook:
    """Write records.json beside the raw record that lies there, whole or not at all, and return it.

    Raises:
        RecordError: the raw record cannot be read.
    """
    content = _bytes(root / JUNIT)
    if content is None:
        raise RecordError(f"{JUNIT} is unreadable")
    raw = parse_run(JUNIT, content)
    book = RecordBook(_sha256(content), _run(root, record, raw), make_records(record, scenarios, raw))
    entries = {name: asdict(each) for name, each in book.records.items()}
    write_json(root / RECORDS, {"schema": SCHEMA, "junit_sha256": book.junit_sha256, "run": asdict(book.run), "records": entries})
    return book


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_records(record: Record, scenarios: tuple[Scenario, ...], raw: RawRun) -> dict[str, TestRecord]:
    """Return one record for each verdict: what the feature files ask, what the raw record says."""
    features = {scenario.feature for scenario in scenarios}
    by_key: dict[Key, Result] = {}
    for result in raw.results:
        by_key.setdefault(place(result, features), result)
    written = {(*_key(scenario), row.text if row else ""): (scenario, row) for scenario in scenarios for row in _rows(scenario)}
    return {
        case_id(*verdict.key): TestRecord(
            case=case_id(*verdict.key),
            verifies=verdict.tags,
            procedure=procedure(*written[verdict.key]) if verdict.key in written else (),
            expected=expected(*written[verdict.key]) if verdict.key in written else (),
            outcome=str(verdict.outcome),
            reason=verdict.reason,
            observed=by_key[verdict.key].steps if verdict.key in by_key else (),
        )
        for verdict in record.verdicts
    }


def _key(scenario: Scenario) -> tuple[str, str]:
    return (scenario.feature, scenario.name)


def _rows(scenario: Scenario) -> tuple[Row | None, ...]:
    return scenario.rows or (None,)


def procedure(scenario: Scenario, row: Row | None) -> tuple[str, ...]:
    """Return every step with its keyword as written, the row's values filled in."""
    return tuple(_step(step, row) for step in scenario.steps)


def expected(scenario: Scenario, row: Row | None) -> tuple[str, ...]:
    """Return the steps that say what must be seen."""
    return tuple(_step(step, row) for step in scenario.steps if step.kind == "Outcome")


def _step(step: Step, row: Row | None) -> str:
    argument = f"\n{filled(step.argument, row)}" if step.argument else ""
    return f"{step.keyword} {filled(step.text, row)}{argument}"


def filled(text: str, row: Row | None) -> str:
    """Return the text with each ``<column>`` replaced by the row's cell; a column the row does not have stays as it is.

    >>> from verification.trace.features import Row
    >>> filled("the view is <view>, not <other>", Row("view=PA", 7, (("view", "PA"),)))
    'the view is PA, not <other>'
    """
    cells = dict(row.cells) if row else {}
    return re.sub(r"<(.+?)>", lambda found: cells.get(found[1], found[0]), text)


def _run(root: Path, record: Record, raw: RawRun) -> Run:
    try:
        environment = dict(json.loads(raw.facts.get("environment", "{}")))
    except (ValueError, TypeError, RecursionError):
        environment = {}
    installed = {str(name): str(version) for name, version in dict(environment.get("packages", {})).items()}
    return Run(
        identity=record.identity.sha256,
        software=_software(root),
        model={str(name): str(value) for name, value in dict(record.identity.lineage.get("model", {})).items()},
        python=str(environment.get("python", "")),
        platform=str(environment.get("platform", "")),
        packages={name: installed.get(name, "") for name in _locked(root)},
        tools={name: installed.get(name, "") for name in TOOLS},
        tester=raw.facts.get("tester", ""),
        started=_utc(raw.started),
        exit_code=record.exit_code,
    )


def _software(root: Path) -> str:
    try:
        text = (root / VERSION).read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    return found[1] if found else ""


def _locked(root: Path) -> tuple[str, ...]:
    """Return the names that device.lock pins, sorted; none where there is no lock."""
    try:
        return tuple(sorted(pins((root / DEVICE_LOCK).read_text(encoding="utf-8"))))
    except OSError:
        return ()


def _utc(text: str) -> str:
    """Return a time with offset as UTC to the second; empty where it is none.

    >>> _utc("2026-11-21T12:02:57.088038+01:00")
    '2026-11-21T11:02:57Z'
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment.tzinfo else ""


def records(root: Path) -> Mapping[str, TestRecord]:
    """Return the records of the run that lies here, by case id; none where they are not of exactly this raw record.

    For readers that show; the gate says why there are none (``checks.records``).
    """
    files = read_record_files(root)
    try:
        book = parse_records(files)
    except RecordError:
        return {}
    return book.records if is_of_this_run(book, files) else {}


def is_of_this_run(book: RecordBook, files: RecordFiles) -> bool:
    """Say whether the book was made from exactly the raw record that lies beside it."""
    return files.junit is not None and book.junit_sha256 == _sha256(files.junit)


def parse_records(files: RecordFiles) -> RecordBook:
    """Return records.json as it was written.

    Raises:
        RecordError: there is none, or it is not the file that a verification run writes.
    """
    if files.records is None:
        raise RecordError(f"no {RECORDS}")
    try:
        return _book(json.loads(files.records))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        raise RecordError(f"{RECORDS} is unreadable ({type(err).__name__}: {err})") from err


def _book(data: Mapping[str, Any]) -> RecordBook:
    if data["schema"] != SCHEMA:
        raise ValueError(f"schema {data['schema']!r} instead of {SCHEMA!r}")
    entries = {str(name): TestRecord(**_tuples(entry)) for name, entry in data["records"].items()}
    return RecordBook(str(data["junit_sha256"]), Run(**data["run"]), entries)


def _tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}


def incomplete(record: TestRecord) -> Iterator[str]:
    """Yield what a record lacks of IEC 62304 5.7.5, in words.

    A pass shows every step of the procedure, in its order, as passed; that an executed step is another one than the written one would show here.
    """
    if not record.procedure:
        yield "no procedure"
    if not record.expected:
        yield "nothing expected"
    if record.outcome != "passed" and not record.reason:
        yield f"{record.outcome}, and no reason"
    if record.outcome == "passed":
        first_lines = [f"passed: {step.splitlines()[0]}" for step in record.procedure]
        if list(record.observed) != first_lines:
            yield f"a pass with {len(record.observed)} steps observed, {len(first_lines)} written, or in other words"


def incomplete_run(run: Run) -> Iterator[str]:
    """Yield what the shared part lacks: version tested, configuration, tools, tester, date."""
    for name in ("identity", "software", "model", "python", "platform", "tester", "started"):
        if not getattr(run, name):
            yield f"no {name}"
    yield from (f"no version of {name}" for name in ("pytest", "pytest-bdd") if not run.tools.get(name))
