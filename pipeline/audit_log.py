"""Enters what was done in the repository's audit log (AUDIT.jsonl), signed; an entry that the gate would refuse is not written.

The log and its head are replaced one after the other, each whole; a machine that dies between the two leaves a head that the gate names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from device_sw.errors import CodedError
from pipeline.signing import SigningError, current_key, person_of
from verification.trace.audit_log import AUDIT, DOCUMENTS, HEAD, AuditTrail, Entry, Event, examine, head_json, read_log
from verification.trace.evidence import write_json
from verification.trace.keys import Form, sign
from verification.trace.people import read_people, time_text
from verification.trace.signed_chain import Chain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.keyring import Keyring
    from verification.trace.people import People, Person


class AuditRefused(CodedError):
    """Nothing was entered. Codes: LOG-BROKEN, the log or people.toml do not hold; LOG-REFUSED, the entry would not."""


@dataclass(frozen=True)
class Signer:
    """Who enters something: the name of people.toml, as what (the person's only fitting role where empty), why, and the keys."""

    name: str
    role: str
    statement: str
    keyring: Keyring


def read_trail(root: Path) -> AuditTrail:
    """Return what the log amounts to.

    Raises:
        AuditRefused: ``LOG-BROKEN``, the log or people.toml do not hold.
    """
    people, log = _read(root)
    trail = examine(log, people, datetime.now(UTC))
    if trail.problems:
        raise _broken("; ".join(f"{each.where} {each.found}" for each in trail.problems[:5]))
    return trail


def enter(root: Path, event: Event, facts: Mapping[str, str], signer: Signer) -> Entry:
    """Sign an entry and append it to the log.

    Raises:
        AuditRefused: the log does not hold, or would not with this entry.
        KeyringError: the private key is not there.
    """
    people, log = _read(root)
    now = datetime.now(UTC)
    try:
        person = person_of(people, signer.name)
        key = current_key(person, now).id
    except SigningError as err:
        raise _refused(str(err)) from err
    entry = Entry(
        project=people.project,
        event=event,
        name=person.name,
        role=signer.role or _role(person, people, DOCUMENTS[event]),
        time=time_text(now),
        statement=signer.statement.strip(),
        facts=tuple(sorted(facts.items())),
        key=key,
        previous=log.last,
        form=Form.PLAIN,
    )
    entry = replace(entry, signature=sign(signer.keyring.private(entry.key), entry.message, entry.form))
    _append(root, log, people, entry)
    return entry


def _read(root: Path) -> tuple[People, Chain]:
    people, faults = read_people(root)
    if faults:
        raise _broken("; ".join(map(str, faults[:5])))
    return people, read_log(root)


def _role(person: Person, people: People, document: str) -> str:
    fitting = [role for role in person.roles if role in people.required(document)]
    if len(fitting) != 1:
        held = ", ".join(person.roles)
        raise _refused(f"{person.name} holds {held}, of which {len(fitting)} may enter this; say with --role as which")
    return fitting[0]


def _append(root: Path, log: Chain, people: People, entry: Entry) -> None:
    lines = (*log.lines, entry.line)
    head = head_json(lines)
    after = examine(Chain(lines, (head["entries"], head["sha256"]), log.problems), people, datetime.now(UTC))
    _require_head(log)
    if after.problems:
        raise _refused("; ".join(f"{each.code}: {each.found}" for each in after.problems[:5]))
    part = (root / AUDIT).with_suffix(".part")
    with part.open("w", encoding="utf-8") as stream:
        stream.write("".join(f"{line}\n" for line in lines))
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(root / AUDIT)
    write_json(root / HEAD, head)


def _require_head(log: Chain) -> None:
    """Refuse to write a new head over one that does not fit: it would hide what was cut off."""
    head = head_json(log.lines)
    if (log.head or (0, head_json(())["sha256"])) != (head["entries"], head["sha256"]):
        raise _broken(f"{HEAD} does not fit {AUDIT}")


def _broken(found: str) -> AuditRefused:
    repair = "restore AUDIT.jsonl, its head and people.toml from version control; ./qms check names each fault"
    return AuditRefused("LOG-BROKEN", where=AUDIT, found=found, expected="a log that holds", repair=repair)


def _refused(found: str) -> AuditRefused:
    repair = "see the message; ./qms people list prints who holds which role and key"
    return AuditRefused("LOG-REFUSED", where=AUDIT, found=found, expected="an entry that holds", repair=repair)
