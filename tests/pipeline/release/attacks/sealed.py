"""A small release, written by the few lines that an attacker has: enough parts for every attack on folder and record."""

from __future__ import annotations

import hashlib
import json

import rfc8785

from pipeline.release.attacks.bench import Original
from pipeline.release.attacks.forgery import fingerprint, made_key, public_line, signature
from pipeline.release.attacks.sources import git

SIGNERS = (("DEMO-author", "software lead"), ("DEMO-quality", "quality assurance"))
VERSION = "0.1.0"
NUMERIC_CLASS, DATA_ROOT = "d" * 64, "e" * 64


def parts():
    """Return the content of each part by its name."""
    weights = hashlib.shake_256(b"weights").digest(3000)
    manifest = {
        "files": {"weights.safetensors": {"sha256": hashlib.sha256(weights).hexdigest(), "size": len(weights)}},
        "lineage": {"weights_sha256": hashlib.sha256(weights).hexdigest()},
    }
    return {
        "bundle/weights.safetensors": weights,
        "bundle/manifest.json": json.dumps(manifest).encode(),
        "bundle/thresholds.json": b'{"scoliosis": 0.5}\n',
        "bundle/model.json": b'{"family": "small"}\n',
        "files/params.yaml": b"profile: phantom\nbudget: quick\n",
        "files/dvc.lock": b"schema: '2.0'\nstages: {}\n",
        "files/device.lock": b"numpy==2.4.6 \\\n",
        "files/requirements.lock": b"numpy==2.4.6 \\\npytest==9.2.0 \\\n",
        "files/people.toml": people().encode(),
        "files/validation.json": b'{"ap50": {"value": 0.4}}\n',
        "files/verification.json": b'{"SRS-001": "passed"}\n',
        "files/device.cdx.json": b'{"components": [{"name": "numpy"}, {"name": "torch"}]}\n',
        "files/data_root.json": json.dumps({"films": 2, "root": DATA_ROOT}).encode(),
        "files/environment.json": json.dumps({"numeric_class": NUMERIC_CLASS, "system": "Linux"}).encode(),
        "archive/predictions/predictions.json": b'{"films": []}\n',
        "archive/technical_file/index.html": b"<!doctype html>\n",
        "archive/verification/junit.xml": b"<testsuites/>\n",
    }


def people():
    """Return a list of people with the keys of the signers."""
    head = 'schema = "thoratrace/people/1"\nproject = "thoratrace"\n'
    return head + "".join(
        f'[[person]]\nname = "{name}"\nkind = "demonstration"\nroles = ["{role}"]\n[[person.key]]\n'
        f'id = "{fingerprint(key(number))}"\npublic = "{public_line(key(number))}"\n'
        'valid_from = "2026-01-01T00:00:00Z"\nvalid_until = "2036-01-01T00:00:00Z"\n'
        for number, (name, role) in enumerate(SIGNERS)
    )


def key(number):
    return made_key("test signer", number)


def commit(root, content):
    """Commit a little source with the locks and people of the release; return what the record says of it."""
    files = {
        "device_sw/_version.py": b'__version__ = "0.1.0"\n',
        **{
            name.removeprefix("files/"): content[name]
            for name in content
            if name.endswith((".lock", "people.toml")) and "dvc" not in name
        },
    }
    for name, each in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(each)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", *files)
    git(root, "commit", "-q", "-m", "source")
    listed = {name: ["100644", hashlib.sha256(each).hexdigest()] for name, each in files.items()}
    return {
        "commit": git(root, "rev-parse", "HEAD"),
        "tree": git(root, "rev-parse", "HEAD^{tree}"),
        "files_sha256": hashlib.sha256(rfc8785.dumps(listed)).hexdigest(),
    }


def statement(content, version=VERSION, previous=None):
    sha256 = {name: hashlib.sha256(each).hexdigest() for name, each in content.items()}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "urn:thoratrace:release-record:1",
        "subject": [{"name": name, "digest": {"sha256": sha256[name]}} for name in sorted(content)],
        "predicate": {
            "schema": "thoratrace/release-record/1",
            "project": "thoratrace",
            "version": version,
            "kind": "trial",
            "conclusion": "engineering baseline; not acceptable for clinical use",
            "sizes": {name: len(each) for name, each in content.items()},
            "source": {"commit": "a" * 40, "tree": "b" * 40, "files_sha256": "c" * 64},
            "model": {
                "version": "0.1.0",
                "weights_sha256": sha256["bundle/weights.safetensors"],
                "bundle_sha256": sha256["bundle/manifest.json"],
            },
            "environment": {"numeric_class": NUMERIC_CLASS},
            "data_root": DATA_ROOT,
            "gate": {"level": "development", "problems": 0},
            "stages": {"train": {"before": {"params.yaml": "f" * 64}, "after": {"params.yaml": "f" * 64}}},
            "signers": [
                {
                    "name": name,
                    "role": role,
                    "meaning": "approved",
                    "key": fingerprint(key(number)),
                    "public": public_line(key(number)),
                    "demonstration": True,
                }
                for number, (name, role) in enumerate(SIGNERS)
            ],
            "previous": previous,
        },
    }


def write_release(folder, *, signed=True, with_source=False, bundle=None):
    """Write the release into ``folder``, with the files of a real bundle where one is given; return what is to be copied for an attack."""
    content = parts()
    if bundle is not None:
        content = {name: each for name, each in content.items() if not name.startswith("bundle/")}
        content |= {f"bundle/{path.name}": path.read_bytes() for path in bundle.iterdir()}
    said = statement(content)
    if with_source:
        said["predicate"]["source"] = commit(folder.parents[1], content)
    if not signed:
        said["predicate"]["signers"] = []
    for name, each in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(each)
    payload = rfc8785.dumps(said)
    signatures = [signature(key(number), payload) for number, _ in enumerate(SIGNERS)] if signed else []
    write_record(folder, payload, sorted(signatures, key=lambda each: each["keyid"]))
    keys = [{name: each[name] for name in ("name", "role", "key", "public")} for each in said["predicate"]["signers"]]
    (folder / "keys.json").write_bytes(rfc8785.dumps({"schema": "thoratrace/release-keys/1", "keys": keys}) + b"\n")
    pins = tuple(fingerprint(key(number)) for number, _ in enumerate(SIGNERS)) if signed else ()
    return Original(folder.parents[1], folder, folder / "archive", pins)


def write_record(folder, payload, signatures):
    import base64

    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": signatures,
    }
    (folder / "record.dsse.json").write_bytes(rfc8785.dumps(envelope) + b"\n")
