"""The verdict of a reproduction: PASS, FAIL with the first difference, or INCONCLUSIVE with the reason and how far the predictions are apart.

    network not cut, or the rerun killed                         INCONCLUSIVE
    numeric class here != numeric class of the record            INCONCLUSIVE, tolerances reported
    a step failed, or a part differs                             FAIL, first in the order of the pipeline
    every part that is compared is equal                         PASS

Equal bytes are asked only of a machine that computes in the class of the record: a false FAIL would teach people to ignore the verdict.

Source: IEC 62304 5.8.5 (how the released software was created can be repeated); ADR 0003 (numeric classes).
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pipeline.release.reproduction.comparison import Compared, compare
from pipeline.release.reproduction.guard import NOT_CUT
from pipeline.release.reproduction.tolerance import apart
from pipeline.release.rerun import CLASS
from pipeline.run import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.release.record.folder import ReleaseFolder
    from pipeline.release.record.record import Record

PREDICTIONS = "archive/predictions/predictions.json"
SCHEMA = "thoratrace/reproduction/1"
SHOWN = 6
"""Differences that are printed; all of them are in the JSON result."""

TAKEN: Mapping[str, tuple[str, ...]] = {"eval": ("bundle/", "files/training/"), "train": ()}
"""Parts that a level takes from the release, so that comparing them would prove nothing."""


class Verdict(StrEnum):
    """What a reproduction says."""

    PASS = "PASS"  # noqa: S105  a verdict
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True)
class Outcome:
    """What a rerun left.

    Attributes:
        level: eval or train.
        code: exit code of its process; negative where a signal ended it.
        report: what it wrote of its steps and environment; empty where it did not come to that.
        made: folder of the parts that it made.
    """

    level: str
    code: int
    report: Mapping[str, Any]
    made: ReleaseFolder

    @property
    def steps(self) -> tuple[Mapping[str, Any], ...]:
        """Name, seconds and outcome of each step that ran."""
        return tuple(self.report.get("steps", ()))


@dataclass(frozen=True)
class Reproduction:
    """What a reproduction found.

    Attributes:
        record: of the release.
        level: eval or train.
        verdict: PASS, FAIL or INCONCLUSIVE.
        reasons: why it is not PASS, one sentence each.
        compared: parts; None where nothing was made.
        steps: name, seconds and outcome of each step.
        environment: what differs between the record's environment and this one: name -> (recorded, here).
        tolerances: how far the predictions are apart, where the numeric class is another one.
        kept: the throw-away folder, where it was kept.
    """

    record: Record
    level: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    compared: Compared | None = None
    steps: tuple[Mapping[str, Any], ...] = ()
    environment: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    tolerances: Mapping[str, Any] | None = None
    kept: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain data, without any path of this machine."""
        compared = Compared((), (), {}) if self.compared is None else self.compared
        return {
            "schema": SCHEMA,
            "record_sha256": self.record.sha256,
            "release": self.record.title,
            "level": self.level,
            "verdict": str(self.verdict),
            "reasons": list(self.reasons),
            "equal": len(compared.equal),
            "divergences": [each.to_json() for each in compared.divergences],
            "not_compared": dict(compared.not_compared),
            "environment": {name: list(pair) for name, pair in self.environment.items()},
            "tolerances": self.tolerances,
            "seconds": {str(step["name"]): step["seconds"] for step in self.steps},
        }

    def to_text(self) -> str:
        """Return the result in words, the verdict last."""
        compared = Compared((), (), {}) if self.compared is None else self.compared
        lines = [f"{step['name']}: {step['seconds']:.0f} s{', FAILED' if step['failed'] else ''}" for step in self.steps]
        lines += [f"environment, {name}: recorded {then}, here {here}" for name, (then, here) in self.environment.items()]
        lines += [f"not compared, {reason}: {count} parts" for reason, count in Counter(compared.not_compared.values()).items()]
        lines += [f"also differs: {each}" for each in compared.divergences[1:SHOWN]]
        lines += [f"predictions are apart by: {json.dumps(self.tolerances, sort_keys=True)}"] if self.tolerances else []
        lines += [f"kept: {self.kept}"] if self.kept else []
        counted = f"{len(compared.equal)} parts equal, {len(compared.divergences)} not"
        return "\n".join([*lines, *self.reasons, f"{self.verdict}: {self.record.title}, level {self.level}: {counted}"])


def judge(record: Record, recorded: ReleaseFolder, rerun: Outcome) -> Reproduction:
    """Return the verdict over a rerun that came to an end, one way or another."""
    if reason := _nothing_proved(rerun):
        return Reproduction(record, rerun.level, Verdict.INCONCLUSIVE, (reason,), steps=rerun.steps)
    compared = compare(record, recorded, rerun.made, TAKEN[rerun.level])
    differs = environment_differences(record.environment, rerun.report.get("environment", {}))
    failed = [f"REP-RERUN: {rerun.report['failed']}"] if rerun.report.get("failed") else []
    if other := other_class(record.environment, rerun.report.get("environment", {})):
        found = _tolerances(recorded, rerun.made)
        return Reproduction(record, rerun.level, Verdict.INCONCLUSIVE, (other, *failed), compared, rerun.steps, differs, found)
    reasons = [*(f"REP-DIVERGENCE: {compared.divergences[0]}" for _ in compared.divergences[:1]), *failed]
    verdict = Verdict.PASS if compared and not reasons else Verdict.FAIL
    return Reproduction(record, rerun.level, verdict, tuple(reasons), compared, rerun.steps, differs)


def _nothing_proved(rerun: Outcome) -> str:
    """Return why a rerun proves nothing either way; empty where it does."""
    if rerun.code == NOT_CUT:
        return "REP-NETWORK: the network was not cut, so nothing was started"
    if rerun.code < 0 or rerun.code > 128:
        return f"REP-KILLED: the rerun was ended from outside ({rerun.code}); too little memory is the usual reason"
    if not rerun.report:
        return f"REP-REPORT: the rerun ended with {rerun.code} and left no report; its last words are above"
    return ""


def environment_differences(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return name -> (recorded, here) of everything in which two environments differ.

    >>> environment_differences({"python": "3.11.7", "a": 1}, {"python": "3.11.9", "a": 1})
    {'python': ('3.11.7', '3.11.9')}
    """
    names: Sequence[str] = sorted(recorded.keys() | here.keys())
    pairs = {name: (str(recorded.get(name, "not recorded")), str(here.get(name, "not known here"))) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def other_class(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Return a sentence where this machine is of another numeric class than the record; one that states none is of every other class.

    >>> other_class({"numeric_class": "a" * 64}, {"numeric_class": "a" * 64})
    ''
    """
    one, other = (str(each.get(CLASS, "")) for each in (recorded, here))
    if one and one == other:
        return ""
    return f"REP-CLASS: this machine computes in numeric class {other[:16] or 'unknown'}, the record's is {one[:16] or 'unknown'}"


def _tolerances(recorded: ReleaseFolder, made: ReleaseFolder) -> dict[str, Any] | None:
    places = [each.place(PREDICTIONS) for each in (recorded, made)]
    return apart(*(read_json(place) for place in places)).to_json() if all(place.is_file() for place in places) else None
