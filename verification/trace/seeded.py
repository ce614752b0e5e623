"""Seeded defects: what would have to go wrong for a control's scenario to fail, declared for every control, and the record of what happened when it did.

A scenario that passes shows little unless it can fail. So each risk control has errors of programming (or altered sentences of the instructions for use)
that were put into the running device on purpose; a control's scenarios are worth their pass where they failed under them, by an expectation.

Source: ISO 14971 7.2 (verification of effectiveness); IEC 62304 5.7.4 c).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from requirements_spec.datafile import Document, Row, Table, Tables, Text, Texts, duplicate_ids, read
from requirements_spec.remembered import remembered
from requirements_spec.schema import CONTROL_ID, head
from verification.trace.evidence import NAMED_DIFFERENCES
from verification.trace.identity import Identity, difference

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from requirements_spec.problem import Problem
    from requirements_spec.reading_cache import ReadingCache

FAULTS = "verification/faults/faults.toml"
SHOWN = "artifacts/verification/faults.json"
SCHEMA = "thoratrace/faults-shown/1"
FAULT_ID = r"SD-\d{3,}"


class FaultKind(StrEnum):
    """What a defect is put into."""

    SOFTWARE = "software"
    SENTENCE = "sentence"
    ENVIRONMENT = "environment"


TABLE = Table(
    {
        **head("thoratrace/faults/1"),
        "fault": Tables(
            Table(
                {
                    "id": Text(pattern=FAULT_ID),
                    "control": Text(pattern=CONTROL_ID),
                    "kind": Text(choices=frozenset(FaultKind)),
                    "would_fail_if": Text(),
                    "where": Text(pattern=r"[a-z_0-9.]+:[A-Za-z_0-9.]+"),
                    "defect": Text(pattern=r"[a-z_]+\.[a-z_0-9]+"),
                    "scenarios": Texts(Text(pattern=r"TC:.+::.+")),
                }
            )
        ),
    }
)
"""The form of faults.toml."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One declared defect.

    Attributes:
        id: ``SD-001``.
        control: whose scenario has to notice it.
        kind: what it is put into.
        would_fail_if: in words, continuing "the scenario would fail if ...".
        changes: ``module:name`` that it changes when the module is loaded.
        defect: the function in verification/faults that does it.
        scenarios: ids of those that have to fail under it.
        where: ``file:line``.
    """

    id: str
    control: str
    kind: FaultKind
    would_fail_if: str
    changes: str
    defect: str
    scenarios: tuple[str, ...]
    where: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """What happened under one defect.

    Attributes:
        fault: id.
        control: as declared when it was tried.
        shown: whether each of its scenarios failed by an expectation, in at least one row, with the defect active.
        reason: why it was not shown; empty where it was.
        killed_by: ids of the cases that failed by an expectation.
        step: the first step that did not hold.
        assertion: first line of what that step said.
        outcomes: how many cases of its scenarios ended how.
        sampled: other scenarios of the same features that were run beside them.
        also_failed: those of them that failed too.
    """

    fault: str
    control: str
    shown: bool
    reason: str
    killed_by: tuple[str, ...]
    step: str
    assertion: str
    outcomes: Mapping[str, int]
    sampled: tuple[str, ...]
    also_failed: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the trial as plain data."""
        return {
            "fault": self.fault,
            "control": self.control,
            "shown": self.shown,
            "reason": self.reason,
            "killed_by": list(self.killed_by),
            "step": self.step,
            "assertion": self.assertion,
            "outcomes": dict(self.outcomes),
            "sampled": list(self.sampled),
            "also_failed": list(self.also_failed),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trial:
        """Return the trial a file recorded.

        Raises:
            KeyError, TypeError, ValueError: a key is missing, or a defect is said to be shown that nothing noticed.
        """
        trial = cls(
            fault=str(data["fault"]),
            control=str(data["control"]),
            shown=data["shown"] is True,
            reason=str(data["reason"]),
            killed_by=tuple(map(str, data["killed_by"])),
            step=str(data["step"]),
            assertion=str(data["assertion"]),
            outcomes={str(name): int(count) for name, count in data["outcomes"].items()},
            sampled=tuple(map(str, data["sampled"])),
            also_failed=tuple(map(str, data["also_failed"])),
        )
        if trial.shown and not trial.killed_by:
            raise ValueError(f"{trial.fault} is said to be shown, and no case failed")
        return trial


@dataclass(frozen=True)
class FaultRecord:
    """A run of seeded defects, as faults.json holds it: the identity of the slice ``verification`` and one trial a defect, sorted."""

    identity: Identity
    trials: tuple[Trial, ...]

    @property
    def survivors(self) -> tuple[Trial, ...]:
        """Return the trials whose defect was not noticed."""
        return tuple(trial for trial in self.trials if not trial.shown)

    @property
    def controls_shown(self) -> frozenset[str]:
        """Return the controls with at least one defect, all of which were noticed."""
        return frozenset(trial.control for trial in self.trials) - {trial.control for trial in self.survivors}

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain data, without times."""
        return {
            "schema": SCHEMA,
            "identity": self.identity.to_json(),
            "counts": {"defects": len(self.trials), "shown": len(self.trials) - len(self.survivors)},
            "faults": [trial.to_json() for trial in sorted(self.trials, key=lambda trial: trial.fault)],
        }


@dataclass(frozen=True)
class Seeded:
    """What the gate reads of seeded defects: the declared ones, the record where it counts, and why it does not where there is one that does not."""

    faults: tuple[Fault, ...] = ()
    record: FaultRecord | None = None
    refusal: str = ""

    def trial(self, fault_id: str) -> Trial | None:
        """Return what happened under a defect, in a record that counts."""
        trials = self.record.trials if self.record else ()
        return next((trial for trial in trials if trial.fault == fault_id), None)


def read_seeded(root: Path, identity: Identity, cache: ReadingCache | None = None) -> tuple[Seeded, tuple[Problem, ...]]:
    """Read declaration and record; what is wrong with the declaration itself is returned beside them."""
    faults, problems = read_faults(root, cache)
    record, refusal = examine_shown(root, identity)
    return Seeded(faults, record, refusal), problems


def read_faults(root: Path, cache: ReadingCache | None = None) -> tuple[tuple[Fault, ...], tuple[Problem, ...]]:
    """Return the declared defects in the order of the file; none where there is no file, which leaves every control without."""
    if not (root / FAULTS).is_file():
        return (), ()
    return _declared(read(root, FAULTS, TABLE, cache))


@remembered
def _declared(document: Document) -> tuple[tuple[Fault, ...], tuple[Problem, ...]]:
    rows = document.rows("fault")
    faults = tuple(_fault(row) for row in rows if row.sound)
    return faults, (*document.problems, *duplicate_ids(rows))


def _fault(row: Row) -> Fault:
    data = row.data
    return Fault(
        id=row.id,
        control=data["control"],
        kind=FaultKind(data["kind"]),
        would_fail_if=data["would_fail_if"],
        changes=data["where"],
        defect=data["defect"],
        scenarios=tuple(data["scenarios"]),
        where=row.where,
    )


def read_shown(root: Path, identity: Identity) -> FaultRecord | None:
    """Return the record of the last run of seeded defects, where it is one of exactly what lies here; None otherwise."""
    return examine_shown(root, identity)[0]


def examine_shown(root: Path, identity: Identity) -> tuple[FaultRecord | None, str]:
    """Return the record that counts, or why the one that lies here does not; nothing of either where there is none."""
    try:
        record = _record(json.loads((root / SHOWN).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        return None, f"{SHOWN} is unreadable ({type(err).__name__}: {err})"
    if identity.sha256 is None:
        return None, f"nothing can be compared: {identity.reason}"
    named = difference(record.identity, identity)
    if named:
        rest = f"; and {len(named) - NAMED_DIFFERENCES} more" if len(named) > NAMED_DIFFERENCES else ""
        return None, "; ".join(named[:NAMED_DIFFERENCES]) + rest
    return record, ""


def _record(data: Mapping[str, Any]) -> FaultRecord:
    if data["schema"] != SCHEMA:
        raise ValueError(f"schema {data['schema']!r} instead of {SCHEMA!r}")
    record = FaultRecord(Identity.from_json(data["identity"]), tuple(Trial.from_json(entry) for entry in data["faults"]))
    if data["counts"] != record.to_json()["counts"]:
        raise ValueError("the counts are not those of the defects listed")
    return record
