"""The envelope of a record: its bytes, and signatures over them that also name what kind of bytes they are (DSSE).

A signature is Ed25519 over the pre-authentication encoding ``DSSEv1 LEN(type) type LEN(payload) payload``, so that bytes signed as one kind cannot be
passed off as another. The key's id is the fingerprint of its OpenSSH line. This module makes and reads envelopes; whom to believe is not its question.

Source: DSSE v1.0.2 (protocol.md, envelope.md); RFC 8032; the ids are ours, the specification leaves them open.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pipeline.release.record.canonical import canonical, read
from verification.trace.keys import ForgedError, public_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from verification.trace.keys import PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def pre_authentication(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Return the bytes that are signed.

    >>> pre_authentication(b"hello world", "http://example.com/HelloWorld")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature: the fingerprint of the key it claims to be of, and its 64 bytes."""

    keyid: str
    sig: bytes

    def holds(self, key: PublicKey, payload: bytes) -> None:
        """Return when this is the key's signature of a payload.

        Raises:
            ForgedError: it is another key's, or not over this payload.
        """
        try:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(self.sig, pre_authentication(payload))
        except InvalidSignature as err:
            raise ForgedError("the signature is not that of this key over this payload") from err


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with its signatures, sorted by the key's fingerprint, one for each key."""

    payload: bytes
    signatures: tuple[Signature, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an order that is not the one, or two signatures of a key.

        Raises:
            ValueError: either.
        """
        ids = [each.keyid for each in self.signatures]
        if ids != sorted(set(ids)):
            raise ValueError("signatures that are not sorted by key, or two of one key")

    def signed(self, private: Ed25519PrivateKey) -> Envelope:
        """Return the envelope with the signature of a key; a second one of the same key replaces the first (they are equal: Ed25519 draws nothing)."""
        mine = Signature(public_of(private).id, private.sign(pre_authentication(self.payload)))
        others = [each for each in self.signatures if each.keyid != mine.keyid]
        return replace(self, signatures=tuple(sorted((*others, mine), key=lambda each: each.keyid)))

    def to_bytes(self) -> bytes:
        """Return the envelope as it is kept: canonical JSON and a final newline; ``from_bytes(x.to_bytes()) == x``."""
        signatures = [{"keyid": each.keyid, "sig": base64.b64encode(each.sig).decode()} for each in self.signatures]
        value = {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": signatures,
        }
        return canonical(value) + b"\n"

    @classmethod
    def from_bytes(cls, content: bytes) -> Envelope:
        """Return the envelope that a file holds.

        Raises:
            ValueError: another form, another payload type, or not the bytes that ``to_bytes`` writes.
        """
        value = read(content.removesuffix(b"\n"))
        if not isinstance(value, dict) or set(value) != {"payload", "payloadType", "signatures"}:
            raise ValueError("no envelope of payload, payloadType and signatures")
        if value["payloadType"] != PAYLOAD_TYPE:
            raise ValueError(f"the payload type {str(value['payloadType'])[:80]!r} instead of {PAYLOAD_TYPE!r}")
        if not isinstance(value["signatures"], list):
            raise ValueError("signatures that are no list")  # noqa: TRY004  a value of the file, not of the program
        envelope = cls(_bytes(value["payload"]), tuple(_signature(each) for each in value["signatures"]))
        if envelope.to_bytes() != content:
            raise ValueError("an envelope that is not written as it is written here")
        return envelope


def _signature(value: object) -> Signature:
    if not isinstance(value, dict) or set(value) != {"keyid", "sig"} or not isinstance(value["keyid"], str):
        raise ValueError("a signature that is not keyid and sig")
    return Signature(value["keyid"], _bytes(value["sig"]))


def _bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("a part that is no text")  # noqa: TRY004  a value of the file, not of the program
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as err:
        raise ValueError("a part that is not base64") from err
