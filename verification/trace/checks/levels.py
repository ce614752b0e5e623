"""What the levels release and submission ask for beyond development. What the project cannot show yet is a problem here, never a pass."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from verification.trace.approvals import suspects
from verification.trace.codes import problem
from verification.trace.people import shown
from verification.trace.subjects import fingerprints, subjects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from requirements_spec.problem import Problem
    from verification.trace.approvals import Approvals, Record, Subject
    from verification.trace.baseline import Entry
    from verification.trace.case import Case
    from verification.trace.inputs import Inputs

ROLES = 2
"""Roles that approve a document before a release, at least."""

SAME_WORDS = 3
"""Records of one person that may carry the same statement."""


def content_is_signed(case: Case) -> Iterator[Problem]:
    """Yield every reviewed file without approvals of the roles it needs, and every approval whose target or whose links changed since."""
    known = subjects(case.inputs.material)
    items = fingerprints(case.inputs.material)
    for name in case.inputs.reviewed:
        subject = known.get(name)
        if missing := lacking(case.inputs, name, subject):
            yield problem("TRC-SIGNATURE", name, PurePosixPath(name).stem, found=missing)
        yield from _suspect(case.inputs.approvals, name, subject, items)


def reductions_are_signed(case: Case) -> Iterator[Problem]:
    """Yield every entry of the ledger of obligations, renewed away or not, that two roles have not approved."""
    for entry, missing in unsigned_reductions(case.inputs):
        yield problem("OBL-UNSIGNED", entry.where, entry.id, found=f"{entry.what[:160]}: {missing}")


def unsigned_reductions(inputs: Inputs) -> Iterator[tuple[Entry, str]]:
    """Yield the entries that lack an approval, and what they lack."""
    known = subjects(inputs.material) if inputs.obligations.entries else {}
    for entry in inputs.obligations.entries:
        if missing := lacking(inputs, entry.id, known.get(entry.id)):
            yield entry, missing


def statements_are_own_words(case: Case) -> Iterator[Problem]:
    """Yield statements that stand word for word in more records than one opinion can be had about."""
    records = case.inputs.approvals.records
    counts = Counter((record.name, record.statement.strip().casefold()) for record in records)
    for record in records:
        if (count := counts[record.name, record.statement.strip().casefold()]) > SAME_WORDS:
            found = f"{shown(record.name)} said the same of {count} targets: {record.statement[:60]!r}"
            yield problem("SIG-STATEMENT", record.where, record.target, found=found)


def lacking(inputs: Inputs, name: str, subject: Subject | None) -> str:
    """Return in words what a target lacks to be approved by the roles it needs; empty where it lacks nothing."""
    if subject is None:
        return "no such content, so nothing to approve"
    if not inputs.has_people:
        return "no people.toml, so no role has a key"
    records = inputs.approvals.for_content(name, subject.sha256)
    roles = {record.role for record in records}
    missing = [role for role in inputs.people.required(name) if role not in roles]
    authors = subject.authors | {each.name for each in inputs.approvals.for_content(name, subject.sha256, "authored")}
    if missing or len(roles) < ROLES:
        wanted = f"missing {', '.join(missing)}" if missing else f"{ROLES} are needed"
        return f"approved by {_listed(records)}; {wanted}{_stale(inputs.approvals, name, subject)}"
    return "" if authors else "nobody says to have written it, so that self-approval cannot be excluded (sign it as authored)"


def _listed(records: Iterable[Record]) -> str:
    return ", ".join(f"{record.role}: {shown(record.name)}" for record in records) or "nobody"


def _stale(approvals: Approvals, name: str, subject: Subject) -> str:
    last = approvals.latest(name)
    if last is None or last.sha256 == subject.sha256:
        return ""
    return f"; the last signature ({shown(last.name)}, {last.time}) is for the content {last.sha256[:12]}, here lies {subject.sha256[:12]}"


def _suspect(approvals: Approvals, name: str, subject: Subject | None, items: Mapping[str, str]) -> Iterator[Problem]:
    if subject is None:
        return
    for record in approvals.for_content(name, subject.sha256):
        for reason in suspects(record, subject, items):
            yield problem("SIG-SUSPECT", name, PurePosixPath(name).stem, found=f"approved by {shown(record.name)}: {reason}")


def no_gap_is_open(case: Case) -> Iterator[Problem]:
    """Yield every gap of the register; one that cannot be read hides gaps and is a problem itself."""
    yield from case.inputs.gaps
