"""The repository's audit log: what was done that cannot be done twice, one signed line each, in a chain (AUDIT.jsonl).

An approval says what somebody thinks of content; an entry says what was done: a protocol frozen, the locked cohort opened, its result known, a release recorded
and approved. Each entry holds its event, the facts that the event needs, who did it in which role, when (UTC), why, and the hash of the line before; all of it is signed with the key that people.toml
gives the name. `AUDIT.head.json` holds the number of entries and the hash of the last, so that a log cut off at its end shows too.

The order is judged as well: a protocol is opened after it was frozen, and once; a version is recorded once, and approved as it was recorded. An entry that does not hold counts for nothing, except that an opening always counts
as one: whoever looked has looked, signed or not.

Whoever writes log, head and keys anew is met by the history of the repository only.

Source: 21 CFR 11.10 e); ISO 13485 4.2.5; design 4 and 5 (the locked cohort).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from verification.trace import signed_chain
from verification.trace.approvals import SHORTEST_STATEMENT, canonical, key_faults
from verification.trace.audit_order import order_problems
from verification.trace.codes import problem
from verification.trace.executed_protocol import PROTOCOL
from verification.trace.keys import Form
from verification.trace.people import shown, time_of
from verification.trace.signed_chain import Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from requirements_spec.problem import Problem
    from verification.trace.people import People
    from verification.trace.signed_chain import Chain

AUDIT = "AUDIT.jsonl"
HEAD = "AUDIT.head.json"
SCHEMA = "thoratrace/audit-entry/1"
HEAD_SCHEMA = "thoratrace/audit-head/1"
CHAIN = signed_chain.Form(AUDIT, HEAD, HEAD_SCHEMA, "entries", "AUD-CHAIN", "audit log")
"""Where the entries lie, and how their chain is spoken of."""

_KEYS = frozenset("schema project event name role time statement facts key previous form signature".split())  # noqa: SIM905
_HASH = re.compile(r"[0-9a-f]{64}")
_LONGEST_FACT = 200


class Event(StrEnum):
    """What can be entered; a new kind is one line here and one in ``FACTS``."""

    FROZEN = "protocol-frozen"
    OPENED = "locked-cohort-opened"
    JUDGED = "locked-cohort-judged"
    RECORDED = "release-recorded"
    APPROVED = "release-approved"


FACTS: Mapping[Event, frozenset[str]] = MappingProxyType(
    {
        Event.FROZEN: frozenset({"protocol_sha256", "version", "studies", "studies_needed"}),
        Event.OPENED: frozenset({"protocol_sha256", "weights_sha256", "bundle_sha256", "code_sha256", "seed", "studies"}),
        Event.JUDGED: frozenset(
            {"protocol_sha256", "weights_sha256", "predictions_sha256", "evidence", "evidence_sha256", "primary_passed"}
        ),
        Event.RECORDED: frozenset({"version", "record_sha256", "commit"}),
        Event.APPROVED: frozenset({"version", "record_sha256"}),
    }
)
"""The facts of each event, all texts; names that end with ``sha256``, and the seed, are 64 hexadecimal digits."""

RELEASES = "releases"
DOCUMENTS: Mapping[Event, str] = MappingProxyType(
    dict.fromkeys((Event.FROZEN, Event.OPENED, Event.JUDGED), PROTOCOL)
    | dict.fromkeys((Event.RECORDED, Event.APPROVED), RELEASES)
)
"""The document whose approving roles may enter an event, by people.toml's rules."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done.

    Attributes:
        project: of people.toml.
        event: one of `Event`.
        name: who did it.
        role: as what.
        time: when, UTC, ``2026-11-21T10:00:00Z``.
        statement: why, in words.
        facts: sorted pairs of name and text.
        key: fingerprint of the key.
        previous: SHA-256 of the line before.
        form: how it was signed.
        signature: base64; empty before it is signed.
        where: ``file:line``.
    """

    project: str
    event: Event
    name: str
    role: str
    time: str
    statement: str
    facts: tuple[tuple[str, str], ...]
    key: str
    previous: str
    form: Form
    signature: str = ""
    where: str = field(default="", compare=False)

    def fact(self, name: str) -> str:
        """Return a fact; every entry has those of its event."""
        return dict(self.facts)[name]

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain data, as its line holds it."""
        texts = {name: str(getattr(self, name)) for name in _KEYS - {"schema", "facts"}}
        return {"schema": SCHEMA, "facts": dict(self.facts), **texts}

    @property
    def message(self) -> bytes:
        """The bytes that are signed: the canonical text of everything but the signature."""
        return canonical({key: value for key, value in self.to_json().items() if key != "signature"}).encode()

    @property
    def line(self) -> str:
        """The entry's line without its end."""
        return canonical(self.to_json())


@dataclass(frozen=True)
class AuditTrail:
    """What the log amounts to.

    Attributes:
        entries: those that hold, in their order; none where the chain does not hold.
        opened: every entry of an opening that could be read, whether it holds or not.
        problems: what was refused, and why.
    """

    entries: tuple[Entry, ...] = ()
    opened: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()

    def of(self, event: Event, protocol_sha256: str) -> tuple[Entry, ...]:
        """Return the entries of an event about a protocol."""
        return tuple(each for each in self.entries if each.event is event and each.fact("protocol_sha256") == protocol_sha256)


def read_log(root: Path) -> Chain:
    """Return the lines and the head as they lie there; what cannot be read is a problem of the log."""
    return signed_chain.read(root, CHAIN)


def head_json(lines: tuple[str, ...]) -> dict[str, Any]:
    """Return what the head says of these lines."""
    return CHAIN.head_json(lines)


def examine(log: Chain, people: People, now: datetime) -> AuditTrail:
    """Judge every entry of a log.

    Args:
        log: as read.
        people: who may sign; an entry about the protocol needs a role that approves the protocol, one about a release a role that approves releases.
        now: UTC; nothing is entered later than this.
    """
    parsed = [_parsed(line, f"{AUDIT}:{number}") for number, line in enumerate(log.lines, start=1)]
    entries = [entry for entry, _ in parsed if entry is not None]
    links = (None if entry is None else Link(entry.previous, str(entry.event)) for entry, _ in parsed)
    broken = [*log.problems, *signed_chain.breaks(log, CHAIN, links)]
    refused = [fault for _, faults in parsed for fault in faults]
    unsound: set[str] = set()
    for entry in entries:
        found = [*_unsigned(entry, people), *_out_of_time(entry, entries, now)]
        refused += found
        unsound |= {entry.where} if found else set()
    disordered = tuple(order_problems(entries, frozenset(unsound)))
    unsound |= {each.where for each in disordered}
    return AuditTrail(
        entries=() if broken else tuple(entry for entry in entries if entry.where not in unsound),
        opened=tuple(entry for entry in entries if entry.event is Event.OPENED),
        problems=tuple(sorted([*broken, *refused, *disordered])),
    )


def _parsed(line: str, where: str) -> tuple[Entry | None, tuple[Problem, ...]]:
    """Return the entry of a line, or why there is none."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as err:
        return None, (problem("AUD-ENTRY", where, "entry", found=f"no entry ({type(err).__name__})"),)
    if fault := _form_fault(data, line):
        return None, (problem("AUD-ENTRY", where, "entry", found=fault),)
    texts = {name: data[name] for name in _KEYS - {"schema", "facts", "form", "event"}}
    return Entry(
        **texts, event=Event(data["event"]), facts=tuple(sorted(data["facts"].items())), form=Form(data["form"]), where=where
    ), ()


def _form_fault(data: Any, line: str) -> str:
    """Return in words why parsed JSON is no entry; empty where it is one."""
    if not isinstance(data, dict) or set(data) != _KEYS:
        return f"another form: {', '.join(sorted(_KEYS ^ set(data)))}" if isinstance(data, dict) else "no object"
    if not all(isinstance(data[name], str) for name in _KEYS - {"facts"}) or not isinstance(data["facts"], dict):
        return "a field of another type"
    if data["schema"] != SCHEMA or data["event"] not in set(Event) or data["form"] not in set(Form):
        return f"the schema {data['schema'][:40]!r}, event {data['event'][:40]!r} or form {data['form'][:40]!r}"
    if fault := _facts_fault(data["facts"], FACTS[Event(data["event"])]):
        return fault
    return "" if canonical(data) == line else "a line that is not the canonical text of its content"


def _facts_fault(facts: Mapping[str, Any], owed: frozenset[str]) -> str:
    if set(facts) != owed:
        return f"other facts than {', '.join(sorted(owed))}"
    for name, value in facts.items():
        if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= _LONGEST_FACT:
            return f"the fact {name}, which is no short text"
        if (name.endswith("sha256") or name == "seed") and not _HASH.fullmatch(value):
            return f"the fact {name}, which is no hash"
    return ""


def _unsigned(entry: Entry, people: People) -> Iterator[Problem]:
    """Yield what is wrong with who signed an entry: project, words, person, role, key, signature."""

    def refuse(found: str) -> Problem:
        return problem("AUD-SIGNED", entry.where, str(entry.event), found=f"{shown(entry.name)}: {found}")

    if entry.project != people.project:
        yield refuse(f"an entry of the project {entry.project!r}; this is {people.project!r}")
    if len(entry.statement.strip()) < SHORTEST_STATEMENT or not entry.statement.isprintable():
        yield refuse(f"the statement {entry.statement[:40]!r}")
    person = people.person(entry.name)
    if person is None:
        yield refuse("a name that people.toml does not hold")
        return
    allowed = people.required(DOCUMENTS[entry.event])
    if entry.role not in person.roles or entry.role not in allowed:
        yield refuse(f"entered as {entry.role!r}; held: {', '.join(person.roles)}; may enter: {', '.join(allowed) or 'nobody'}")
    yield from (refuse(found) for _, found in key_faults(entry, person, people))


def _out_of_time(entry: Entry, entries: Iterable[Entry], now: datetime) -> Iterator[Problem]:
    """Yield an entry without a time, later than now, or earlier than one before it."""
    time = _time(entry)
    if time is None:
        yield problem("AUD-ENTRY", entry.where, str(entry.event), found=f"no UTC time: {entry.time[:40]!r}")
        return
    if time > now:
        yield problem("AUD-ENTRY", entry.where, str(entry.event), found=f"entered at {entry.time}, which is still to come")
    for earlier in entries:
        if earlier is entry:
            return
        before = _time(earlier)
        if before is not None and before > time:
            yield problem("AUD-ENTRY", entry.where, str(entry.event), found=f"entered at {entry.time}, before {earlier.where}")
            return


def _time(entry: Entry) -> datetime | None:
    try:
        return time_of(entry.time)
    except ValueError:
        return None
