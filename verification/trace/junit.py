"""Reads the raw record of a run, JUnit XML, into outcomes; what it does not say is an error, never a pass.

pytest alone hides three things behind a plain pass: an expected failure that passed, a pass after a rerun, and scenarios that were left out. The plugin
`recording` writes them down as properties. A pass that does not state its attempts was recorded without the plugin and is therefore no clean pass.

Source: IEC 62304 5.7.5 a).
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from verification.trace.outcomes import Outcome, RecordError, Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ATTEMPTS = "attempts"
"""Property of a test case: how often it was started; only 1 makes a clean pass."""

XFAIL = "xfail"
"""Property of a test case that was marked or called as an expected failure, whatever came of it."""

BROKE = "broke"
"""Property of a test case in which something other than an expectation broke: ``setup``, ``call`` or ``teardown``."""

ENDED = "ended"
"""Property of a test case: how its call ended in the runner's own word, passed, failed or skipped."""

CRASHED = "crashed"
"""Property of a test case whose worker died while it ran."""

STEP = "step"
"""Property of a test case, one for each step in its order: the step's outcome, a colon, and the step as it ran."""

DESELECTED = "deselected"
"""Property of the whole run, one for each test that was collected and left out: JSON of its node and its own properties."""

_PASSED_IN_THE_END = frozenset({"rerun", "flakyFailure", "flakyError"})
"""Elements by which runners note that a case passed only after a failed attempt."""

_EARLIER_ATTEMPTS = frozenset({"rerunFailure", "rerunError"})
"""Elements that stand beside the failure of the last attempt."""

_SILENT = frozenset({"properties", "system-out", "system-err"})


@dataclass(frozen=True)
class RawRun:
    """A JUnit record: every result in its order, the run's own properties, and when it started (ISO 8601; empty where not stated)."""

    results: tuple[Result, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    started: str = ""


def read_junit(path: Path) -> tuple[Result, ...]:
    """Return every result of a JUnit XML file, in its order; what was left out comes last.

    Raises:
        RecordError: see `read_run`.
    """
    return read_run(path).results


def read_run(path: Path) -> RawRun:
    """Return a JUnit XML file as it was written.

    Raises:
        RecordError: no such file, not XML, a document type in it, no test suite, or a note of the plugin that is not one.
    """
    try:
        content = path.read_bytes()
    except OSError as err:
        raise RecordError(f"{path.name} is unreadable ({type(err).__name__})") from err
    return parse_run(path.name, content)


def parse_run(name: str, content: bytes) -> RawRun:
    """Return the JUnit XML ``content`` of the file ``name``.

    Raises:
        RecordError: see `read_run`.
    """
    if b"\0" in content:
        raise RecordError(f"{name} is not UTF-8, in which pytest writes")
    if b"<!DOCTYPE" in content:
        raise RecordError(f"{name} declares a document type, which pytest never writes")
    try:
        suites = ET.fromstring(content, ET.XMLParser(encoding="utf-8"))  # noqa: S314  no document type, so no entity to expand
    except (ET.ParseError, ValueError) as err:
        raise RecordError(f"{name} is unreadable ({type(err).__name__})") from err
    if suites.tag not in {"testsuites", "testsuite"}:
        raise RecordError(f"{name} holds <{suites.tag}>, not test suites")
    noted = [pair for suite in suites.iter("testsuite") for pair in _pairs(suite.find("properties"))]
    left_out = tuple(_left_out(name, value) for key, value in noted if key == DESELECTED)
    started = next((suite.get("timestamp", "") for suite in suites.iter("testsuite")), "")
    facts = {key: value for key, value in noted if key != DESELECTED}
    return RawRun((*map(_result, suites.iter("testcase")), *left_out), facts, started)


def _pairs(properties: ET.Element | None) -> list[tuple[str, str]]:
    return [] if properties is None else [(each.get("name", ""), each.get("value", "")) for each in properties]


def _left_out(name: str, value: str) -> Result:
    """Return the result of a test that was collected and not run, as the plugin noted it."""
    try:
        entry = json.loads(value)
        pairs = [(str(key), str(text)) for key, text in entry["properties"]]
        return _named(pairs, dict(pairs), str(entry["node"]), Outcome.DESELECTED, "collected, then left out of the run")
    except (ValueError, KeyError, TypeError, RecursionError) as err:
        raise RecordError(f"{name} holds a note of a deselected test that cannot be read ({type(err).__name__})") from err


def _result(case: ET.Element) -> Result:
    pairs = _pairs(case.find("properties"))
    values = dict(pairs)
    outcome, reason = _outcome(case, values)
    return _named(pairs, values, f"{case.get('classname', '')}::{case.get('name', '')}", outcome, reason)


def _named(pairs: list[tuple[str, str]], values: Mapping[str, str], node: str, outcome: Outcome, reason: str) -> Result:
    return Result(
        key=(values.get("feature", ""), values.get("scenario", ""), values.get("row", "")),
        node=node,
        verifies=tuple(sorted({value for name, value in pairs if name == "verifies"})),
        outcome=outcome,
        reason=reason,
        steps=tuple(value for name, value in pairs if name == STEP),
    )


def _outcome(case: ET.Element, noted: Mapping[str, str]) -> tuple[Outcome, str]:
    """Return the outcome of a test case; an unknown child of it is an error, never a pass."""
    children = {child.tag: child for child in case if child.tag not in _SILENT}
    if "error" in children:
        return _error(children["error"], noted), _first_line(children["error"])
    if "failure" in children:
        return _failure(children["failure"], noted), _first_line(children["failure"])
    if "skipped" in children:
        return _skipped(children["skipped"]), _first_line(children["skipped"])
    if unknown := children.keys() - _PASSED_IN_THE_END:
        return Outcome.ERROR, f"unknown element <{min(unknown)}> in the record"
    if children:
        return Outcome.RERUN, f"an earlier attempt did not pass: {_first_line(children[min(children)])}"
    return _unrefuted(noted)


def _unrefuted(noted: Mapping[str, str]) -> tuple[Outcome, str]:
    """Return the outcome of a case that nothing in the record speaks against: a pass only where the plugin says that nothing is hidden."""
    if CRASHED in noted:
        return Outcome.CRASHED, noted[CRASHED]
    if XFAIL in noted:
        return Outcome.XPASSED, "expected to fail, passed"
    attempts = noted.get(ATTEMPTS, "")
    if attempts == "1":
        return Outcome.PASSED, ""
    if attempts.isdecimal() and int(attempts) > 1:
        return Outcome.RERUN, f"passed in attempt {attempts}"
    return Outcome.ERROR, "the record does not say in how many attempts it passed; it was made without the recording plugin"


def _error(element: ET.Element, noted: Mapping[str, str]) -> Outcome:
    message = element.get("message", "")
    if CRASHED in noted or "crashed while running" in message:
        return Outcome.CRASHED
    if message.startswith("failed on setup"):
        return Outcome.SETUP_ERROR
    return Outcome.TEARDOWN_ERROR if message.startswith("failed on teardown") else Outcome.ERROR


def _failure(element: ET.Element, noted: Mapping[str, str]) -> Outcome:
    if "[XPASS(strict)]" in f"{element.get('message', '')} {element.text or ''}":
        return Outcome.XPASSED
    return Outcome.CALL_ERROR if noted.get(BROKE) == "call" else Outcome.FAILED


def _skipped(element: ET.Element) -> Outcome:
    """Tell expected failures from skips; pytest marks them by type and by text."""
    if "xfail-marked test passes unexpectedly" in element.get("message", ""):
        return Outcome.XPASSED
    return Outcome.XFAILED if element.get("type") == "pytest.xfail" else Outcome.SKIPPED


def _first_line(element: ET.Element) -> str:
    lines = (element.get("message") or element.text or "").strip().splitlines()
    return lines[0][:300] if lines else "no message"
