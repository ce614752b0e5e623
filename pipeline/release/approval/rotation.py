"""Enters in ``releases/keys.jsonl`` that the key of a signer gave way to another: both keys sign, and the records that the old one had signed are named.

    old key + new key + records signed so far -> one line, after the line before

A record holds no time, so "retired from then on" is said without one: the old key counts for the records that its line names, and for no other. Whoever
finds the old key later can sign nothing that a verifier takes. Whoever pinned the old key is led to the new one, and the other way round.

Source: NIST SP 800-57 Part 1 5.3.4 (originator usage period), 8.3.4; 21 CFR 11.300 b); docs/adr/0034.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pipeline.release import verifier
from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.canonical import canonical
from pipeline.release.record.folder import RELEASES, replace_bytes
from pipeline.signing import SigningError, current_key, person_of
from verification.trace.keys import sign
from verification.trace.people import read_people, time_text

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from pathlib import Path

    from pipeline.keyring import Keyring
    from verification.trace.people import Key, People

SCHEMA = "thoratrace/release-rotation/1"
SHORTEST_REASON = 10


def rotate(root: Path, name: str, reason: str, keyring: Keyring, now: datetime) -> dict[str, Any]:
    """Append the rotations from a person's last entered key to the one that counts now, one line for each key that gave way, and return the last.

    Args:
        root: of the repository; people.toml there says by ``replaces`` which key gave way (./qms people rotate).
        name: of the person.
        reason: in words.
        keyring: holds the private keys of both sides of each line.
        now: UTC.

    Raises:
        ReleaseRefused: ``REL-ROTATION``, people.toml names no key that gave way, it was entered before, or rotations or a record do not hold.
        KeyringError: one of the private keys is not there.
    """
    if len(reason.strip()) < SHORTEST_REASON or not reason.isprintable():
        raise _refused(f"the reason {reason[:40]!r}", "why, in a sentence")
    people, faults = read_people(root)
    if faults:
        raise _refused("; ".join(map(str, faults[:3])), "a people.toml that holds")
    lines = _lines(root)
    said = {"schema": SCHEMA, "name": name, "time": time_text(now), "reason": reason.strip()}
    for old, new in _missing(people, name, now, {each["from"] for each in lines}):
        previous = hashlib.sha256(canonical(lines[-1])).hexdigest() if lines else "0" * 64
        ends = {"from": old.public.line, "to": new.public.line, "records": signed_records(root, old.id), "previous": previous}
        lines.append(_signed(said | ends, keyring, old, new))
    replace_bytes(root / RELEASES / verifier.ROTATIONS, b"".join(canonical(each) + b"\n" for each in lines))
    return lines[-1]


def _signed(line: dict[str, Any], keyring: Keyring, old: Key, new: Key) -> dict[str, Any]:
    message = canonical(line)
    return line | {f"signed_{side}": sign(keyring.private(key.id), message) for side, key in (("from", old), ("to", new))}


def signed_records(root: Path, key: str) -> list[str]:
    """Return the SHA-256 of every record under releases/ that a key validly signed, sorted.

    Raises:
        ReleaseRefused: ``REL-ROTATION``, a record there cannot be read.
    """
    folders = (path for path in sorted((root / RELEASES).glob("*")) if path.is_dir())
    try:
        opened = [verifier.opened(verifier.Order(folder)) for folder in folders]
    except verifier.Fault as err:
        raise _refused(f"{err.args[0]} at {err.args[1]}: {err.args[2]}", "records that can be read") from err
    return sorted(each.sha256 for each in opened if key in verifier.signed(each))


def _missing(people: People, name: str, now: datetime, given_up: Collection[str]) -> list[tuple[Key, Key]]:
    """Return each key of a person with the one that replaced it, oldest first, as far back as no line names it: a key that is skipped would stay believed."""
    try:
        person = person_of(people, name)
        key = new = current_key(person, now)
    except SigningError as err:
        raise _refused(str(err), "a person with a key that counts") from err
    links: list[tuple[Key, Key]] = []
    while old := next((each for each in person.keys if each.id == key.replaces), None):
        if old.public.line in given_up:
            break
        links.append((old, key))
        key = old
    if not links:
        raise _refused(*_nothing_to_enter(new, old))
    return links[::-1]


def _nothing_to_enter(new: Key, old: Key | None) -> tuple[str, str]:
    if old is None:
        return f"{new.id}, which replaces no key", "a key made with ./qms people rotate"
    return f"{old.id}, which gave way before", "a key that gives way once"


def _lines(root: Path) -> list[dict[str, Any]]:
    try:
        return verifier.rotations_beside(root / RELEASES / "next")
    except verifier.Fault as err:
        raise _refused(f"{err.args[1]}: {err.args[2]}", "a chain that holds") from err


def _refused(found: str, expected: str) -> ReleaseRefused:
    repair = "see docs/adr/0034; ./qms people list prints keys, ./qms release verify names faults"
    return ReleaseRefused("REL-ROTATION", where=f"{RELEASES}/{verifier.ROTATIONS}", found=found, expected=expected, repair=repair)
