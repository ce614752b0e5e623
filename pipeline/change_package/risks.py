"""Which risks have to be judged again because of a change, what the risk file says of them before and after, and whether somebody has judged them since.

A hazardous situation has to be judged again when its own words changed, or when what it rests on is suspect: its hazard, a control that reduces it, a requirement that
implements the control, what shows it. Judged again means an entry: the ledger of changes has a new entry of its hazard, or a signature names the hazard, or the file it
stands in, with the content that it has now and is not among the signatures of the older end. Whether a signature holds is said by the verifier for a sealed end and by
`./qms check` for the working tree; nothing here makes a judgement.

Source: ISO 14971 7.3, 7.5, 10.4; IEC 62304 7.4.2, 7.4.3.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from requirements_spec import loader as specification_loader
from requirements_spec.changes import read_ledger
from requirements_spec.datafile import cut
from risk import loader as risk_loader
from risk.changes import LEDGER, risk_content
from risk.estimate import acceptability, before_controls, claimed
from verification.trace.approvals import APPROVALS
from verification.trace.graph import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from requirements_spec.changes import Change
    from risk.model import Hazard, Policy, RiskFile, Situation
    from verification.trace.impact import Impact

RISK_KINDS = (str(Kind.SITUATION), str(Kind.CONTROL), str(Kind.HAZARD), "policy")


@dataclass(frozen=True, slots=True)
class Judged:
    """A situation as one end judges it: estimate and acceptability before controls and as residual, as the file claims it; empty where the end has no such situation."""

    initial: str = ""
    residual: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry that says somebody looked at a risk again: a line of the ledger, or a signature."""

    what: str
    item: str
    who: str
    words: str


@dataclass(frozen=True, slots=True)
class RiskToJudge:
    """One situation to be judged again.

    Attributes:
        id: of the situation.
        hazard: its hazard.
        text: what the situation is, the newer words.
        harm: what it leads to.
        severity: of the harm, before controls, the worse of both ends.
        because: how it is reached from what changed: ids and the words of the links between them; empty where its own words changed.
        how: ``added``, ``removed``, ``changed`` or ``suspect``.
        before: how the older end judges it.
        after: how the newer end judges it.
        entries: what was entered of its hazard since.
        of_controls: what was entered of the controls that reduce it since; no judgement of the risk, but part of one.
    """

    id: str
    hazard: str
    text: str
    harm: str
    severity: int
    because: tuple[tuple[str, str], ...]
    how: str
    before: Judged
    after: Judged
    entries: tuple[Entry, ...]
    of_controls: tuple[Entry, ...]

    @property
    def is_entered(self) -> bool:
        """Whether an entry says that the risk was judged again; a situation that is gone needs none."""
        return bool(self.entries) or self.how == "removed"


@dataclass(frozen=True)
class RiskState:
    """The risk file of one end: itself, its ledger, its signatures, and the fingerprint of everything that can be named there."""

    file: RiskFile
    ledger: tuple[Change, ...]
    signatures: tuple[Mapping[str, Any], ...]
    fingerprints: Mapping[str, str]
    words: Mapping[str, tuple[Hazard, Situation]]


def read_risks(root: Path) -> RiskState:
    """Read the risk file of an end; what cannot be read is left out, and impact names it."""
    specification, _ = specification_loader.load(root)
    file, _ = risk_loader.load(root, specification)
    ledger, _ = read_ledger(root, LEDGER) if (root / LEDGER).is_file() else ((), ())
    known = dict(risk_content(file).fingerprints)
    for path in sorted({each.where.rpartition(":")[0] for each in file.hazards}):
        known[path] = hashlib.sha256((root / path).read_bytes()).hexdigest()
    words = {str(situation.id): (hazard, situation) for hazard in file.hazards for situation in hazard.situations}
    return RiskState(file, ledger, tuple(_signatures(root)), known, words)


def _signatures(root: Path) -> Iterator[Mapping[str, Any]]:
    path = root / APPROVALS
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry


def risks(impact: Impact, before: RiskState, after: RiskState) -> tuple[RiskToJudge, ...]:
    """Return the situations that have to be judged again, the most severe first, then by id."""
    how = {each.id: each.how for each in impact.changed if each.kind == Kind.SITUATION}
    paths = {each.id: each.path for each in impact.suspects if each.kind == Kind.SITUATION}
    found = (_risk(name, how.get(name, "suspect"), paths.get(name, ()), before, after) for name in sorted({*how, *paths}))
    return tuple(sorted(found, key=lambda each: (-each.severity, each.id)))


def _risk(name: str, how: str, path: tuple[tuple[str, str], ...], before: RiskState, after: RiskState) -> RiskToJudge:
    held = [state.words[name] for state in (after, before) if name in state.words]
    hazard, situation = held[0]
    controls = {str(each.id) for state in (before, after) for each in state.file.controls_of(name)}
    places = {str(hazard.id), hazard.where.rpartition(":")[0]}
    return RiskToJudge(
        id=name,
        hazard=str(hazard.id),
        text=situation.text,
        harm=situation.harm,
        severity=max(each.severity for _, each in held),
        because=path,
        how=how,
        before=_judged(name, before),
        after=_judged(name, after),
        entries=tuple(_entries(places, before, after)),
        of_controls=tuple(_entries(controls, before, after)),
    )


def _judged(name: str, state: RiskState) -> Judged:
    if name not in state.words:
        return Judged()
    situation, policy = state.words[name][1], state.file.policy
    return (
        Judged(_estimate(policy, before_controls(policy, situation)), _estimate(policy, claimed(situation)))
        if policy
        else Judged()
    )


def _estimate(policy: Policy, estimate: Any) -> str:
    return f"{estimate} {acceptability(policy, estimate).word}"


def _entries(items: Iterable[str], before: RiskState, after: RiskState) -> Iterator[Entry]:
    """Yield what the newer end holds of some items and the older does not; a signature counts for the content that lies there now."""
    wanted, known = set(items), {replace(each, where="") for each in before.ledger}
    for change in after.ledger:
        if (
            change.item in wanted
            and replace(change, where="") not in known
            and change.new == after.fingerprints.get(change.item, "")
        ):
            yield Entry("ledger of changes", change.item, change.author, change.reason)
    seen = {json.dumps(each, sort_keys=True) for each in before.signatures}
    for each in after.signatures:
        target = str(each.get("target", ""))
        same = each.get("sha256") == after.fingerprints.get(target)
        if target in wanted and same and json.dumps(each, sort_keys=True) not in seen:
            who = f"{each.get('name')} as {each.get('role')}, {each.get('time')}"
            yield Entry(f"signature: {each.get('meaning')}", target, who, cut(str(each.get("statement", "")), 300))
