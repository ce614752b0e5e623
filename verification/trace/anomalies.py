"""The list of anomalies: what is known to be wrong, what it can do to a patient, what is done about it, and how far that has come.

    open -> assessed -> resolved -> verified        resolved -> assessed (the resolution did not hold)        verified -> open (it came back)

Every step of a problem's life is an entry of its history with date, author and note. The file lies outside every slice of evidence: writing down
what a run found must not make the run stale. Dates are typed and compared with each other, never with a clock.

Source: IEC 62304 9.1 (report), 9.2 (investigate), 9.3 (advise), 9.4 (change control), 9.5 (records), 9.6 (trends), 9.7 (verify), 9.8 (documentation).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from requirements_spec.datafile import Document, Kind, Row, Table, Tables, Text, Texts, duplicate_ids, read
from requirements_spec.remembered import remembered
from requirements_spec.schema import AUTHOR
from verification.trace.codes import problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from requirements_spec.problem import Problem
    from requirements_spec.reading_cache import ReadingCache

ANOMALIES = "verification/anomalies.toml"
SCHEMA = "thoratrace/anomalies/1"
TREND = 3
"""So many anomalies of one category ask for an analysis of the trend."""


class State(StrEnum):
    """How far the handling of an anomaly has come."""

    OPEN = "open"
    ASSESSED = "assessed"
    RESOLVED = "resolved"
    VERIFIED = "verified"


NEXT: Mapping[State | None, frozenset[State]] = {
    None: frozenset({State.OPEN}),
    State.OPEN: frozenset({State.ASSESSED}),
    State.ASSESSED: frozenset({State.RESOLVED}),
    State.RESOLVED: frozenset({State.VERIFIED, State.ASSESSED}),
    State.VERIFIED: frozenset({State.OPEN}),
}
"""Which states may follow which; the first is always ``open``."""

CATEGORIES = frozenset({"requirement", "design", "implementation", "data", "tool", "documentation"})
"""Where the cause of an anomaly lies; trends are counted by it (IEC 62304 9.6)."""


_FINDINGS = ("root_cause", "evaluation", "disposition", "workaround", "security", "change")
"""What the investigation fills in."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an anomaly's life.

    Attributes:
        state: reached by this step.
        date: ISO 8601, as typed.
        author: role or demonstration identity.
        note: what was done.
    """

    state: State
    date: str
    author: str
    note: str


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One anomaly (IEC 62304 9.1 to 9.8).

    Attributes:
        id: ``ANO-001`` and so on.
        title: what is wrong, in a few words.
        description: what happens, under which conditions.
        discovered: date, how, software version and model version.
        concerns: ids of the requirements, controls, sections or scenarios it is about.
        situations: hazardous situations it can lead to.
        no_safety_impact: why it leads to none; exactly one of the two is stated.
        category: where the cause lies.
        state: of its handling.
        root_cause, evaluation, disposition, workaround: findings of the investigation; empty while open.
        security: whether it weakens the device against an attacker, and why; empty while not assessed.
        advised: who was told, and where.
        change: what resolves it; empty before.
        history: its steps in order.
        where: ``file:line``.
        cwe: weaknesses of the Common Weakness Enumeration that it is an instance of, ``CWE-353`` and so on; empty where none fits.
        fixed_in: first device version without it; empty while it is unresolved, and where no released version had it.
    """

    id: str
    title: str
    description: str
    discovered: tuple[str, str, str, str]
    concerns: tuple[str, ...]
    situations: tuple[str, ...]
    no_safety_impact: str
    category: str
    state: State
    root_cause: str
    evaluation: str
    disposition: str
    workaround: str
    security: str
    advised: tuple[str, ...]
    change: str
    history: tuple[Step, ...]
    where: str
    cwe: tuple[str, ...] = ()
    fixed_in: str = ""

    def facts(self) -> dict[str, Any]:
        """Return everything a reader of the graph wants to know, as plain data."""
        plain = ("description", "no_safety_impact", "category", *_FINDINGS)
        date_found, how, software, model = self.discovered
        steps = [{"state": str(each.state), "date": each.date, "author": each.author, "note": each.note} for each in self.history]
        return {
            "state": str(self.state),
            "discovered": {"date": date_found, "how": how, "software": software, "model": model},
            "situations": list(self.situations),
            "advised": list(self.advised),
            "history": steps,
            **{name: getattr(self, name) for name in plain},
        }


@dataclass(frozen=True, slots=True)
class Trend:
    """What an accumulation of anomalies of one category was found to mean (IEC 62304 9.6)."""

    category: str
    analysis: str


@dataclass(frozen=True, slots=True)
class AnomalyList:
    """The list as it was read.

    Attributes:
        anomalies: in the order of the file.
        trends: analyses of accumulations.
        reviewed_identity: identity of the verification run against which the list was last reviewed; empty where it never was.
        exists: whether there is a list at all.
    """

    anomalies: tuple[Anomaly, ...] = ()
    trends: tuple[Trend, ...] = ()
    reviewed_identity: str = ""
    exists: bool = False

    def counts(self) -> dict[str, int]:
        """Return how many anomalies each category has, sorted: the trend."""
        return dict(sorted(Counter(each.category for each in self.anomalies).items()))


NO_LIST = AnomalyList()
"""What is known where there is no list."""

_VERSION = r"\d+\.\d+\.\d+"
_DATE = Text(pattern=r"\d{4}-\d{2}-\d{2}")
_BLANK = Text(blank=True)
_ITEM = Text(pattern=r"[A-Z]+-[A-Z0-9-]+|TC:.+|[a-z]+(-[a-z]+)*")
_STATES = frozenset(str(state) for state in State)
_STEP: dict[str, Kind] = {"state": Text(choices=_STATES), "date": _DATE, "author": Text(pattern=AUTHOR), "note": Text()}
_ANOMALY: dict[str, Kind] = {
    "id": Text(pattern=r"ANO-\d{3,}"),
    "title": Text(),
    "description": Text(),
    "discovered": Table({"date": _DATE, "how": Text(), "software": Text(pattern=_VERSION), "model": Text()}),
    "concerns": Texts(_ITEM),
    "situations": Texts(Text(pattern=r"HS-\d{3,}"), least=0),
    "no_safety_impact": _BLANK,
    "category": Text(choices=CATEGORIES),
    "state": Text(choices=_STATES),
    "root_cause": _BLANK,
    "evaluation": _BLANK,
    "disposition": _BLANK,
    "workaround": _BLANK,
    "security": _BLANK,
    "advised": Texts(Text(), least=0),
    "change": _BLANK,
    "cwe": Texts(Text(pattern=r"CWE-[1-9]\d*"), required=False),
    "fixed_in": Text(pattern=_VERSION, required=False),
    "history": Tables(Table(_STEP)),
}
_FILE = Table(
    {
        "schema": Text(choices=frozenset({SCHEMA})),
        "author": Text(pattern=AUTHOR),
        "reviewed_identity": Text(pattern=r"[0-9a-f]{64}", blank=True),
        "anomaly": Tables(Table(_ANOMALY), least=0, required=False),
        "trend": Tables(Table({"category": Text(choices=CATEGORIES), "analysis": Text()}), least=0, required=False),
    }
)


def read_anomalies(root: Path, cache: ReadingCache | None = None) -> tuple[AnomalyList, tuple[Problem, ...]]:
    """Read the list; where there is none it is empty and says so, which a release does not accept."""
    return _listed(read(root, ANOMALIES, _FILE, cache)) if (root / ANOMALIES).exists() else (AnomalyList(), ())


@remembered
def _listed(document: Document) -> tuple[AnomalyList, tuple[Problem, ...]]:
    rows = document.rows("anomaly")
    anomalies = tuple(_anomaly(row) for row in rows if row.sound)
    trends = tuple(Trend(row.data["category"], row.data["analysis"]) for row in document.rows("trend") if row.sound)
    identity = document.data.get("reviewed_identity", "")
    own = (fault for each in anomalies for fault in (*_history_faults(each), *_impact_faults(each)))
    problems = (*document.problems, *duplicate_ids(rows), *own)
    return AnomalyList(anomalies, trends, identity if isinstance(identity, str) else "", exists=True), problems


def _anomaly(row: Row) -> Anomaly:
    data = row.data
    found = data["discovered"]
    plain = ("title", "description", "no_safety_impact", "category", "root_cause", "evaluation", "disposition", "workaround")
    return Anomaly(
        id=row.id,
        **{name: data[name].strip() for name in plain},
        discovered=(found["date"], found["how"], found["software"], found["model"]),
        concerns=tuple(data["concerns"]),
        situations=tuple(data["situations"]),
        state=State(data["state"]),
        security=data["security"].strip(),
        advised=tuple(data["advised"]),
        change=data["change"].strip(),
        history=tuple(Step(State(each["state"]), each["date"], each["author"], each["note"]) for each in data["history"]),
        where=row.where,
        cwe=tuple(data.get("cwe", ())),
        fixed_in=data.get("fixed_in", ""),
    )


def _history_faults(anomaly: Anomaly) -> Iterator[Problem]:
    """Yield each step that may not follow the one before, each date that is none or runs backwards, and a state the history does not end in."""
    state: State | None = None
    day = anomaly.discovered[0]
    for number, step in enumerate(anomaly.history, start=1):
        if step.state not in NEXT[state]:
            allowed = ", ".join(sorted(NEXT[state]))
            yield _history(anomaly, f"step {number} goes from {state or 'nothing'} to {step.state}", f"one of: {allowed}")
        if not (_is_date(step.date) and day <= step.date):
            yield _history(
                anomaly, f"step {number} is dated {step.date}, what came before it {day}", "a date that exists and is not earlier"
            )
        state, day = step.state, step.date
    if anomaly.state is not state:
        yield _history(anomaly, f"the state {anomaly.state}, a history that ends in {state}", "the state the history ends in")


def _history(anomaly: Anomaly, found: str, expected: str) -> Problem:
    return problem("ANO-HISTORY", anomaly.where, anomaly.id, found=found, expected=expected)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _impact_faults(anomaly: Anomaly) -> Iterator[Problem]:
    """Yield an anomaly that names neither a hazardous situation nor a reason for naming none, or both."""
    if bool(anomaly.situations) == bool(anomaly.no_safety_impact):
        found = (
            "hazardous situations and a reason for none" if anomaly.situations else "neither a hazardous situation nor a reason"
        )
        yield problem("ANO-IMPACT", anomaly.where, anomaly.id, found=found)
