"""Which scenarios have to be run again because of a change, and whether they were run since: with the identity of the run that says so.

A result counts when it is of the newer end: of a release, the run that was sealed with it, whose identity is the one its gate judged; of the working tree, the run
whose identity is that of what lies there. The same run as that of the older end is no run since, whatever its results say. A commit holds no results.

Source: IEC 62304 5.7.3, 6.3.1, 8.2.3 (retest after changes); design 4 (identity of evidence).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pipeline.change_package.ends import refused_part
from verification.trace import features
from verification.trace.evidence import case_id, examine, read_evidence
from verification.trace.identity import read_identity
from verification.trace.outcomes import Outcome as CleanPass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipeline.change_package.ends import End
    from verification.trace.impact import Impact

VERDICTS, GATE = "files/verification.json", "files/gate.json"


class Outcome(StrEnum):
    """What is known of a scenario that has to be run again."""

    PASSED = "run again, passed"
    NOT_PASSED = "run again, not passed"
    NOT_RUN = "not run again"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Run:
    """A run of the scenarios.

    Attributes:
        identity: SHA-256 of what was judged; "" where there is none.
        outcomes: outcome of each row, by scenario id.
        reason: why it is no evidence for its end; "" where it is.
    """

    identity: str
    outcomes: Mapping[str, tuple[str, ...]]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rerun:
    """One scenario to be run again: why (path from what changed, empty where it changed itself), what came of it, and how many rows passed of how many."""

    id: str
    how: str
    because: tuple[tuple[str, str], ...]
    outcome: Outcome
    passed: int
    rows: int


def run_of(root: Path, end: End) -> Run:
    """Return the run that is evidence for an end.

    Raises:
        ChangePackageRefused: ``CPK-PART``, sealed results that are not of their form.
    """
    if end.sealed is not None:
        reason = end.absence(VERDICTS) or end.absence(GATE)
        return Run("", {}, reason) if reason else _sealed_run(end)
    return _run_here(root) if end.is_tree else Run("", {}, "a commit holds no results")


def _sealed_run(end: End) -> Run:
    data, judged = end.data(VERDICTS), end.data(GATE)
    try:
        identity, expected = data["identity"]["sha256"], judged["identity"]["sha256"]
        outcomes = _outcomes((case_id(each["feature"], each["scenario"], ""), each["outcome"]) for each in data["verdicts"])
        accepted = judged["evidence_accepted"]
    except (KeyError, TypeError, AttributeError) as err:
        raise refused_part(VERDICTS, type(err).__name__, "the results and the judgement of the gate") from err
    if accepted is not True:
        return Run(str(identity), outcomes, "the gate did not accept the run")
    bridged = f"the gate judged {str(expected)[:16]} by a bridge from this run"
    return Run(str(identity), outcomes, "" if identity == expected else bridged)


def _run_here(root: Path) -> Run:
    """Return the run in the working tree, with what keeps it from being evidence for what lies there; a bridge from another identity counts as no run."""
    scenarios, _ = features.load(root)
    evidence, here = read_evidence(root), read_identity(root, "verification")
    if evidence.record is None or here.sha256 is None:
        return Run("", {}, "no run lies here" if here.sha256 else f"what lies here has no identity: {here.reason}")
    verdicts = evidence.record.verdicts
    outcomes = _outcomes((case_id(each.feature, each.scenario, ""), str(each.outcome)) for each in verdicts)
    refusals = examine(evidence, scenarios, here)
    reason = "; ".join(f"{each.code}: {each.found}" for each in refusals[:3])
    return Run(evidence.record.identity.sha256 or "", outcomes, reason)


def _outcomes(rows: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, outcome in rows:
        found[name].append(outcome)
    return {name: tuple(outcomes) for name, outcomes in sorted(found.items())}


def reruns(impact: Impact, before: Run, after: Run) -> tuple[Rerun, ...]:
    """Return the scenarios that have to be run again, sorted, with what came of them."""
    how: dict[str, str] = {each.id: each.how for each in impact.changed}
    paths: dict[str, Any] = {each.id: each.path for each in impact.suspects}
    return tuple(_rerun(name, how.get(name, "suspect"), paths.get(name, ()), before, after) for name in impact.rerun)


def _rerun(name: str, how: str, path: tuple[tuple[str, str], ...], before: Run, after: Run) -> Rerun:
    rows = after.outcomes.get(name, ())
    passed = sum(each == str(CleanPass.PASSED) for each in rows)
    return Rerun(name, how, path, _outcome(rows, passed, before, after), passed, len(rows))


def _outcome(rows: tuple[str, ...], passed: int, before: Run, after: Run) -> Outcome:
    if not after.identity:
        return Outcome.UNKNOWN
    if after.reason or after.identity == before.identity or not rows:
        return Outcome.NOT_RUN
    return Outcome.PASSED if passed == len(rows) else Outcome.NOT_PASSED
