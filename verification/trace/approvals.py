"""Signed reviews and approvals: one line for each in verification/approvals.jsonl, each bound to its target's content and to the line before it.

A record says who signed in which role, when (UTC), what the signature means, for which one target, by the hash of what content, by which fingerprints of what that
content links to, and why, in words. All of it is signed, with the schema and the project before it and the hash of the line before it. `approvals.head.json`
beside it holds the number of records and the hash of the last, so that a chain cut off at its end shows too.

A record that does not hold is refused and named; it counts for nothing. Where the chain itself does not hold, no record counts.

What signatures cannot show, and procedures have to: that the person read the content, that the clock was right, that two names are two persons, and that the key was
in one pair of hands. Whoever writes records, head and keys anew is met by the history of the repository only.

Source: 21 CFR 11.10 e), 11.50 a), 11.70, 11.200; ISO 13485 4.2.4, 4.2.5; design 4 (a link carries the fingerprint of what was reviewed).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from verification.trace import signed_chain
from verification.trace.codes import problem
from verification.trace.keys import ForgedError, Form, MalformedError, verify
from verification.trace.people import MEANINGS, People, shown, time_of
from verification.trace.signed_chain import Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from requirements_spec.problem import Problem
    from verification.trace.keys import PublicKey
    from verification.trace.people import Key, Person
    from verification.trace.signed_chain import Chain

APPROVALS = "verification/approvals.jsonl"
HEAD = "verification/approvals.head.json"
SCHEMA = "thoratrace/approval/1"
HEAD_SCHEMA = "thoratrace/approvals-head/1"
CHAIN = signed_chain.Form(APPROVALS, HEAD, HEAD_SCHEMA, "records", "SIG-CHAIN", "approvals")
"""Where the records lie, and how their chain is spoken of."""

READING_TIME = 10
"""Seconds between two signatures of one key, at least: less was not spent on reading."""

SHORTEST_STATEMENT = 10
"""Characters of a statement, at least."""

MOST_LINES = 10_000
"""Lines, and signatures over them, that are kept judged: a process that judges again finds almost all of them as they were."""

_KEYS = frozenset(
    "schema project name role time meaning target sha256 links statement key previous form signature".split()  # noqa: SIM905
)
_HASH = re.compile(r"[0-9a-f]{64}")
_ITEM = re.compile(r"[A-Z]+(-[A-Z0-9]+)+")
_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*\.[a-z0-9]+")


class Signed(Protocol):
    """What carries a signature: an approval, or an entry of the audit log."""

    @property
    def key(self) -> str:
        """Fingerprint of the key."""

    @property
    def time(self) -> str:
        """When it was signed, UTC, ``2026-11-21T10:00:00Z``."""

    @property
    def message(self) -> bytes:
        """The bytes that are signed."""

    @property
    def form(self) -> Form:
        """How it was signed."""

    @property
    def signature(self) -> str:
        """Base64."""


@dataclass(frozen=True, slots=True)
class Record:
    """One signed statement about one target.

    Attributes:
        project: of people.toml; a record of another project counts for nothing here.
        name: who signed.
        role: as what.
        time: when, UTC, ``2026-11-21T10:00:00Z``.
        meaning: one of ``MEANINGS``.
        target: an item's id or a document's path from the root.
        sha256: the item's fingerprint or the document's SHA-256.
        links: fingerprint of each item that the target names.
        statement: in words.
        key: fingerprint of the key.
        previous: SHA-256 of the line before.
        form: how it was signed.
        signature: base64; empty before it is signed.
        where: ``file:line``.
    """

    project: str
    name: str
    role: str
    time: str
    meaning: str
    target: str
    sha256: str
    links: tuple[tuple[str, str], ...]
    statement: str
    key: str
    previous: str
    form: Form
    signature: str = ""
    where: str = field(default="", compare=False)

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain data, as its line holds it."""
        names = sorted(_KEYS - {"schema", "links", "form"})
        return {
            "schema": SCHEMA,
            "links": dict(self.links),
            "form": str(self.form),
            **{name: getattr(self, name) for name in names},
        }

    @property
    def message(self) -> bytes:
        """The bytes that are signed: the canonical text of everything but the signature."""
        return canonical({key: value for key, value in self.to_json().items() if key != "signature"}).encode()

    @property
    def line(self) -> str:
        """The record's line without its end."""
        return canonical(self.to_json())


@dataclass(frozen=True)
class Approvals:
    """What the chain amounts to.

    Attributes:
        records: those that hold, in their order; none where the chain does not hold.
        problems: what was refused, and why.
    """

    records: tuple[Record, ...] = ()
    problems: tuple[Problem, ...] = ()

    def for_content(self, target: str, sha256: str, meaning: str = "approved") -> tuple[Record, ...]:
        """Return the records of a meaning for exactly this content of a target: of each person in a role the last one, which saw what is linked now."""
        said = [each for each in self.records if (each.target, each.sha256, each.meaning) == (target, sha256, meaning)]
        return tuple({(each.name, each.role): each for each in said}.values())

    def valid_for(self, target: str, sha256: str) -> frozenset[str]:
        """Return the roles that approved exactly this content of a target; each of another person with another key."""
        return frozenset(each.role for each in self.for_content(target, sha256))

    def latest(self, target: str) -> Record | None:
        """Return the last record about a target, whatever its content was then."""
        return next((each for each in reversed(self.records) if each.target == target), None)


@dataclass(frozen=True)
class Subject:
    """What can be signed as it lies here: its hash, the fingerprints of what it links to, and who wrote it."""

    sha256: str
    links: tuple[tuple[str, str], ...] = ()
    authors: frozenset[str] = frozenset()


def canonical(data: Mapping[str, Any]) -> str:
    """Return the one text of a record: keys sorted, no spaces, UTF-8."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def is_target(text: str) -> bool:
    """Say whether a text names one item or one file, and cannot name more.

    >>> [is_target(each) for each in ("SRS-001", "risk/data/policy.toml", "SRS-*", "risk/data", "SRS-001,SRS-002", "../a.toml")]
    [True, True, False, False, False, False]
    """
    return bool(_ITEM.fullmatch(text) or _PATH.fullmatch(text))


def read_chain(root: Path) -> Chain:
    """Return the lines and the head as they lie there; what cannot be read is a problem of the chain."""
    return signed_chain.read(root, CHAIN)


def head_json(lines: tuple[str, ...]) -> dict[str, Any]:
    """Return what the head says of these lines."""
    return CHAIN.head_json(lines)


def examine(chain: Chain, people: People, subjects: Mapping[str, Subject], now: datetime) -> Approvals:
    """Judge every record of a chain.

    Args:
        chain: as read.
        people: who may sign what.
        subjects: what can be signed, as it lies here; decides who wrote it.
        now: UTC; nothing is signed later than this.
    """
    judged = _by_themselves(chain.lines, people)
    parsed = [record for record, _ in judged]
    links = (None if record is None else Link(record.previous, record.target) for record in parsed)
    broken = [*chain.problems, *signed_chain.breaks(chain, CHAIN, links), *_out_of_time(parsed, now)]
    sound: list[Record] = []
    refused: list[Problem] = []
    words: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record, faults in judged:
        found = list(faults)
        if record is not None:
            said = words[record.target, record.sha256, record.name]
            found += _self(record, said, subjects)
            if not found:
                sound.append(record)
                said.append(record)
        refused += found
    return Approvals(() if broken else tuple(sound), tuple(sorted([*broken, *refused])))


@lru_cache(maxsize=4)
def _by_themselves(lines: tuple[str, ...], people: People) -> tuple[tuple[Record | None, tuple[Problem, ...]], ...]:
    """Return each line's record, and what is wrong with it by itself and after those before it: a pure answer, so a process that judges again asks once."""
    earlier = _Earlier()
    judged = []
    for number, line in enumerate(lines, start=1):
        record, faults = _parsed(line, f"{APPROVALS}:{number}")
        if record is not None:
            faults = (*faults, *_refusals(record, people), *_repeats(record, earlier))
            earlier.add(record)
        judged.append((record, faults))
    return tuple(judged)


@lru_cache(maxsize=MOST_LINES)
def _parsed(line: str, where: str) -> tuple[Record | None, tuple[Problem, ...]]:
    """Return the record of a line, or why there is none."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as err:
        return None, (problem("SIG-RECORD", where, "record", found=f"no record ({type(err).__name__})"),)
    if not isinstance(data, dict):
        return None, (problem("SIG-RECORD", where, "record", found=f"no record but a {type(data).__name__}"),)
    item = str(data.get("target", "record"))[:120]
    faults = tuple(_form_faults(data, line, where, item))
    if faults:
        return None, faults
    texts = {name: data[name] for name in _KEYS - {"schema", "links", "form"}}
    return Record(**texts, links=tuple(sorted(data["links"].items())), form=Form(data["form"]), where=where), ()


def _form_faults(data: Mapping[str, Any], line: str, where: str, item: str) -> Iterator[Problem]:
    if set(data) != _KEYS:
        unsigned, missing = sorted(set(data) - _KEYS), sorted(_KEYS - set(data))
        yield problem("SIG-RECORD", where, item, found=f"further fields {unsigned}, missing fields {missing}")
        return
    if isinstance(data["target"], list | dict):
        yield problem("SIG-BULK", where, item, found=f"{len(data['target'])} targets in one record")
        return
    texts = all(isinstance(data[name], str) for name in _KEYS - {"links"})
    links = isinstance(data["links"], dict) and all(
        isinstance(each, str) and _HASH.fullmatch(each) for each in data["links"].values()
    )
    if not (texts and links) or data["schema"] != SCHEMA or data["form"] not in set(Form) or not _HASH.fullmatch(data["sha256"]):
        yield problem("SIG-RECORD", where, item, found="a field of another type or form")
    elif canonical(data) != line:
        yield problem(
            "SIG-RECORD",
            where,
            item,
            found="a line that is not the canonical text of its content (a key twice, a space, another order)",
        )
    elif not is_target(data["target"]):
        several = re.search(r"[\s,;|]", data["target"])
        code, what = ("SIG-BULK", "several targets") if several else ("SIG-WILDCARD", "a pattern or a folder")
        yield problem(code, where, item, found=f"{what}: {data['target'][:120]}")


def _out_of_time(parsed: Iterable[Record | None], now: datetime) -> Iterator[Problem]:
    """Yield records that are later than now or earlier than the one before them."""
    latest: datetime | None = None
    for record in parsed:
        time = _time(record) if record is not None else None
        if record is None or time is None:
            continue
        if time > now:
            yield problem("SIG-TIME", record.where, record.target, found=f"signed at {record.time}, which is still to come")
        if latest is not None and time < latest:
            yield problem("SIG-TIME", record.where, record.target, found=f"signed at {record.time}, before the record above")
        latest = time if latest is None else max(latest, time)


def _time(record: Signed) -> datetime | None:
    try:
        return time_of(record.time)
    except ValueError:
        return None


def _refusals(record: Record, people: People) -> Iterator[Problem]:
    """Yield what is wrong with a record by itself: project, words, person, role, key, signature."""

    def refuse(code: str, found: str) -> Problem:
        return problem(code, record.where, record.target, found=f"{shown(record.name)}: {found}")

    if record.project != people.project:
        yield refuse("SIG-PROJECT", f"a record of the project {record.project!r}; this is {people.project!r}")
    if _time(record) is None:
        yield refuse("SIG-TIME", f"no UTC time: {record.time[:40]!r}")
    if record.meaning not in MEANINGS:
        yield refuse("SIG-MEANING", f"the meaning {record.meaning!r}")
    if len(record.statement.strip()) < SHORTEST_STATEMENT or not record.statement.isprintable():
        yield refuse("SIG-STATEMENT", f"the statement {record.statement[:40]!r}")
    person = people.person(record.name)
    if person is None:
        yield refuse("SIG-PERSON", "a name that people.toml does not hold")
        return
    role = people.role(record.role)
    if role is None or record.role not in person.roles:
        yield refuse("SIG-ROLE", f"signed as {record.role!r}, a role not held")
    elif record.meaning in MEANINGS and record.meaning not in role.meanings:
        yield refuse("SIG-ROLE", f"{record.meaning!r}, which the role {record.role!r} does not sign")
    yield from (refuse(code, found) for code, found in key_faults(record, person, people))


def key_faults(record: Signed, person: Person, people: People) -> Iterator[tuple[str, str]]:
    """Yield code and finding for everything that is wrong with the key and the signature of something that a person signed."""
    key = next((each for each in person.keys if each.id == record.key), None)
    if key is None:
        yield "SIG-KEY-UNKNOWN", f"the key {record.key}, which is not this person's"
        return
    if sum(each.id == key.id for other in people.persons for each in other.keys) > 1:
        yield "SIG-KEY-SHARED", f"the key {key.id}, which another name has too"
    time = _time(record)
    if time is not None:
        yield from _validity(key, time)
    if fault := _signature_fault(key.public, record.message, record.form, record.signature):
        yield fault


@lru_cache(maxsize=MOST_LINES)
def _signature_fault(public: PublicKey, message: bytes, form: Form, signature: str) -> tuple[str, str] | None:
    """Return code and finding where a signature is not that of a key over a message; asked once for each, because it costs more than all else."""
    try:
        verify(public, message, form, signature)
    except MalformedError as err:
        return "SIG-MALFORMED", str(err)
    except ForgedError as err:
        return "SIG-SIGNATURE", str(err)
    return None


def _validity(key: Key, time: datetime) -> Iterator[tuple[str, str]]:
    if time < key.valid_from:
        yield "SIG-KEY-EARLY", f"signed with a key that counts from {key.valid_from:%Y-%m-%d} on"
    if time > key.valid_until:
        yield "SIG-KEY-EXPIRED", f"signed with a key that counted until {key.valid_until:%Y-%m-%d}"
    if key.revoked is not None and time >= key.revoked:
        yield "SIG-KEY-REVOKED", f"signed with a key revoked at {key.revoked:%Y-%m-%d} ({key.revoked_reason})"


@dataclass
class _Earlier:
    """The records above one, found by what a repetition shares with them."""

    by_signature: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    by_content: dict[tuple[object, ...], list[Record]] = field(default_factory=lambda: defaultdict(list))
    last_of_key: dict[str, Record] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Take a record in."""
        self.by_signature[record.signature].append(record)
        self.by_content[_content(record)].append(record)
        self.last_of_key[record.key] = record

    def same(self, record: Record) -> list[Record]:
        """Return the records that have this one's signature, or say the same of the same content and the same links by the same person."""
        found = {each.where: each for each in (*self.by_signature[record.signature], *self.by_content[_content(record)])}
        return list(found.values())


def _content(record: Record) -> tuple[object, ...]:
    return record.name, record.role, record.meaning, record.target, record.sha256, record.links


def _repeats(record: Record, earlier: _Earlier) -> Iterator[Problem]:
    """Yield a record that repeats an earlier one, and one that follows too fast upon another of its key."""
    for same in earlier.same(record):
        yield problem("SIG-REPLAY", record.where, record.target, found=f"what {same.where} holds already")
    last = earlier.last_of_key.get(record.key)
    times = (_time(record), _time(last) if last else None)
    if times[0] is not None and times[1] is not None and 0 <= (times[0] - times[1]).total_seconds() < READING_TIME:
        found = f"{(times[0] - times[1]).total_seconds():.0f} s after the signature before it; nobody reads that fast"
        yield problem("SIG-BULK", record.where, record.target, found=found)


def _self(record: Record, said: Iterable[Record], subjects: Mapping[str, Subject]) -> Iterator[Problem]:
    """Yield an approval by who wrote the content, before or after saying so, and a second approval of one person in another role."""
    who = shown(record.name)
    subject = subjects.get(record.target)
    current = subject is not None and subject.sha256 == record.sha256
    if record.meaning == "approved" and subject is not None and current and record.name in subject.authors:
        yield problem("SIG-SELF", record.where, record.target, found=f"{who} wrote what this approves")
    for other in said:
        if {other.meaning, record.meaning} == {"authored", "approved"}:
            yield problem("SIG-SELF", record.where, record.target, found=f"{who} signed it as {other.meaning} at {other.where}")
        if other.meaning == record.meaning == "approved" and other.role != record.role:
            yield problem("SIG-SELF", record.where, record.target, found=f"{who} approved it as {other.role} already")


def suspects(record: Record, subject: Subject, fingerprints: Mapping[str, str]) -> Iterator[str]:
    """Yield, in words, each link that is not what the signer saw: another content, gone, or never looked at."""
    signed = dict(record.links)
    for target, _ in subject.links:
        if target not in signed:
            yield f"{target}, whose content the signature does not name"
    for target, before in record.links:
        now = fingerprints.get(target)
        if now != before:
            yield f"{target} had the content {before[:12]}, now {now[:12] if now else 'gone'}"
