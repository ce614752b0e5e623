"""The evidence of a verification run: what was judged, by which identity, and what came of each scenario; written once, read back with suspicion.

The verdict file is believed only where its identity is that of what lies here, and where counting the raw JUnit record again gives the same verdicts.
It holds no time; the raw record beside it does, and is never compared byte by byte.

Source: IEC 62304 5.7.5.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from verification.trace.codes import problem
from verification.trace.identity import Identity, difference
from verification.trace.junit import read_junit
from verification.trace.outcomes import VERDICT_ORDER, Outcome, RecordError, Result, Verdict, judge
from verification.trace.strict_json import loads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from requirements_spec.problem import Problem
    from verification.trace.features import Scenario

SCHEMA = "thoratrace/verdicts/1"
VERDICTS = "artifacts/verification/verdicts.json"
JUNIT = "artifacts/verification/junit.xml"
NAMED_DIFFERENCES = 8
"""How many differences of an identity a message names before it counts the rest."""


@dataclass(frozen=True)
class Record:
    """A verification run, as verdicts.json holds it.

    Attributes:
        identity: of the slice ``verification`` when the run started and ended.
        exit_code: of the test runner.
        verdicts: one for each scenario row owed and each result that belongs to none, sorted.
        texts: fingerprints of the scenarios and items as they were then, so that a bridge can be held against them; empty in older files.
    """

    identity: Identity
    exit_code: int
    verdicts: tuple[Verdict, ...]
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Say whether the run is clean: an identity, exit code 0, at least one verdict, and each a pass."""
        clean = all(verdict.outcome is Outcome.PASSED for verdict in self.verdicts)
        return self.identity.sha256 is not None and self.exit_code == 0 and clean and bool(self.verdicts)

    def counts(self) -> dict[str, int]:
        """Return how many scenario rows had each outcome, sorted by outcome."""
        return dict(sorted(Counter(str(verdict.outcome) for verdict in self.verdicts).items()))

    def to_json(self) -> dict[str, Any]:
        """Return the record as sorted plain data."""
        return {
            "schema": SCHEMA,
            "identity": self.identity.to_json(),
            "exit_code": self.exit_code,
            "counts": self.counts(),
            "verdicts": [verdict.to_json() for verdict in sorted(self.verdicts, key=VERDICT_ORDER)],
            "texts": dict(sorted(self.texts.items())),
        }


def write_json(path: Path, value: object) -> None:
    """Write sorted JSON whole or not at all: a reader never meets half a file; a byte of a file's name that is no UTF-8 is escaped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.part")
    draft.write_bytes(f"{json_text(value)}\n".encode("utf-8", "backslashreplace"))
    draft.replace(path)


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False)
_OPEN_LEVELS = 2
"""How deep a file is laid out in lines; what is deeper stands on one line, as one entry of a list of ten thousand should."""


def json_text(value: object, level: int = 0) -> str:
    r"""Return sorted JSON with a line for each entry of the two outermost levels: readable, and many times faster to write than full indentation.

    >>> json_text({"b": [{"d": 1, "c": 2}], "a": 1})
    '{\n"a": 1,\n"b": [\n{"c": 2, "d": 1}\n]\n}'
    """
    if isinstance(value, dict) and value and level < _OPEN_LEVELS:
        lines = (f"{_ENCODER.encode(key)}: {json_text(value[key], level + 1)}" for key in sorted(value))
        return "{\n" + ",\n".join(lines) + "\n}"
    if isinstance(value, list) and value and level < _OPEN_LEVELS:
        return "[\n" + ",\n".join(json_text(each, level + 1) for each in value) + "\n]"
    return _ENCODER.encode(value)


def read_record(root: Path) -> Record:
    """Return the record of the last verification run.

    Raises:
        FileNotFoundError: there is none.
        RecordError: it is not the file that a verification run writes.
    """
    try:
        return _record(loads((root / VERDICTS).read_bytes()))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise RecordError(f"{VERDICTS} is unreadable ({type(err).__name__}: {str(err)[:160]})") from err


def _record(data: dict[str, Any]) -> Record:
    if data["schema"] != SCHEMA:
        raise ValueError(f"schema {data['schema']!r} instead of {SCHEMA!r}")
    verdicts = tuple(Verdict.from_json(entry) for entry in data["verdicts"])
    texts = {str(name): str(value) for name, value in dict(data.get("texts", {})).items()}
    record = Record(Identity.from_json(data["identity"]), int(data["exit_code"]), verdicts, texts)
    if data["counts"] != record.counts():
        raise ValueError("the counts are not those of the verdicts listed")
    return record


@dataclass(frozen=True)
class Evidence:
    """What lies under artifacts/verification, as read and not yet believed.

    Attributes:
        record: the verdict file; None where it cannot be read.
        results: the raw record's cases.
        unreadable: why there is no record; empty where there is one.
    """

    record: Record | None
    results: tuple[Result, ...] = ()
    unreadable: tuple[Problem, ...] = ()


def read_evidence(root: Path) -> Evidence:
    """Read verdict file and raw record; one without the other is no evidence."""
    try:
        return Evidence(read_record(root), read_junit(root / JUNIT))
    except FileNotFoundError:
        missing = problem("TRC-EVIDENCE-MISSING", VERDICTS, "verification", found="no verdict file")
        return Evidence(None, unreadable=(missing,))
    except RecordError as err:
        unreadable = problem("TRC-EVIDENCE-UNREADABLE", VERDICTS, "verification", found=str(err))
        return Evidence(None, unreadable=(unreadable,))


def examine(evidence: Evidence, scenarios: tuple[Scenario, ...], current: Identity) -> tuple[Problem, ...]:
    """Return everything that keeps the last run from being evidence for what lies here."""
    if evidence.record is None:
        return evidence.unreadable
    stale = tuple(_stale(evidence.record, current))
    edited = () if stale else altered(evidence.record, judge(scenarios, evidence.results))
    return (*stale, *edited, *_bad_end(evidence.record))


def _stale(record: Record, current: Identity) -> Iterator[Problem]:
    """Name what differs between what was judged and what lies here; evidence without an identity is foreign to everything."""
    if current.sha256 is None:
        return
    named = difference(record.identity, current)
    if named:
        shown = "; ".join(named[:NAMED_DIFFERENCES])
        rest = f"; and {len(named) - NAMED_DIFFERENCES} more" if len(named) > NAMED_DIFFERENCES else ""
        yield problem("TRC-EVIDENCE-STALE", VERDICTS, "verification", found=f"{shown}{rest}")


def altered(record: Record, recount: tuple[Verdict, ...], only: frozenset[str] | None = None) -> Iterator[Problem]:
    """Compare with the raw record counted again, all of it or ``only`` some scenarios; meaningful while their texts are those of the run."""
    stated = {verdict.key: verdict for verdict in record.verdicts}
    counted = {verdict.key: verdict for verdict in recount}
    for key in sorted(stated.keys() | counted.keys()):
        if only is not None and f"TC:{key[0]}::{key[1]}" not in only:
            continue
        one, two = stated.get(key), counted.get(key)
        if one != two or one is None or two is None:
            found = f"verdicts.json: {_said(one)}; junit.xml: {_said(two)}"
            yield problem("TRC-EVIDENCE-ALTERED", VERDICTS, case_id(*key), found=found)


def _said(verdict: Verdict | None) -> str:
    return "nothing" if verdict is None else f"{verdict.outcome} for {', '.join(verdict.tags) or 'no id'}"


def _bad_end(record: Record) -> Iterator[Problem]:
    clean = all(verdict.outcome is Outcome.PASSED for verdict in record.verdicts)
    if clean and record.exit_code != 0:
        yield problem("TRC-EVIDENCE-EXIT", VERDICTS, "verification", found=f"exit code {record.exit_code}")


def case_id(feature: str, scenario: str, row: str) -> str:
    """Return the id of a test case.

    >>> case_id("admission.feature", "A lateral film", "view=LATERAL")
    'TC:admission.feature::A lateral film [view=LATERAL]'
    """
    return f"TC:{feature}::{scenario}" + (f" [{row}]" if row else "")
