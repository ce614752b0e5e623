"""Attacks on time: an older release in the place of a newer one, earlier records rewritten, keys that were given up, and the audit log cut, turned or mended."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import rfc8785

from pipeline.audit_log import Signer, enter
from pipeline.keyring import Keyring
from pipeline.release.attacks.attack import Aim, Attack, CheckName, Holds, Sign
from pipeline.release.attacks.bench import RECORD
from pipeline.release.attacks.forgery import (
    ATTACKER,
    insider_keys,
    made_key,
    payload_of,
    pin,
    public_line,
    reseal,
    statement_of,
    take_over,
    write_statement,
)
from verification.trace.audit_log import AUDIT, HEAD, Event, head_json
from verification.trace.audit_order import seed_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from pipeline.release.attacks.bench import Bench

OLDER = "0.0.0"
"""Version of the release before, which the bench is given for these attacks."""


def _with_older(bench: Bench) -> None:
    """Put an older release beside the one on the bench, sealed by the same insider, and let the newer record name it."""

    def aged(statement: dict[str, Any]) -> None:
        statement["predicate"] |= {"version": OLDER, "previous": None}

    reseal(bench, aged)
    shutil.copytree(bench.release, _older(bench))
    older = hashlib.sha256(payload_of(bench)).hexdigest()

    def newer(statement: dict[str, Any]) -> None:
        statement["predicate"] |= {"version": bench.original.version, "previous": {"version": OLDER, "record_sha256": older}}

    reseal(bench, newer)


def _older(bench: Bench) -> Path:
    return bench.release.with_name(OLDER)


def _older_in_place(bench: Bench) -> tuple[Sign, ...]:
    shutil.rmtree(bench.release)
    shutil.copytree(_older(bench), bench.release)
    return (Sign("VER-VERSION", RECORD),)


def _older_handed_over(bench: Bench) -> tuple[Sign, ...]:
    _older_in_place(bench)
    return (Sign("VER-ROLLBACK", RECORD),)


def _older_rewritten(bench: Bench) -> tuple[Sign, ...]:
    """Rewrite the earlier release's record and sign it with the trusted keys: the newer record names the old text."""
    current = {path.name: path.read_bytes() for path in (bench.release / RECORD, bench.release / "keys.json")}
    for name in current:
        (bench.release / name).write_bytes((_older(bench) / name).read_bytes())

    def edited(statement: dict[str, Any]) -> None:
        statement["predicate"]["conclusion"] = "acceptable for clinical use"

    reseal(bench, edited)
    for name, content in current.items():
        (_older(bench) / name).write_bytes((bench.release / name).read_bytes())
        (bench.release / name).write_bytes(content)
    return (Sign("VER-PREVIOUS", OLDER),)


def _forgotten(bench: Bench) -> tuple[Sign, ...]:
    """Strike the release before from the record."""
    statement = statement_of(bench)
    statement["predicate"]["previous"] = None
    write_statement(bench, statement)
    return tuple(Sign("VER-SIGNATURE", each["name"]) for each in statement["predicate"]["signers"])


# --- keys that gave way to others ---

ROTATIONS = "keys.jsonl"
DOMAIN = b"thoratrace/approval/1\x00"
"""What the project's signatures of lines begin with."""


def _with_rotation(bench: Bench) -> None:
    """Let the insider's first key have given way to another after it signed this record, and let the auditor have pinned the new one."""
    reseal(bench)
    old, new = insider_keys(bench)[0], made_key("successor")
    _rotate(bench, old, new, old, [hashlib.sha256(payload_of(bench)).hexdigest()])
    pin(bench, [new])


def _rotate(bench: Bench, old: Ed25519PrivateKey, new: Ed25519PrivateKey, vouching: Ed25519PrivateKey, records: list[str]) -> str:
    """Append a rotation line, signed for the old key by ``vouching``, and return its place."""
    path = bench.release.parent / ROTATIONS
    lines = path.read_bytes().splitlines() if path.exists() else []
    line: dict[str, Any] = {
        "schema": "thoratrace/release-rotation/1",
        "name": "DEMO-bench",
        "time": "2026-06-01T00:00:00Z",
        "reason": "a rotation on the bench",
        "from": public_line(old),
        "to": public_line(new),
        "records": records,
        "previous": hashlib.sha256(lines[-1]).hexdigest() if lines else "0" * 64,
    }
    signed = DOMAIN + rfc8785.dumps(line)
    line |= {f"signed_{side}": base64.b64encode(key.sign(signed)).decode() for side, key in (("from", vouching), ("to", new))}
    path.write_bytes(b"".join(each + b"\n" for each in (*lines, rfc8785.dumps(line))))
    return f"{ROTATIONS}:{len(lines) + 1}"


def _given_up_key_signs(bench: Bench) -> tuple[Sign, ...]:
    """Sign another record with the key that was given up, as somebody does who found it later."""
    statement = statement_of(bench)
    statement["predicate"]["conclusion"] = "acceptable for clinical use"
    write_statement(bench, statement, insider_keys(bench))
    return (Sign("VER-RETIRED", "DEMO-bench"),)


def _given_up_key_vouches(bench: Bench) -> tuple[Sign, ...]:
    """Let the key that was given up vouch for the attacker's, and sign everything anew with that: each tie by itself is signed by both sides."""
    statement = statement_of(bench)
    old = insider_keys(bench)[0]
    write_statement(bench, statement, take_over(bench, statement, ATTACKER))
    return (Sign("VER-ROTATION", _rotate(bench, old, made_key(ATTACKER), old, [])),)


def _rotation_forged(bench: Bench) -> tuple[Sign, ...]:
    """Let the pinned key give way to the attacker's, in a line that only the attacker signed."""
    statement = statement_of(bench)
    write_statement(bench, statement, take_over(bench, statement, ATTACKER))
    new = made_key(ATTACKER)
    return (Sign("VER-ROTATION", _rotate(bench, made_key("successor"), new, new, [])),)


def _key_attack(name: str, holds: Holds, deed: str, harm: Callable[[Bench], tuple[Sign, ...]]) -> Attack:
    return Attack(name, Aim.TIME, holds, deed, CheckName.PINNED, harm, _with_rotation)


# --- the audit log of a repository ---

_HASHES = ("protocol_sha256", "weights_sha256", "bundle_sha256", "code_sha256", "predictions_sha256", "evidence_sha256")
_STATEMENT = "entered on the bench, to be attacked"


def _with_log(bench: Bench) -> None:
    """Give the bench a little project with one person, and a log of a protocol that was frozen, opened and judged."""
    root, keyring = bench.beside("project"), Keyring(bench.beside("keys"))
    public = keyring.create()
    root.joinpath("people.toml").write_text(
        'schema = "thoratrace/people/1"\nproject = "bench"\n'
        '[[role]]\nname = "quality assurance"\nsigns = "the bench"\nmeanings = ["approved"]\n'
        '[[role]]\nname = "clinical safety"\nsigns = "the bench"\nmeanings = ["approved"]\n'
        '[[rule]]\ndocuments = "validation/protocol.toml"\nroles = ["quality assurance", "clinical safety"]\n'
        '[[person]]\nname = "DEMO-bench"\nkind = "demonstration"\nroles = ["quality assurance"]\n'
        f'[[person.key]]\nid = "{public.id}"\npublic = "{public.line}"\n'
        'valid_from = "2020-01-01T00:00:00Z"\nvalid_until = "2100-01-01T00:00:00Z"\n',
        encoding="utf-8",
    )
    facts = {name: hashlib.sha256(name.encode()).hexdigest() for name in _HASHES}
    facts["seed"] = seed_of(facts["protocol_sha256"], facts["weights_sha256"])
    numbers = {"version": "1", "studies": "10", "studies_needed": "10"}
    signer = Signer("DEMO-bench", "", _STATEMENT, keyring)
    enter(root, Event.FROZEN, {**numbers, "protocol_sha256": facts["protocol_sha256"]}, signer)
    opened = ("protocol_sha256", "weights_sha256", "bundle_sha256", "code_sha256", "seed")
    enter(root, Event.OPENED, {"studies": "10", **{name: facts[name] for name in opened}}, signer)
    judged = ("protocol_sha256", "weights_sha256", "predictions_sha256", "evidence_sha256")
    words = {"evidence": "evidence/locked_validation/bench.json", "primary_passed": "true"}
    enter(root, Event.JUDGED, {**words, **{name: facts[name] for name in judged}}, signer)


def _log_of(bench: Bench) -> list[str]:
    return (bench.beside("project") / AUDIT).read_text(encoding="utf-8").splitlines()


def _write_log(bench: Bench, lines: list[str], *, head: bool = True) -> None:
    """Write other lines, and the head that fits them: whoever can write one can write the other."""
    root = bench.beside("project")
    (root / AUDIT).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if head:
        (root / HEAD).write_text(json.dumps(head_json(tuple(lines))), encoding="utf-8")


def _entry_deleted(bench: Bench) -> tuple[Sign, ...]:
    lines = _log_of(bench)
    _write_log(bench, [lines[0], *lines[2:]])
    return (Sign("AUD-CHAIN", f"{AUDIT}:2"),)


def _entries_reordered(bench: Bench) -> tuple[Sign, ...]:
    first, second, *rest = _log_of(bench)
    _write_log(bench, [second, first, *rest])
    return Sign("AUD-CHAIN", f"{AUDIT}:1"), Sign("AUD-CHAIN", f"{AUDIT}:2")


def _entry_edited(bench: Bench) -> tuple[Sign, ...]:
    *rest, last = _log_of(bench)
    _write_log(bench, [*rest, last.replace('"primary_passed":"true"', '"primary_passed":"fine"')])
    return (Sign("AUD-SIGNED", f"{AUDIT}:{len(rest) + 1}"),)


def _log_truncated(bench: Bench) -> tuple[Sign, ...]:
    _write_log(bench, _log_of(bench)[:-1], head=False)
    return (Sign("AUD-CHAIN", HEAD),)


def _entry_added(bench: Bench) -> tuple[Sign, ...]:
    """Write an entry without a key: the last one again, later and in its place in the chain."""
    lines = _log_of(bench)
    entry = json.loads(lines[-1]) | {
        "previous": hashlib.sha256(lines[-1].encode()).hexdigest(),
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    _write_log(bench, [*lines, json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)])
    return (Sign("AUD-SIGNED", f"{AUDIT}:{len(lines) + 1}"),)


def _attack(name: str, deed: str, harm: Callable[[Bench], tuple[Sign, ...]], check: CheckName = CheckName.PINNED) -> Attack:
    return Attack(name, Aim.TIME, Holds.FOLDER, deed, check, harm, _with_older)


def _log_attack(name: str, deed: str, harm: Callable[[Bench], tuple[Sign, ...]]) -> Attack:
    return Attack(name, Aim.TIME, Holds.FOLDER, deed, CheckName.AUDIT, harm, _with_log)


ATTACKS = (
    _attack("older-release-in-place", "an older, authentic release lies where the newer one was", _older_in_place),
    _attack(
        "older-release-handed-over",
        "an older, authentic release is handed to somebody who asks for this one",
        _older_handed_over,
        CheckName.AT_LEAST,
    ),
    _attack(
        "earlier-record-rewritten",
        "the record of the release before is rewritten and signed again with trusted keys",
        _older_rewritten,
    ),
    _attack("release-before-forgotten", "the release before is struck from the record", _forgotten),
    _key_attack("given-up-key-signs", Holds.GIVEN_UP, "a key that was given up signs another record", _given_up_key_signs),
    _key_attack(
        "given-up-key-vouches",
        Holds.GIVEN_UP,
        "a key that was given up vouches for the attacker's, which sign everything",
        _given_up_key_vouches,
    ),
    _key_attack("rotation-forged", Holds.OWN_KEY, "the pinned key is said to have given way to the attacker's", _rotation_forged),
    _log_attack("entry-deleted", "an entry of the audit log is deleted, and the head made to fit", _entry_deleted),
    _log_attack(
        "entries-reordered", "two entries of the audit log change places, and the head is made to fit", _entries_reordered
    ),
    _log_attack("entry-edited", "an entry of the audit log says something else, and the head is made to fit", _entry_edited),
    _log_attack("log-truncated", "the last entry of the audit log is cut off", _log_truncated),
    _log_attack("entry-added", "an entry that nobody signed is put behind the others, and the head made to fit", _entry_added),
)
