"""Outcomes, each with one fixed meaning, and verdicts: results held against what is owed. Only ``passed`` counts; everything else has a name and does not.

Source: IEC 62304 5.7.2 and 5.7.5 a) (pass or fail of each test, and the anomalies found).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from verification.trace.features import Scenario

Key = tuple[str, str, str]
"""Feature file, scenario, row."""


class Outcome(StrEnum):
    """What became of one scenario or outline row."""

    PASSED = "passed"
    FAILED = "failed"
    SETUP_ERROR = "error in set-up"
    CALL_ERROR = "error in call"
    TEARDOWN_ERROR = "error in tear-down"
    ERROR = "error"
    CRASHED = "crashed worker"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"
    RERUN = "passed after rerun"
    DESELECTED = "deselected"
    DUPLICATE = "duplicate"
    MISSING = "missing"
    UNBOUND = "unbound"
    EMPTY_OUTLINE = "empty outline"
    FOREIGN = "foreign"
    STALE = "stale"


MEANING: dict[Outcome, str] = {
    Outcome.PASSED: "ran once, in one attempt; every step held, set-up and tear-down included",
    Outcome.FAILED: "an expectation of a step did not hold",
    Outcome.SETUP_ERROR: "broke before its first step",
    Outcome.CALL_ERROR: "broke inside a step, or a step has no definition; no expectation was judged",
    Outcome.TEARDOWN_ERROR: "broke after its last step",
    Outcome.ERROR: "collection or the record itself broke, or the record does not say where, or holds something unknown",
    Outcome.CRASHED: "the process that ran it died",
    Outcome.SKIPPED: "was not executed",
    Outcome.XFAILED: "was expected to fail and did",
    Outcome.XPASSED: "was expected to fail and passed, so the expectation is wrong",
    Outcome.RERUN: "passed only after an attempt that did not",
    Outcome.DESELECTED: "was collected and then left out of the run",
    Outcome.DUPLICATE: "has more than one result, so none is its result",
    Outcome.MISSING: "is a row without a result, though other rows of its scenario have one",
    Outcome.UNBOUND: "is in a feature file, and no test executed it",
    Outcome.EMPTY_OUTLINE: "is an outline without examples, so nothing was tried",
    Outcome.FOREIGN: "is a result of something no feature file holds",
    Outcome.STALE: "has a result of another state of the sources, and no accepted bridge carries it over",
}
"""The fixed meaning of every outcome, for people."""

_WORST = (
    Outcome.CRASHED,
    Outcome.ERROR,
    Outcome.SETUP_ERROR,
    Outcome.CALL_ERROR,
    Outcome.FAILED,
    Outcome.TEARDOWN_ERROR,
    Outcome.XPASSED,
    Outcome.XFAILED,
    Outcome.RERUN,
    Outcome.SKIPPED,
    Outcome.DESELECTED,
)
"""Of several results with one key, the first of these names what happened; without one of them it is a duplicate."""


@dataclass(frozen=True, slots=True)
class Result:
    """One test case of a raw record.

    Attributes:
        key: feature file, scenario, row as the record names them; empty texts where it does not.
        node: the runner's own name of the test.
        verifies: ids the executed test carried, sorted.
        outcome: see ``MEANING``.
        reason: first line of what the runner said; empty for a pass.
        steps: each executed step, its outcome first; empty where the record does not tell.
    """

    key: Key
    node: str
    verifies: tuple[str, ...]
    outcome: Outcome
    reason: str
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the run says about one scenario or row; sorted by ``VERDICT_ORDER``: feature, scenario, row.

    Attributes:
        feature: path relative to ``verification/features``.
        scenario: name.
        row: stable text of the example, or empty.
        tags: ids the executed test carried.
        outcome: see ``MEANING``.
        reason: first line of what the runner said; empty for a pass.
        bridge: the accepted bridge by which a result of another state counts here; empty for a result of what lies here.
    """

    feature: str
    scenario: str
    row: str
    tags: tuple[str, ...]
    outcome: Outcome
    reason: str
    bridge: str = ""

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
            **({"bridge": self.bridge} if self.bridge else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        """Return the verdict a file recorded.

        Raises:
            KeyError, ValueError: a key is missing, or the outcome is none of the known ones.
        """
        texts = (str(data["feature"]), str(data["scenario"]), str(data["row"]))
        return cls(*texts, tuple(map(str, data["tags"])), Outcome(data["outcome"]), str(data["reason"]))


VERDICT_ORDER = attrgetter(*(each.name for each in fields(Verdict)))
"""The one order of verdicts: a key, made once for each verdict and not for each comparison."""


class RecordError(Exception):
    """The raw record cannot be read; the message says why."""


def judge(scenarios: Iterable[Scenario], results: Iterable[Result]) -> tuple[Verdict, ...]:
    """Hold the results against the scenarios owed: one verdict for each row owed and each result that belongs to none, sorted."""
    owed = [(scenario, key) for scenario in scenarios for key in scenario.expected()]
    features = {scenario.feature for scenario, _ in owed}
    by_key: dict[Key, list[Result]] = defaultdict(list)
    for result in results:
        by_key[place(result, features)].append(result)
    executed = {key[:2] for key in by_key}
    verdicts = [_verdict(scenario, key, by_key.get(key, []), executed) for scenario, key in owed]
    for _, key in owed:
        by_key.pop(key, None)
    verdicts += [_foreign(key, found) for key, found in by_key.items() if any(_is_foreign(key, result) for result in found)]
    return tuple(sorted(verdicts, key=VERDICT_ORDER))


def place(result: Result, features: set[str]) -> Key:
    """Return the key a result belongs to; pytest-bdd alone names a feature file with the folder ``features`` that all lie in."""
    feature, scenario, row = result.key
    if not any(result.key):
        return ("", result.node, "")
    return (feature if feature in features else feature.removeprefix("features/"), scenario, row)


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
        return Verdict(*key, broken[0].verifies, *_combined(broken))
    return Verdict(*key, found[0].verifies, Outcome.FOREIGN, MEANING[Outcome.FOREIGN])
