"""A record for tests: small, valid, and changed field by field."""

from __future__ import annotations

from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.release.record.record import Kind, Model, Record, Signer, Source, Stage, Subject
from verification.trace.keys import public_of

KEYS = {name: Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)) for number, name in enumerate(("DEMO-a", "DEMO-b"), 1)}


def signer(name="DEMO-a", role="quality assurance"):
    public = public_of(KEYS[name])
    return Signer(name, role, "approved", public.id, public.line, demonstration=True)


def record(**changes):
    made = Record(
        version="0.1.0",
        kind=Kind.TRIAL,
        subjects=(Subject("bundle/manifest.json", "a" * 64, 3), Subject("files/params.yaml", "b" * 64, 5)),
        source=Source("c" * 40, "d" * 40, "e" * 64),
        model=Model("0.1.0", "1" * 64, "2" * 64),
        environment={"python": "3.11.9"},
        data_root="3" * 64,
        gate={"level": "development", "problems": 0},
        stages={"cohort": Stage({"phantom": "4" * 64}, {"phantom": "4" * 64})},
        signers=(signer(),),
    )
    return replace(made, **changes)
