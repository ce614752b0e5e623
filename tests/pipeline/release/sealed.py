"""Sealed folders for the tests of the verifier: made from the schema by hand, without the code that builds releases, with keys that end with the test."""

import base64
import hashlib
import json
import subprocess

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PAYLOAD_TYPE = "application/vnd.in-toto+json"
DOMAIN = b"thoratrace/approval/1\x00"
ENVIRONMENT = {"python": "3.11.9", "numeric_class": "f" * 64}


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def ssh(*parts):
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


class Person:
    """A demonstration identity with a key from a seed."""

    def __init__(self, name, role, seed):
        self.name, self.role = name, role
        self.private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
        blob = ssh(b"ssh-ed25519", self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        self.public = f"ssh-ed25519 {base64.b64encode(blob).decode()}"
        self.key = "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")

    def sign(self, message):
        return base64.b64encode(self.private.sign(message)).decode()

    def ssh_sign(self, message):
        """Return what `ssh-keygen -Y sign -n thoratrace` makes."""
        parts = ssh(b"thoratrace", b"", b"sha512")
        inner = ssh(b"ssh-ed25519", self.private.sign(b"SSHSIG" + parts + ssh(hashlib.sha512(message).digest())))
        blob = base64.b64decode(self.public.split()[1])
        return base64.b64encode(b"SSHSIG\x00\x00\x00\x01" + ssh(blob) + parts + ssh(inner)).decode()

    @property
    def signer(self):
        meaning = {"name": self.name, "role": self.role, "meaning": "approved", "demonstration": True}
        return meaning | {"key": self.key, "public": self.public}


QUALITY = Person("DEMO-quality", "quality assurance", "quality")
SAFETY = Person("DEMO-clinical-safety", "clinical safety", "safety")
NEXT = Person("DEMO-quality", "quality assurance", "quality, a year later")
STRANGER = Person("DEMO-quality", "quality assurance", "somebody else")


def people_toml(*people, **changes):
    text = 'schema = "thoratrace/people/1"\nproject = "thoratrace"\n'
    times = {"valid_from": "2026-01-01T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z"} | changes
    for each in people:
        text += f'[[person]]\nname = "{each.name}"\nkind = "demonstration"\nroles = ["{each.role}"]\n'
        text += f'[[person.key]]\nid = "{each.key}"\npublic = "{each.public}"\n'
        text += "".join(f'{name} = "{value}"\n' for name, value in times.items())
    return text.encode()


class Log:
    """A log of signed lines, a minute apart."""

    def __init__(self, counter="entries"):
        self.lines, self.counter = [], counter

    def add(self, person=QUALITY, form="ed25519", **fields):
        entry = {
            "schema": "thoratrace/audit-entry/1",
            "project": "thoratrace",
            "event": "release-recorded",
            "name": person.name,
            "role": person.role,
            "time": f"2026-11-21T10:{len(self.lines):02}:00Z",
            "statement": "done by a test, for a test",
            "facts": {"version": "0.0.9", "record_sha256": "9" * 64, "commit": "9" * 40},
            "key": person.key,
            "previous": sha256(self.lines[-1]) if self.lines else "0" * 64,
            "form": form,
        } | fields
        message = canonical(entry)
        signed = person.sign(DOMAIN + message) if form == "ed25519" else person.ssh_sign(message)
        self.lines.append(canonical(entry | {"signature": signed}))
        return self

    @property
    def text(self):
        return b"".join(line + b"\n" for line in self.lines)

    @property
    def head(self):
        last = sha256(self.lines[-1]) if self.lines else "0" * 64
        return json.dumps({"schema": "thoratrace/audit-head/1", self.counter: len(self.lines), "sha256": last}, indent=1).encode()


def content_of(log=None):
    """Return the parts of a small release by name."""
    log = log or Log().add().add(SAFETY)
    return {
        "archive/wheel/thoratrace-0.1.0-py3-none-any.whl": b"PK wheel",
        "bundle/manifest.json": b'{"files": {}}\n',
        "bundle/weights.safetensors": bytes(range(256)) * 8,
        "files/audit.head.json": log.head,
        "files/audit.jsonl": log.text,
        "files/device.lock": b"numpy==2.4.0\n",
        "files/params.yaml": b"model_version: 0.1.0\n",
        "files/people.toml": people_toml(QUALITY, SAFETY),
        "files/requirements.lock": b"numpy==2.4.0\npytest==9.0\n",
    }


def statement_of(parts, signers=(QUALITY, SAFETY), **changes):
    predicate = {
        "schema": "thoratrace/release-record/1",
        "project": "thoratrace",
        "version": "0.1.0",
        "kind": "release",
        "conclusion": "engineering baseline; not acceptable for clinical use",
        "sizes": {name: len(content) for name, content in parts.items()},
        "source": {"commit": "c" * 40, "tree": "d" * 40, "files_sha256": "e" * 64},
        "model": {
            "version": "0.1.0",
            "weights_sha256": sha256(parts["bundle/weights.safetensors"]),
            "bundle_sha256": sha256(parts["bundle/manifest.json"]),
        },
        "environment": ENVIRONMENT,
        "data_root": "a" * 64,
        "gate": {"level": "release", "problems": 0},
        "stages": {"train": {"before": {"params.yaml": "1" * 64}, "after": {"params.yaml": "1" * 64}}},
        "signers": [each.signer for each in signers],
        "previous": None,
    } | changes
    subjects = [{"name": name, "digest": {"sha256": sha256(content)}} for name, content in sorted(parts.items())]
    kinds = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "urn:thoratrace:release-record:1"}
    return kinds | {"subject": subjects, "predicate": predicate}


def envelope_of(payload, signers):
    message = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
    signatures = [{"keyid": each.key, "sig": each.sign(message)} for each in sorted(signers, key=lambda each: each.key)]
    return {"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD_TYPE, "signatures": signatures}


class Sealed:
    """A release in a folder, with its archive elsewhere; everything about it can be changed before it is sealed or after."""

    def __init__(self, root, version="0.1.0", signers=(QUALITY, SAFETY), parts=None, **changes):
        self.folder, self.archive, self.signers = root / "releases" / version, root / "kept" / version, signers
        self.parts = content_of() if parts is None else parts
        self.statement = statement_of(self.parts, signers, version=version, **changes)
        for name, content in self.parts.items():
            self.write(self.path(name), content)
        self.seal()

    def path(self, name):
        return self.archive / name.removeprefix("archive/") if name.startswith("archive/") else self.folder / name

    @staticmethod
    def write(path, content):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    @property
    def payload(self):
        return canonical(self.statement)

    @property
    def sha256(self):
        return sha256(self.payload)

    def seal(self, signers=None):
        """Write record and keys as the statement is now."""
        who = self.signers if signers is None else signers
        self.write(self.folder / "record.dsse.json", canonical(envelope_of(self.payload, who)) + b"\n")
        keys = [
            {name: each[name] for name in ("name", "role", "key", "public")} for each in self.statement["predicate"]["signers"]
        ]
        self.write(self.folder / "keys.json", canonical({"schema": "thoratrace/release-keys/1", "keys": keys}) + b"\n")
        return self

    def later(self, name="cover_sheet.html"):
        self.write(self.folder / "after" / name, f"<p>{self.sha256}</p>".encode())
        return self


def rotation(old, new, records, previous="0" * 64, **changes):
    """Return a line by which one key gives way to another."""
    line = {
        "schema": "thoratrace/release-rotation/1",
        "name": old.name,
        "time": "2026-11-21T12:00:00Z",
        "reason": "the key was a year old",
        "from": old.public,
        "to": new.public,
        "records": sorted(records),
        "previous": previous,
    } | changes
    message = DOMAIN + canonical(line)
    return canonical(line | {"signed_from": old.sign(message), "signed_to": new.sign(message)})


def commit(repository, files):
    """Make a repository with one commit of these files; return commit, tree and the hash over its files."""
    for name, content in files.items():
        Sealed.write(repository / name, content)
    identity = ["-c", "user.name=DEMO", "-c", "user.email=demo@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "a commit"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    ids = [git(repository, "rev-parse", name).strip() for name in ("HEAD", "HEAD^{tree}")]
    known = {name: ["100644", sha256(content)] for name, content in files.items()}
    return {"commit": ids[0], "tree": ids[1], "files_sha256": sha256(canonical(known))}


def git(repository, *arguments):
    return subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True, text=True).stdout
