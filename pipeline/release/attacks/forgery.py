"""What an attacker writes records with: their own few lines, and nothing of the code that makes or judges releases, so that no mistake is shared with it.

Source: in-toto Statement 1; DSSE 1.0 (pre-authentication encoding); RFC 8785; RFC 4253 6.6 (key blobs).
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pipeline.release.attacks.bench import KEYS, RECORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.release.attacks.bench import Bench

PEOPLE = "files/people.toml"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


def made_key(owner: str, number: int = 0) -> Ed25519PrivateKey:
    """Return a key that anyone can make again and nobody may trust: an attacker's own, or one with which a copy is sealed for an attack."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"thoratrace attack: {owner} {number}".encode()).digest())


def public_line(key: Ed25519PrivateKey) -> str:
    """Return the public half as an OpenSSH line."""
    return f"ssh-ed25519 {base64.b64encode(_blob(key)).decode()}"


def fingerprint(key: Ed25519PrivateKey) -> str:
    """Return the fingerprint that `ssh-keygen -l` prints."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(_blob(key)).digest()).decode().rstrip("=")


def _blob(key: Ed25519PrivateKey) -> bytes:
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return b"".join(struct.pack(">I", len(part)) + part for part in (b"ssh-ed25519", raw))


def pre_authentication(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Return the bytes that a DSSE signature is over.

    >>> pre_authentication(b"hello", "text")
    b'DSSEv1 4 text 5 hello'
    """
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)


def envelope_of(bench: Bench) -> dict[str, Any]:
    """Return the record's envelope as it lies in the copy."""
    return dict(json.loads((bench.release / RECORD).read_bytes()))


def payload_of(bench: Bench) -> bytes:
    """Return the bytes that are signed."""
    return base64.b64decode(envelope_of(bench)["payload"])


def statement_of(bench: Bench) -> dict[str, Any]:
    """Return the statement in the record's envelope."""
    return dict(json.loads(payload_of(bench)))


def write_envelope(bench: Bench, envelope: dict[str, Any]) -> None:
    """Write an envelope as records are written: canonical JSON and a final newline."""
    (bench.release / RECORD).write_bytes(rfc8785.dumps(envelope) + b"\n")


def write_statement(bench: Bench, statement: dict[str, Any], keys: Iterable[Ed25519PrivateKey] | None = None) -> None:
    """Put another statement into the envelope, signed with the given keys, and print the keys that it names; with None the old signatures stay on it."""
    write_payload(bench, rfc8785.dumps(statement), keys)
    print_keys(bench, statement)


def write_payload(bench: Bench, payload: bytes, keys: Iterable[Ed25519PrivateKey] | None = None) -> None:
    """Put any bytes into the envelope, signed with the given keys, in the order of their fingerprints; with None the old signatures stay on it."""
    envelope = envelope_of(bench) | {"payload": base64.b64encode(payload).decode()}
    if keys is not None:
        envelope["signatures"] = sorted((signature(key, payload) for key in keys), key=lambda each: each["keyid"])
    write_envelope(bench, envelope)


def signature(key: Ed25519PrivateKey, payload: bytes, payload_type: str = PAYLOAD_TYPE) -> dict[str, str]:
    """Return a signature of an envelope."""
    signed = key.sign(pre_authentication(payload, payload_type))
    return {"keyid": fingerprint(key), "sig": base64.b64encode(signed).decode()}


def rehash(bench: Bench, statement: dict[str, Any], *subjects: str) -> dict[str, Any]:
    """Let a statement say of these subjects what lies in the copy now; returns it."""
    for subject in statement["subject"]:
        if subject["name"] in subjects:
            content = bench.place(subject["name"]).read_bytes()
            subject["digest"] = {"sha256": hashlib.sha256(content).hexdigest()}
            statement["predicate"]["sizes"][subject["name"]] = len(content)
    return statement


ATTACKER, INSIDER, SEALER = "attacker", "insider", "sealer"
"""Owners of made keys: one whom nobody trusts, one whom the auditor pinned, and the one who seals copies of a trial that nobody signed."""


def take_over(bench: Bench, statement: dict[str, Any], owner: str) -> tuple[Ed25519PrivateKey, ...]:
    """Put an owner's keys in the place of the signers' in the statement, give them to the same names in the sealed list of people, and return them.

    The names keep their own keys, too: the sealed logs were signed with those, and would not hold without them.
    """
    signers = statement["predicate"]["signers"]
    keys = tuple(made_key(owner, number) for number in range(len(signers)))
    people = bench.place(PEOPLE).read_text(encoding="utf-8")
    for signer, key in zip(signers, keys, strict=True):
        people = _with_key(people, signer["key"], key)
        signer["key"], signer["public"] = fingerprint(key), public_line(key)
    bench.place(PEOPLE).write_text(people, encoding="utf-8")
    rehash(bench, statement, PEOPLE)
    return keys


def _with_key(people: str, held: str, key: Ed25519PrivateKey) -> str:
    """Return the list of people with one more key for the person who holds one; the table of the new one stands before that of the old one."""
    before, header, behind = people[: people.index(held)].rpartition("[[person.key]]")
    return f"{before}{_key_table(key)}{header}{behind}{people[people.index(held) :]}"


def _key_table(key: Ed25519PrivateKey) -> str:
    return f"""[[person.key]]
id = "{fingerprint(key)}"
public = "{public_line(key)}"
valid_from = "2026-01-01T00:00:00Z"
valid_until = "2036-01-01T00:00:00Z"
"""


def print_keys(bench: Bench, statement: dict[str, Any]) -> None:
    """Write the keys for reading as a statement names its signers."""
    keys = [{name: each[name] for name in ("name", "role", "key", "public")} for each in statement["predicate"]["signers"]]
    (bench.release / KEYS).write_bytes(rfc8785.dumps({"schema": "thoratrace/release-keys/1", "keys": keys}) + b"\n")


def pin(bench: Bench, keys: Iterable[Ed25519PrivateKey]) -> None:
    """Let the auditor have noted these keys."""
    bench.pin.write_text("".join(f"{fingerprint(key)}\n" for key in keys), encoding="utf-8")


def seal(bench: Bench) -> None:
    """Have the copy of a trial signed that nobody signed: by two people made for it, whose keys the auditor pins; a signed release stays as it is."""
    statement = statement_of(bench)
    if statement["predicate"]["signers"]:
        return
    keys = tuple(made_key(SEALER, number) for number in range(2))
    statement["predicate"]["signers"] = [_enrolled(bench, number, key) for number, key in enumerate(keys)]
    write_statement(bench, rehash(bench, statement, PEOPLE), keys)
    pin(bench, keys)


def _enrolled(bench: Bench, number: int, key: Ed25519PrivateKey) -> dict[str, Any]:
    """Add a person with a key to the sealed list of people and return the person as a signer."""
    name, role = f"DEMO-sealer-{number}", ("software lead", "quality assurance")[number]
    entry = f"""
[[person]]
name = "{name}"
kind = "demonstration"
roles = ["{role}"]
{_key_table(key)}"""
    with bench.place(PEOPLE).open("a", encoding="utf-8") as stream:
        stream.write(entry)
    public = {"key": fingerprint(key), "public": public_line(key)}
    return {"name": name, "role": role, "meaning": "approved", **public, "demonstration": True}


def reseal(bench: Bench, change: Callable[[dict[str, Any]], None] | None = None) -> None:
    """Let the insider sign the record, and let the auditor have pinned the insider's keys.

    This is how an attack from inside, or a mistake of the builder, is laid out: every signature holds, and the verifier has to refuse for another reason.
    """
    seal(bench)
    statement = statement_of(bench)
    keys = take_over(bench, statement, INSIDER)
    if change is not None:
        change(statement)
    write_statement(bench, statement, keys)
    pin(bench, keys)


def insider_keys(bench: Bench) -> tuple[Ed25519PrivateKey, ...]:
    """Return the keys with which `reseal` signed."""
    return tuple(made_key(INSIDER, number) for number in range(len(statement_of(bench)["predicate"]["signers"])))
