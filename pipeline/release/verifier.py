"""Verifies a release of ThoraTrace offline. This file, Python 3.11 or newer and the package `cryptography` are all it takes: carry it away and read it.

    python -I verifier.py FOLDER [--archive DIR] [--repository DIR] [--pin FINGERPRINT|FILE]... [--require-pin] [--at-least VERSION] [--json]

A release is a record: an in-toto Statement in canonical JSON that names every part by SHA-256, in a DSSE envelope with the signatures of those who have to sign.
`opened` reads it; then every function under `@check` answers one question: it yields what is wrong and returns what it looked at. Every byte is read and hashed; times
of files, caches and databases are never believed. What cannot be checked is printed as not checked, never as good.

Without a pinned key the answer is at most "INTEGRITY OK, AUTHENTICITY NOT ESTABLISHED": whoever can write every file can write keys that fit. A pin is the fingerprint
of a signer's key, had by another way than the release. No check can show that a signer read what is signed, that two names are two people, or that a key was in one
pair of hands. Exit codes: 0 holds; 1 does not; 2 usage; 3 no folder, git or library, or no pin where one is required. Source: DSSE 1.0.2, in-toto 1, RFC 8785 and 8032.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:  # said in main, so that --help works without it
    Ed25519PublicKey = None  # type: ignore[assignment,misc]

RECORD, KEYS, ROTATIONS, PAYLOAD_TYPE = "record.dsse.json", "keys.json", "keys.jsonl", "application/vnd.in-toto+json"
KINDS = ("https://in-toto.io/Statement/v1", "urn:thoratrace:release-record:1", "thoratrace/release-record/1", "thoratrace")
DOMAIN = b"thoratrace/approval/1\x00"  # begins what is signed in logs and rotations; what is signed in records begins with DSSEv1
LARGEST, DEEPEST = 64 * 2**20, 24  # bytes of a file that is no part, levels of folders
SIGNER = {"name", "role", "meaning", "key", "public", "demonstration"}  # what a record says of each who has to sign
VERSION = re.compile(r"(?:0|[1-9][0-9]{0,3})(?:\.(?:0|[1-9][0-9]{0,3})){2}")
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
PART = re.compile(r"[A-Za-z0-9_+@-](?:[A-Za-z0-9_.+@~ -]*[A-Za-z0-9_+@~-])?")  # ASCII, no dot first, no dot or space last
PATH = re.compile(rf"(?:archive|bundle|files)(?:/{PART.pattern})+")


class Fault(Exception):
    """One thing that does not hold: a stable code, the place, what was found; what is expected, and the repair, are the check's."""


class Unchecked(Exception):
    """A question that could not be asked; the message says why."""


class Order(NamedTuple):
    """What is to be verified, and against what."""

    folder: Path
    archive: Path | None = None
    repository: Path | None = None
    pins: frozenset[str] = frozenset()
    at_least: tuple[int, ...] = ()
    release: bool = False


class Record(NamedTuple):
    """An opened record: canonical, with plain names, and nothing else in it believed yet; `said` is the predicate, `sha256` what identifies the release."""

    order: Order
    payload: bytes
    sha256: str
    said: Mapping[str, Any]
    parts: Mapping[str, tuple[str, int]]
    signatures: Mapping[str, bytes]

    def path(self, name: str) -> Path:
        """Return where a part lies."""
        return self.order.archive / name[8:] if name.startswith("archive/") and self.order.archive else self.order.folder / name

    def part(self, name: str) -> bytes:
        """Return the bytes of a part, the recorded ones or none at all."""
        sha256, size = self.parts[name]
        content = contents(self.path(name), name, size)
        if len(content) != size:
            raise Fault("VER-SIZE", name, f"{len(content)} bytes, recorded {size}")
        if (found := hashlib.sha256(content).hexdigest()) != sha256:
            raise Fault("VER-HASH", name, f"{found}, recorded {sha256}")
        return content


Answer = Generator[Fault, None, str]  # what a check yields (each thing that does not hold) and returns (what it looked at)
CHECKS: list[tuple[str, str, str, Callable[[Record], Answer]]] = []  # in the order of this file, in which they are made


def check(name: str, expected: str, repair: str) -> Callable[[Callable[[Record], Answer]], None]:
    """Enter a function in the list of checks."""
    return lambda ask: CHECKS.append((name, expected, repair, ask))


def contents(path: Path, name: str = "", most: int = LARGEST) -> bytes:
    """Return the bytes of a regular file, not more of them than there may be; a link or pipe at its place is neither followed nor waited for."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise Fault("VER-LINK", name or path.name, "no regular file")
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(path, flags), "rb") as stream:
            content = stream.read(most + 1)
    except OSError as err:
        missing = isinstance(err, FileNotFoundError | NotADirectoryError)
        raise Fault("VER-MISSING" if missing else "VER-READ", name or path.name, err.strerror or "no file") from err
    if len(content) > most:
        raise Fault("VER-SIZE", name or path.name, f"more than {most} bytes")
    return content


def require(good: object, otherwise: str) -> None:
    """Raise ValueError where something is not so."""
    if not good:
        raise ValueError(otherwise)


def canonical(value: object) -> bytes:
    """Return the one text of a value (RFC 8785, for texts, whole numbers and ASCII keys)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def parsed(content: bytes) -> Any:
    """Return the value of a canonical text; so no key stands twice. `int` refuses fractions, NaN and Infinity; half characters do not encode."""
    value = json.loads(content, parse_float=int, parse_constant=int)
    require(canonical(value) == content, "not the canonical text of its value")
    return value


def lines_of(content: bytes) -> list[bytes]:
    """Return the lines of a log, each of which ends."""
    *lines, rest = content.split(b"\n")
    require(not rest, "a last line that was cut off")
    return lines


def unbased(text: str) -> bytes:
    """Return the bytes of base64 in its one canonical form."""
    content = base64.b64decode(text, validate=True)
    require(base64.b64encode(content).decode() == text, "base64 that is not in its canonical form")
    return content


def prefixed(value: bytes) -> bytes:
    """Return bytes behind their length, as SSH writes them."""
    return len(value).to_bytes(4, "big") + value


def public_key(line: str) -> tuple[str, bytes]:
    """Return id (as `ssh-keygen -l` prints it) and the 32 bytes of an OpenSSH line `ssh-ed25519 AAAA...`."""
    kind, text = line.split()[:2]
    blob = unbased(text)
    require(kind == "ssh-ed25519" and blob == prefixed(b"ssh-ed25519") + prefixed(blob[-32:]), "no line 'ssh-ed25519 AAAA...'")
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("="), blob[-32:]


def holds(raw: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether a signature is the key's over a message (RFC 8032 5.1.7; the library refuses a scalar that is not reduced)."""
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def line_holds(raw: bytes, message: bytes, signature: str, form: str = "ed25519") -> bool:
    """Say whether the signature of a log line holds: plain, or as `ssh-keygen -Y sign -n thoratrace` makes it."""
    content, kind = unbased(signature), prefixed(b"ssh-ed25519")
    if form == "ed25519":
        return holds(raw, DOMAIN + message, content)
    parts = prefixed(b"thoratrace") + prefixed(b"") + prefixed(b"sha512")
    envelope = b"SSHSIG\x00\x00\x00\x01" + prefixed(kind + prefixed(raw)) + parts + prefixed(kind + prefixed(content[-64:]))
    fits = form == "ssh" and content == envelope
    return fits and holds(raw, b"SSHSIG" + parts + prefixed(hashlib.sha512(message).digest()), content[-64:])


def opened(order: Order) -> Record:
    """Open a record: envelope and statement each in the one canonical form, parts and signatures sorted and each once."""
    try:
        content = contents(order.folder / RECORD)
        envelope = parsed(content.removesuffix(b"\n"))
        signatures = {each["keyid"]: unbased(each["sig"]) for each in envelope["signatures"]}
        form = [{"keyid": key, "sig": base64.b64encode(signatures[key]).decode()} for key in sorted(signatures)]
        again = {"payload": envelope["payload"], "payloadType": PAYLOAD_TYPE, "signatures": form}
        require(canonical(again) + b"\n" == content, "another form or payload type, or signatures out of order")
        statement = parsed(payload := unbased(envelope["payload"]))
        said, names = statement["predicate"], [each["name"] for each in statement["subject"]]
        kinds = (statement["_type"], statement["predicateType"], said["schema"], said["project"])
        require(kinds == KINDS and said["kind"] in {"release", "trial"}, "a statement of another kind")
        require(VERSION.fullmatch(said["version"]) and said["conclusion"], "no version of three numbers, or no conclusion")
        require(all(public_key(each["public"]) and set(each) == SIGNER for each in said["signers"]), "a signer of another form")
        require(names == sorted(set(names)) and set(names) == set(said["sizes"]), "parts out of order, twice or without size")
        require(all(map(PATH.fullmatch, names)), "a part under a name that is not plain")
        parts = {each["name"]: (each["digest"]["sha256"], said["sizes"][each["name"]]) for each in statement["subject"]}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        raise Fault("VER-RECORD", RECORD, f"{type(err).__name__}: {err}") from err
    return Record(order, payload, hashlib.sha256(payload).hexdigest(), said, parts, signatures)


def numbers(version: str) -> tuple[int, ...]:
    """Return a version as numbers that can be compared."""
    return tuple(map(int, version.split(".")))


@check("version", "the release that was asked for, and no older one", "ask which release is the newest")
def is_asked_for(record: Record) -> Answer:
    """Ask for kind and version; a folder that is named like a version has to hold that one."""
    order, said, name = record.order, record.said["version"], record.order.folder.resolve().name
    version, kind = numbers(said), record.said["kind"]
    if VERSION.fullmatch(name) and numbers(name) != version:
        yield Fault("VER-VERSION", RECORD, f"{said} in the place of {name}")
    if order.release and kind != "release":
        yield Fault("VER-KIND", RECORD, f"a {kind} in the place of a release")
    if version < order.at_least:
        yield Fault("VER-ROLLBACK", RECORD, f"{said}, which is older")
    return f"{said}, {'a release' if kind == 'release' else 'a trial, not a release'}"


@check("folder", "the parts that the record names, as plain files, and nothing else", "ask where it comes from, then remove it")
def folder_is_whole(record: Record) -> Answer:
    """Walk the folder, and the archive where it is given; what was made after the record names it, and is not sealed itself."""
    found = yield from _walk(record.order.folder, "", 0)
    if record.order.archive not in {None, record.order.folder / "archive"}:
        yield from (Fault("VER-EXTRA", each, "a second archive, that is not hashed") for each in found if each[:8] == "archive/")
        found += yield from _walk(record.order.archive, "archive/", 0)
    for name in found:
        if name.startswith("after/") and record.sha256.encode() not in contents(record.path(name)):
            yield Fault("VER-LATER", name, "a paper about another record: it does not name this one")
        if not name.startswith("after/") and name not in {RECORD, KEYS, *record.parts}:
            yield Fault("VER-EXTRA", name, "a file that the record does not name")
    return f"{len(found)} files"


def _walk(folder: Path, prefix: str, depth: int) -> Generator[Fault, None, list[str]]:
    """Yield what should not be there, return the names of the files."""
    names, seen, entries = [], set(), sorted(os.scandir(folder), key=lambda each: each.name) if depth < DEEPEST else []
    if not entries:
        yield Fault("VER-EMPTY", prefix, "a folder that is empty, or too deep")
    for entry in entries:
        name, mode = f"{prefix}{entry.name}", entry.stat(follow_symlinks=False).st_mode
        if not PART.fullmatch(entry.name) or entry.name.lower() in seen:
            yield Fault("VER-NAME", f"{name!a}", "a name that is not plain, or that some systems take for another")
        seen.add(entry.name.lower())
        if stat.S_ISDIR(mode):
            names += yield from _walk(Path(entry.path), f"{name}/", depth + 1)
        elif not stat.S_ISREG(mode):
            yield Fault("VER-LINK", name, "a link, pipe, socket or device")
        else:
            names.append(name)
            if os.name == "posix" and mode & 0o7111:
                yield Fault("VER-MODE", name, f"the mode {stat.S_IMODE(mode):o}, that of a program")
    return names


def parts_are_recorded(record: Record, *, archived: bool) -> Answer:
    """Read and hash every byte of every part: of those that are committed, or of those that the archive keeps."""
    names = [each for each in record.parts if each.startswith("archive/") == archived]
    told = f"{len(names)} parts, {sum(record.parts[each][1] for each in names):,} bytes"
    if archived and names and not record.order.archive:
        raise Unchecked(f"{told}, kept outside the repository: no archive is given (--archive)")
    for each in names:
        try:
            record.part(each)
        except Fault as fault:
            yield fault
    return told


for kept in ("contents", "archive"):
    ask = check(kept, "every part with the recorded size and SHA-256", "take the part from the manufacturer again")
    ask(lambda record, archived=kept == "archive": parts_are_recorded(record, archived=archived))


@check("claims", "a record that fits its parts and itself", "do not use this release; tell the manufacturer")
def claims_fit(record: Record) -> Answer:
    """Compare what is said of model, environment and data with the parts, inputs before and after each stage, and the gate with the kind."""
    said, model, gate, stages = (record.said, *(record.said[name] for name in ("model", "gate", "stages")))
    for part, claim in (("bundle/weights.safetensors", "weights_sha256"), ("bundle/manifest.json", "bundle_sha256")):
        if record.parts.get(part, ("",))[0] != model[claim]:
            yield Fault("VER-CLAIM", f"model.{claim}", f"another hash than that of {part}")
    for name, claim in (("data_root", {"root": said["data_root"]}), ("environment", said["environment"])):
        part = f"files/{name}.json"  # sealed with each release; the records of 0.0 had none
        if part in record.parts and not claim.items() <= json.loads(record.part(part)).items():
            yield Fault("VER-CLAIM", name, f"something else than {part} tells")
    changed = [stage for stage, inputs in stages.items() if inputs["before"] != inputs["after"]]
    yield from (Fault("VER-CLAIM", f"stages.{stage}", "inputs that changed while the stage ran") for stage in changed)
    if gate["problems"] != 0 or (said["kind"] == "release" and gate["level"] not in {"release", "submission"}):
        yield Fault("VER-CLAIM", "gate", f"{gate['problems']} problems at level {gate['level']}")
    return f"weights {model['weights_sha256'][:16]}, {len(stages)} stages, gate at level {gate['level']}"


@check("signers", "people with keys of their own; for a release two roles, one approving", "ask the manufacturer who signs")
def signers_are_several(record: Record) -> Answer:
    """Compare the signers with each other, with their keys, with the sealed people.toml, and with keys.json."""
    signers, people = record.said["signers"], "files/people.toml"
    known = _people(record.part(people)) if people in record.parts else None
    roles, meanings = ({each[what] for each in signers} for what in ("role", "meaning"))
    twice = any(len({each[what] for each in signers}) < len(signers) for what in ("name", "key"))
    if twice or (record.said["kind"] == "release" and (len(roles) < 2 or "approved" not in meanings)):
        yield Fault("VER-SIGNERS", "signers", f"{len(signers)} to sign: one role, nobody who approves, or a name or key twice")
    for each in signers:
        held, keys = ([each["role"]], [each["key"]]) if known is None else known.get(each["name"], ([], []))
        if each["role"] not in held or each["key"] not in keys:
            yield Fault("VER-SIGNERS", each["name"], "a role or key that people.toml does not give this name")
        if public_key(each["public"])[0] != each["key"] or each["name"].startswith("DEMO-") != each["demonstration"]:
            yield Fault("VER-SIGNERS", each["name"], "a key of another fingerprint, or a demonstration that is not called one")
    keys = [{what: each[what] for what in ("name", "role", "key", "public")} for each in signers]
    if contents(record.order.folder / KEYS) != canonical({"schema": "thoratrace/release-keys/1", "keys": keys}) + b"\n":
        yield Fault("VER-KEYS", KEYS, "another list than the record's (it is for reading, and makes nobody believed)")
    return f"{len(signers)} have to sign"


def signed(record: Record) -> set[str]:
    """Return the keys of signers whose signature holds over the pre-authentication encoding of the record."""
    message = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(record.payload), record.payload)
    owed = {each["key"]: public_key(each["public"])[1] for each in record.said["signers"]}
    return {key for key, each in record.signatures.items() if key in owed and holds(owed[key], message, each)}


@check("signatures", "a signature of everybody who has to sign over this record, and no other", "ask for the signed record")
def signatures_hold(record: Record) -> Answer:
    """Compare who signed with who has to sign; their certificates, made later, carry signatures of their own."""
    owed, good = {each["key"]: each["name"] for each in record.said["signers"]}, signed(record)
    for key in sorted(set(record.signatures) - set(owed)):
        yield Fault("VER-FOREIGN", key, "a signature of somebody who does not have to sign")
    for key in sorted(set(owed) - good):
        forged = ("VER-SIGNATURE", owed[key], f"a signature that is not that of {key} over this record")
        yield Fault(*(forged if key in record.signatures else ("VER-UNSIGNED", owed[key], "no signature")))
    paths = sorted(record.order.folder.glob("after/certificates/*"))
    certificates = {path: parsed(contents(path).removesuffix(b"\n")) for path in paths}
    for path, held in certificates.items():
        message = canonical({what: each for what, each in held.items() if what != "signature"})
        raw = {each["key"]: public_key(each["public"])[1] for each in record.said["signers"] if each["name"] == held["name"]}
        if held["record_sha256"] != record.sha256 or not line_holds(raw.get(held["key"], b""), message, held["signature"]):
            yield Fault("VER-CERTIFICATE", path.name, "a certificate about another record, or not signed by who it names")
    return f"{len(good)} signatures, {len(certificates)} certificates that tell when" if owed else "nobody has to sign"


@check("rotations", "rotations that both keys signed, and no later signature of a key given up", "ask which key signs now")
def rotations_hold(record: Record) -> Answer:
    """Read the rotations beside the folder: a key given up counts for the records that its rotation names, and for no other."""
    rotations = rotations_beside(record.order.folder)
    for each in rotations:
        retired = public_key(each["from"])[0]
        if retired in record.signatures and record.sha256 not in each["records"]:
            yield Fault("VER-RETIRED", each["name"], f"a signature of {retired}, given up at {each['time']}, on a new record")
    return f"{len(rotations)} rotations"


def rotations_beside(folder: Path) -> list[dict[str, Any]]:
    """Return the rotations that lie beside a release's folder, each signed by both keys, neither given up before; there may be none."""
    path, rotations, before, gone = folder.resolve().parent / ROTATIONS, [], "0" * 64, set()
    try:
        for line in lines_of(contents(path)) if os.path.lexists(path) else ():
            each = parsed(line)
            message = canonical({key: value for key, value in each.items() if not key.startswith("signed_")})
            keys = {side: public_key(each[side]) for side in ("from", "to")}
            both = all(line_holds(raw, message, each[f"signed_{side}"]) for side, (_, raw) in keys.items())
            fits = each["schema"] == "thoratrace/release-rotation/1" and each["previous"] == before
            require(fits and both, "another form, another line before it than it names, or not signed by both keys")
            require(gone.isdisjoint(key for key, _ in keys.values()), "a key that was given up vouches or is vouched for")
            rotations.append(each)
            before, gone = hashlib.sha256(line).hexdigest(), gone | {keys["from"][0]}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        raise Fault("VER-ROTATION", f"{ROTATIONS}:{len(rotations) + 1}", f"{type(err).__name__}: {err}") from err
    return rotations


@check("authenticity", "a signature by a pinned key, or one tied to it by rotations", "ask by another way which key signs")
def is_authentic(record: Record) -> Answer:
    """Follow the rotations from the pinned keys, in both directions, to those who signed."""
    if not record.order.pins:
        raise Unchecked("no pinned key: whoever can write every file can have written this (--pin)")
    believed, before = record.order.pins, 0
    ties = [{public_key(each[side])[0] for side in ("from", "to")} for each in rotations_beside(record.order.folder)]
    while len(believed) > before:
        before, believed = len(believed), believed.union(*(tie for tie in ties if tie & believed))
    good = [each["name"] for each in record.said["signers"] if each["key"] in believed & signed(record)]
    if not good:
        yield Fault("VER-PIN", RECORD, f"signatures by {', '.join(record.signatures) or 'nobody'}")
    return f"signed by {' and '.join(good)}"


@check("previous", "the records of the releases before, unchanged", "take the earlier releases from the manufacturer again")
def previous_are_there(record: Record) -> Answer:
    """Follow the records of the releases before, as far back as they lie beside this one."""
    later, seen = record, 0
    while link := later.said["previous"]:
        version, folder = link["version"], record.order.folder.resolve().parent / link["version"]
        if not VERSION.fullmatch(version) or numbers(version) >= numbers(later.said["version"]):
            raise Fault("VER-PREVIOUS", RECORD, f"{later.said['version']} after {version}")
        if not folder.is_dir():
            raise Unchecked(f"{version} does not lie beside it; {seen} in between hold")
        earlier = opened(Order(folder))
        if earlier.sha256 != link["record_sha256"]:
            yield Fault("VER-PREVIOUS", version, f"the record {earlier.sha256}, recorded {link['record_sha256']}")
        later, seen = earlier, seen + 1
    return f"{seen} earlier records"


def _people(content: bytes) -> dict[str, tuple[list[str], dict[str, dict[str, Any]]]]:
    """Return roles, and keys by fingerprint, of each name in people.toml."""
    persons = tomllib.loads(content.decode()).get("person", ())
    return {each["name"]: (each["roles"], {key["id"]: key for key in each.get("key", ())}) for each in persons}


def _log_faults(text: bytes, head: bytes, counter: str, people: bytes, where: str) -> Iterator[Fault]:
    """Yield where a log does not hold: a line changed, deleted or moved, the end cut off or put on, or not signed by who it names."""
    known, before, latest, number = _people(people), "0" * 64, "", 0
    try:
        for number, line in enumerate(lines_of(text), start=1):
            entry = parsed(line)
            if entry["previous"] != before:
                yield Fault("VER-LOG-CHAIN", f"{where}:{number}", "another line before it than it names")
            if fault := _unsigned(entry, known, latest):
                yield Fault("VER-LOG-SIGNED", f"{where}:{number}", f"{entry['name']}: {fault}")
            before, latest = hashlib.sha256(line).hexdigest(), entry["time"]
        if [json.loads(head)[each] for each in (counter, "sha256")] != [number, before]:
            yield Fault("VER-LOG-HEAD", where, f"{number} lines to {before[:16]}, and a head that says something else")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        yield Fault("VER-LOG-CHAIN", f"{where}:{number}", f"{type(err).__name__}: {err}")


def _unsigned(entry: Mapping[str, Any], known: Mapping[str, Any], latest: str) -> str:
    """Return why a line's signature does not count, empty where it does; times are texts of one form, so their order is that of time."""
    key, time = known.get(entry["name"], ((), {}))[1].get(entry["key"]), entry["time"]
    if key is None or not TIME.fullmatch(time) or time < latest:
        return f"at {time}, before the line above; or with a key that people.toml does not give this name"
    if not key["valid_from"] <= time <= key["valid_until"] or time >= key.get("revoked", "9"):
        return f"at {time}, when the key did not count"
    name, raw = public_key(key["public"])
    message = canonical({what: each for what, each in entry.items() if what != "signature"})
    good = name == entry["key"] and line_holds(raw, message, entry["signature"], entry["form"])
    return "" if good else "a signature that does not hold"


@check("sealed logs", "logs that hold from the first line to the head", "restore the log; ask who changed it")
def sealed_logs_hold(record: Record) -> Answer:
    """Judge the logs of approvals and of what was done as they lay at the build, by the sealed people.toml."""
    for name, counter in (("audit", "entries"), ("approvals", "records")):
        log, head = f"files/{name}.jsonl", f"files/{name}.head.json"
        if log in record.parts:
            yield from _log_faults(record.part(log), record.part(head), counter, record.part("files/people.toml"), log)
        elif head in record.parts or (record.said["kind"] == "release" and name == "audit"):
            yield Fault("VER-LOG-MISSING", log, "no log where one has to be")
    return "audit log and approvals, as far as they were begun before this was built"


@check("audit log", "a log that holds, has only grown since, and holds this release once", "restore it, or ask what was released")
def audit_log_has_grown(record: Record) -> Answer:
    """Judge the audit log of the repository's working tree, and look for this release in it."""
    root, sealed = record.order.repository, "files/audit.jsonl"
    if root is None or not (root / "people.toml").is_file():
        raise Unchecked("no working tree of the repository is given (--repository)")
    begun = (root / "AUDIT.jsonl").exists() or (root / "AUDIT.head.json").exists()
    text, head = (contents(root / name) if begun else b"" for name in ("AUDIT.jsonl", "AUDIT.head.json"))
    yield from _log_faults(text, head, "entries", contents(root / "people.toml"), "AUDIT.jsonl") if begun else ()
    if sealed in record.parts and not text.startswith(record.part(sealed)):
        yield Fault("VER-LOG-SHORTER", "AUDIT.jsonl", "a log that does not begin with the sealed one")
    recorded = [each["facts"] for line in lines_of(text) if (each := parsed(line))["event"] == "release-recorded"]
    named = [each["record_sha256"] for each in recorded if each["version"] == record.said["version"]]
    if record.said["kind"] == "release" and named != [record.sha256]:
        yield Fault("VER-LOG-RELEASE", "AUDIT.jsonl", f"this version {len(named)} times: {', '.join(named)}")
    return f"releases recorded: {', '.join(each['version'] for each in recorded) or 'none'}"


def _git(repository: Path, *arguments: str, given: bytes = b"") -> bytes:
    """Return what git prints, without replacement objects, fetching, or settings of this machine."""
    alone = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_CONFIG_NOSYSTEM": "1"}
    settings = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | alone
    command = ["git", "-C", str(repository), "-c", "safe.directory=*", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=False, env=settings).stdout


@check("source", "the recorded commit, with the recorded tree and files", "fetch the repository again from where it is kept")
def source_is_there(record: Record) -> Answer:
    """Hash the commit and every file of its tree as git keeps them; locks and people.toml of the release are those of the commit."""
    said, root = record.said["source"], record.order.repository
    if root is None:
        raise Unchecked("no repository is given (--repository)")
    commit = _git(root, "cat-file", "commit", said["commit"])
    named = hashlib.sha1(b"commit %d\x00%b" % (len(commit), commit), usedforsecurity=False).hexdigest()
    if named != said["commit"] or not commit.startswith(b"tree %b\n" % said["tree"].encode()):
        raise Fault("VER-SOURCE", said["commit"], f"no such commit of the tree {said['tree']}")
    entries = [each.split(None, 3) for each in _git(root, "ls-tree", "-r", "-z", "--full-tree", said["tree"]).split(b"\0")[:-1]]
    answer = _git(root, "cat-file", "--batch", given=b"".join(each[2] + b"\n" for each in entries))
    files, at = {}, 0
    for mode, _, _, path in entries:
        start = answer.index(b"\n", at) + 1
        end = start + int(answer[at:start].split()[2])
        files[path.decode()], at = [mode.decode(), hashlib.sha256(answer[start:end]).hexdigest()], end + 1
    if hashlib.sha256(canonical(files)).hexdigest() != said["files_sha256"]:
        yield Fault("VER-SOURCE", said["tree"], "files of another SHA-256 than recorded")
    for name in ("people.toml", "requirements.lock", "device.lock"):
        if f"files/{name}" in record.parts and record.parts[f"files/{name}"][0] != files.get(name, ["", ""])[1]:
            yield Fault("VER-SOURCE", f"files/{name}", "another content than in the commit")
    return f"{len(files)} files of the commit {said['commit'][:12]}"


def made(name: str, expected: str, repair: str, answer: Answer) -> dict[str, Any]:
    """Make a check and say what it came to: GOOD, FAILS or NOT CHECKED; whatever goes wrong in it fails it."""
    faults, state, note = [], "GOOD", ""
    try:
        while True:
            faults.append(next(answer))
    except StopIteration as end:
        note = end.value
    except Unchecked as why:
        state, note = "NOT CHECKED", str(why)
    except Fault as fault:
        faults.append(fault)
    except Exception as err:  # noqa: BLE001  what nobody foresaw is no reason to believe a record
        faults.append(Fault("VER-UNEXPECTED", name, f"{type(err).__name__}: {err!s:.200}"))
    told = [dict(zip(("code", "where", "found"), each.args, strict=True), expected=expected, repair=repair) for each in faults]
    return {"name": name, "state": "FAILS" if faults else state, "note": "" if faults else note, "faults": told}


def verify(order: Order) -> dict[str, Any]:
    """Make every check, whatever the others come to, and return everything that is to be said; without a record nothing else is asked."""
    held: list[Record] = []

    def opening() -> Answer:
        yield from ()
        held.append(opened(order))
        return held[0].sha256

    checks = [made("record", "one record in its one canonical form", "take it from the manufacturer again", opening())]
    checks += [made(name, expected, repair, ask(each)) for each in held for name, expected, repair, ask in CHECKS]
    states = {each["name"]: each["state"] for each in checks}
    bad, known = "FAILS" in states.values(), states.get("authenticity") == "GOOD"
    words = "DOES NOT HOLD" if bad else f"INTEGRITY OK, {'AUTHENTIC' if known else 'AUTHENTICITY NOT ESTABLISHED'}"
    report: dict[str, Any] = {"checks": checks, "verdict": words, "exit": int(bad), "signers": []}
    for record in held:
        report |= {name: record.said[name] for name in ("project", "version", "kind", "conclusion")}
        good = signed(record) if states["signatures"] == "GOOD" else ()
        report["signers"] = [each | {"signed": each["key"] in good} for each in record.said["signers"]]
    return report


def to_text(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a report for people."""
    if "kind" in report:
        what = "release" if report["kind"] == "release" else "trial, not a release:"
        yield f"{report['project']} {what} {report['version']}. {report['conclusion']}"
    for each in report["checks"]:
        yield f"  {each['state']:<12} {each['name']:<14} {each['note']}".rstrip()
        for fault in each["faults"]:
            yield "    {code} at {where}: found {found}, expected {expected}. Repair: {repair}.".format(**fault)
    for each in report["signers"]:
        who = f"{each['name']} (demonstration identity, no natural person)" if each["demonstration"] else each["name"]
        yield f"  {'' if each['signed'] else 'NOT '}signed by {who} as {each['role']}: {each['meaning']}, {each['key']}"
    yield report["verdict"]


def pins_of(text: str) -> frozenset[str]:
    """Return the fingerprints of a pin: one, or those of a file with one (or one public key) on a line; `#` begins a comment."""
    try:
        lines = [text] if FINGERPRINT.fullmatch(text) else Path(text).read_text(encoding="utf-8").splitlines()
        words = [word for line in lines if (word := line.partition("#")[0].strip())]
        require(words, "no fingerprint in it")
        return frozenset(word if FINGERPRINT.fullmatch(word) else public_key(word)[0] for word in words)
    except (OSError, ValueError) as err:
        raise argparse.ArgumentTypeError(f"{text!r} is neither SHA256:... nor a file of such lines ({err})") from err


def main(arguments: list[str] | None = None) -> int:
    """Parse, verify, print; the head of this file has the exit codes."""
    parser = argparse.ArgumentParser(prog="verifier.py", description="Verifies a release of ThoraTrace offline.")
    parser.add_argument("folder", type=Path, help="folder of the release, with record.dsse.json")
    parser.add_argument("--archive", type=Path, help="folder of the parts that are kept outside the repository")
    parser.add_argument("--repository", type=Path, help="clone of the project: commit, files and audit log are checked too")
    parser.add_argument("--pin", type=pins_of, action="append", default=[], help="a signer's fingerprint, or a file of them")
    parser.add_argument("--require-pin", action="store_true", help="exit 3 where no pin is given")
    parser.add_argument("--at-least", type=numbers, default=(), help="refuse an older version")
    parser.add_argument("--release", action="store_true", help="refuse a trial")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    given = vars(parser.parse_args(arguments))
    as_json, required, pins = given.pop("json"), given.pop("require_pin"), frozenset().union(*given.pop("pin"))
    missing = [f"{each} is no folder" for each in given.values() if isinstance(each, Path) and not each.is_dir()]
    missing += ["the package cryptography is needed"] if Ed25519PublicKey is None else []
    missing += ["git is needed to check a repository"] if given["repository"] and not shutil.which("git") else []
    missing += ["a pin is required and none is given (--pin)"] if required and not pins else []
    if missing:
        sys.stderr.write(f"VER-ASKED: not verified: {'; '.join(missing)}\n")
        return 3
    given["archive"] = given["archive"] or next(filter(Path.is_dir, [given["folder"] / "archive"]), None)
    report = verify(Order(**given, pins=pins))
    lines = (each if each.isprintable() else ascii(each) for each in to_text(report))  # a record may hold what moves a terminal
    sys.stdout.write((json.dumps(report, indent=1, sort_keys=True) if as_json else "\n".join(lines)) + "\n")
    return int(report["exit"])


if __name__ == "__main__":
    sys.exit(main())
