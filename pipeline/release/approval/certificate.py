"""A certificate: what one signer of a release said, when, as what, bound to the record and signed with the same key as the record.

The envelope's signature binds bytes; it says nothing of meaning or time. The certificate does, in ``after/certificates``, one file for each signer.

Source: 21 CFR 11.50 a) (name, date and time, meaning), 11.70 (linked to the record).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.release.record.canonical import canonical, read
from pipeline.release.record.record import CONCLUSION
from verification.trace.keys import ForgedError, Form, MalformedError, PublicKey, sign, verify

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from pipeline.release.record.folder import ReleaseFolder
    from pipeline.release.record.record import Record, Signer

SCHEMA = "thoratrace/release-certificate/1"
FOLDER = "certificates"


@dataclass(frozen=True, slots=True)
class Certificate:
    """One approval.

    Attributes:
        record_sha256: of the record.
        version: of the release.
        kind: release or trial.
        name: who.
        role: as what.
        meaning: what the signature means.
        statement: in words.
        time: UTC, ``2026-11-21T10:00:00Z``.
        key: fingerprint.
        demonstration: whether nobody is behind the name.
        signature: base64, over everything else.
    """

    record_sha256: str
    version: str
    kind: str
    name: str
    role: str
    meaning: str
    statement: str
    time: str
    key: str
    demonstration: bool
    signature: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the certificate as plain data."""
        return {"schema": SCHEMA, "conclusion": CONCLUSION, **{name: getattr(self, name) for name in self.__slots__}}

    @property
    def message(self) -> bytes:
        """The bytes that are signed."""
        return canonical({name: value for name, value in self.to_json().items() if name != "signature"})

    def to_bytes(self) -> bytes:
        """Return the certificate as it is kept."""
        return canonical(self.to_json()) + b"\n"

    @classmethod
    def from_bytes(cls, content: bytes) -> Certificate:
        """Return the certificate of a file.

        Raises:
            ValueError: another form.
        """
        data = read(content.removesuffix(b"\n"))
        try:
            found = cls(**{name: data[name] for name in cls.__slots__})
        except (KeyError, TypeError) as err:
            raise ValueError(f"another form than a certificate ({type(err).__name__})") from err
        if found.to_bytes() != content:
            raise ValueError("another form than a certificate: it holds more, or other fixed words")
        return found


def made(record: Record, signer: Signer, statement: str, time: str, private: Ed25519PrivateKey) -> Certificate:
    """Return the signed certificate of a signer."""
    draft = Certificate(
        record_sha256=record.sha256,
        version=record.version,
        kind=str(record.kind),
        name=signer.name,
        role=signer.role,
        meaning=signer.meaning,
        statement=statement,
        time=time,
        key=signer.key,
        demonstration=signer.demonstration,
    )
    return replace(draft, signature=sign(private, draft.message))


def place(folder: ReleaseFolder, name: str) -> Path:
    """Return where the certificate of a name lies."""
    return folder.after / FOLDER / f"{name.replace(' ', '_')}.json"


def held(folder: ReleaseFolder, record: Record) -> dict[str, Certificate]:
    """Return the certificates that hold for a record, by name; one that is of another record, of nobody who has to sign, or forged, is left out."""
    found = {}
    for signer in record.signers:
        try:
            certificate = Certificate.from_bytes(place(folder, signer.name).read_bytes())
            verify(PublicKey.from_line(signer.public), certificate.message, Form.PLAIN, certificate.signature)
        except (OSError, ValueError, ForgedError, MalformedError):
            continue
        stated = (certificate.record_sha256, certificate.name, certificate.role, certificate.meaning, certificate.key)
        if stated == (record.sha256, signer.name, signer.role, signer.meaning, signer.key):
            found[signer.name] = certificate
    return found
