"""JUnit XML to outcomes, each with one fixed meaning. Only ``passed`` counts as evidence; everything else has a name of its own and does not.

Source: IEC 62304 5.7.2 and 5.7.5 a) (pass or fail of each test, and the anomalies found).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from verification.trace.features import Scenario

Key = tuple[str, str, str]
"""Feature file, scenario, row."""


class Outcome(StrEnum):
    """What became of one scenario or outline row."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"
    DUPLICATE = "duplicate"
    MISSING = "missing"
    UNBOUND = "unbound"
    EMPTY_OUTLINE = "empty outline"
    FOREIGN = "foreign"


MEANING: dict[Outcome, str] = {
    Outcome.PASSED: "ran once, every step held, set-up and tear-down included",
    Outcome.FAILED: "a step did not hold",
    Outcome.ERROR: "set-up, tear-down, collection or the worker broke",
    Outcome.SKIPPED: "was not executed",
    Outcome.XFAILED: "was expected to fail and did",
    Outcome.XPASSED: "was expected to fail and passed, so the expectation is wrong",
    Outcome.DUPLICATE: "has more than one result, so none is its result",
    Outcome.MISSING: "is a row without a result, though other rows of its scenario have one",
    Outcome.UNBOUND: "is in a feature file, and no test executed it",
    Outcome.EMPTY_OUTLINE: "is an outline without examples, so nothing was tried",
    Outcome.FOREIGN: "is a result of something no feature file holds",
}
"""The fixed meaning of every outcome, for people."""

_WORST = (Outcome.ERROR, Outcome.FAILED, Outcome.XPASSED, Outcome.XFAILED, Outcome.SKIPPED)
"""Of several results with one key, the first of these names what happened; without one of them it is a duplicate."""


@dataclass(frozen=True, slots=True)
class Result:
    """One test case of the JUnit record."""

    key: Key
    node: str
    verifies: tuple[str, ...]
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True, order=True)
class Verdict:
    """What the run says about one scenario or row; sorted by feature, scenario, row.

    Attributes:
        feature: path relative to ``verification/features``.
        scenario: name.
        row: stable text of the example, or empty.
        tags: ids the executed test carried.
        outcome: see ``MEANING``.
        reason: first line of what the runner said; empty for a pass.
    """

    feature: str
    scenario: str
    row: str
    tags: tuple[str, ...]
    outcome: Outcome
    reason: str

    @property
    def key(self) -> Key:
        """Return (feature, scenario, row)."""
        return (self.feature, self.scenario, self.row)

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        return {
            "feature": self.feature,
            "scenario": self.scenario,
            "row": self.row,
            "tags": list(self.tags),
            "outcome": str(self.outcome),
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        """Return the verdict a file recorded.

        Raises:
            KeyError, ValueError: a key is missing, or the outcome is none of the known ones.
        """
        texts = (str(data["feature"]), str(data["scenario"]), str(data["row"]))
        return cls(*texts, tuple(map(str, data["tags"])), Outcome(data["outcome"]), str(data["reason"]))


class RecordError(Exception):
    """The JUnit record cannot be read; the message says why."""


def read_junit(path: Path) -> tuple[Result, ...]:
    """Return every test case of a JUnit XML file, in its order.

    Raises:
        RecordError: no such file, not XML, a document type in it, or no test suite.
    """
    try:
        content = path.read_bytes()
        if b"<!DOCTYPE" in content:
            raise RecordError(f"{path.name} declares a document type, which pytest never writes")
        suites = ET.fromstring(content)  # noqa: S314  no document type, so no entity to expand
    except (OSError, ET.ParseError) as err:
        raise RecordError(f"{path.name} is unreadable ({type(err).__name__})") from err
    if suites.tag not in {"testsuites", "testsuite"}:
        raise RecordError(f"{path.name} holds <{suites.tag}>, not test suites")
    return tuple(_result(case) for case in suites.iter("testcase"))


def _result(case: ET.Element) -> Result:
    properties = [(p.get("name", ""), p.get("value", "")) for p in case.iter("property")]
    values = dict(properties)
    outcome, reason = _outcome(case, expected_failure="xfail" in values)
    return Result(
        key=(_below_features(values.get("feature", "")), values.get("scenario", ""), values.get("row", "")),
        node=f"{case.get('classname', '')}::{case.get('name', '')}",
        verifies=tuple(sorted({value for name, value in properties if name == "verifies"})),
        outcome=outcome,
        reason=reason,
    )


def _below_features(name: str) -> str:
    """Return a feature file's path below ``verification/features``; pytest-bdd names it with the folder it lies in.

    >>> _below_features("features/polarity.feature"), _below_features("polarity.feature")
    ('polarity.feature', 'polarity.feature')
    """
    return name.removeprefix("features/")


def _outcome(case: ET.Element, *, expected_failure: bool) -> tuple[Outcome, str]:
    """Return the outcome of a test case; an unknown child of it is an error, never a pass."""
    children = {child.tag: child for child in case if child.tag not in {"properties", "system-out", "system-err"}}
    for tag, outcome in (("error", Outcome.ERROR), ("failure", Outcome.FAILED), ("skipped", Outcome.SKIPPED)):
        if tag in children:
            return _refined(outcome, children[tag]), _first_line(children[tag])
    if children:
        return Outcome.ERROR, f"unknown element <{min(children)}> in the record"
    return (Outcome.XPASSED, "expected to fail, passed") if expected_failure else (Outcome.PASSED, "")


def _refined(outcome: Outcome, element: ET.Element) -> Outcome:
    """Tell expected failures from failures and skips; pytest marks them by type and by text."""
    text = f"{element.get('message', '')} {element.text or ''}"
    if "[XPASS(strict)]" in text or "xfail-marked test passes unexpectedly" in text:
        return Outcome.XPASSED
    return Outcome.XFAILED if element.get("type") == "pytest.xfail" else outcome


def _first_line(element: ET.Element) -> str:
    lines = (element.get("message") or element.text or "").strip().splitlines()
    return lines[0][:300] if lines else "no message"


def judge(scenarios: Iterable[Scenario], results: Iterable[Result]) -> tuple[Verdict, ...]:
    """Hold the results against the scenarios owed: one verdict for each row owed and each result that belongs to none, sorted."""
    by_key: dict[Key, list[Result]] = defaultdict(list)
    for result in results:
        by_key[result.key if any(result.key) else ("", result.node, "")].append(result)
    executed = {key[:2] for key in by_key}
    owed = [(scenario, key) for scenario in scenarios for key in scenario.expected()]
    verdicts = [_verdict(scenario, key, by_key.get(key, []), executed) for scenario, key in owed]
    for _, key in owed:
        by_key.pop(key, None)
    verdicts += [_foreign(key, found) for key, found in by_key.items() if any(_is_foreign(key, result) for result in found)]
    return tuple(sorted(verdicts))


def _verdict(scenario: Scenario, key: Key, found: list[Result], executed: set[tuple[str, str]]) -> Verdict:
    if scenario.is_outline and not scenario.rows:
        return Verdict(*key, (), Outcome.EMPTY_OUTLINE, MEANING[Outcome.EMPTY_OUTLINE])
    if not found:
        outcome = Outcome.MISSING if key[:2] in executed else Outcome.UNBOUND
        return Verdict(*key, (), outcome, MEANING[outcome])
    outcome, reason = _combined(found)
    return Verdict(*key, found[0].verifies, outcome, reason)


def _combined(found: list[Result]) -> tuple[Outcome, str]:
    if len(found) == 1:
        return found[0].outcome, found[0].reason
    worst = [(result.outcome, result.reason) for name in _WORST for result in found if result.outcome is name]
    return worst[0] if worst else (Outcome.DUPLICATE, f"{len(found)} results for one scenario")


def _is_foreign(key: Key, result: Result) -> bool:
    """Say whether a result without a scenario matters: all that name a feature, and of the rest all that did not pass (a crashed worker, a broken import)."""
    return bool(key[0]) or result.outcome is not Outcome.PASSED


def _foreign(key: Key, found: list[Result]) -> Verdict:
    broken = [result for result in found if result.outcome is not Outcome.PASSED]
    if broken:
        return Verdict(*key, broken[0].verifies, Outcome.ERROR, broken[0].reason)
    return Verdict(*key, found[0].verifies, Outcome.FOREIGN, MEANING[Outcome.FOREIGN])
