"""Ed25519 keys and signatures, as this project makes them and as OpenSSH makes them (`ssh-keygen -Y sign -n thoratrace`), read with suspicion.

A public key is one line, ``ssh-ed25519 AAAA...``; its id is the fingerprint that ``ssh-keygen -l`` prints. A signature has one of two forms: ``ed25519``, 64 bytes
over a domain separator and the message, or ``ssh``, the SSHSIG structure over the message's SHA-512 under the namespace ``thoratrace``. The two cannot be taken for
each other, because what is signed begins with different bytes. A point of small order, a point or a scalar that is not in its canonical form, is refused before the
signature is verified: with such parts one signature can fit several messages or keys.

Source: RFC 8032 5.1; OpenSSH PROTOCOL.sshsig; RFC 4253 6.6, RFC 8709.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMESPACE = b"thoratrace"
DOMAIN = b"thoratrace/approval/1\x00"
"""What every plain signature of this project begins with, so that no signature made for something else fits."""

MOST_KEYS = 1000
"""Keys whose fingerprints are kept: the same few are asked for with every signature."""

_TYPE = b"ssh-ed25519"
_MAGIC = b"SSHSIG"
_HASHES = {b"sha512": hashlib.sha512, b"sha256": hashlib.sha256}
_PRIME = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_SMALL = frozenset(
    {
        0,
        1,
        _PRIME - 1,
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
    }
)
"""The y coordinates of the points whose order divides 8."""


class Form(StrEnum):
    """How a signature was made."""

    PLAIN = "ed25519"
    SSH = "ssh"


class MalformedError(Exception):
    """A key or a signature does not have the one form it may have; the message says what is wrong."""


class ForgedError(Exception):
    """A well-formed signature is not that of this key over this message."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key: 32 bytes, checked to be a canonical point that is not of small order."""

    raw: bytes

    def __post_init__(self) -> None:
        """Refuse what is no sound point.

        Raises:
            MalformedError: wrong length, not canonical, or of small order.
        """
        if len(self.raw) != 32:
            raise MalformedError(f"a public key of {len(self.raw)} bytes instead of 32")
        _sound_point(self.raw, "public key")

    @classmethod
    def from_line(cls, line: str) -> PublicKey:
        """Return the key of an OpenSSH line; a comment behind it is ignored.

        Raises:
            MalformedError: another type, not base64, or trailing bytes.
        """
        words = line.split()
        if len(words) < 2 or words[0] != _TYPE.decode():
            raise MalformedError("not a line of the form 'ssh-ed25519 AAAA...'")
        name, raw = _strings(_decoded(words[1]), 2)
        if name != _TYPE:
            raise MalformedError(f"a key of the type {name!r}")
        return cls(raw)

    @property
    def blob(self) -> bytes:
        """The key as OpenSSH puts it on the wire."""
        return _string(_TYPE) + _string(self.raw)

    @property
    def line(self) -> str:
        """The key as an OpenSSH line without comment."""
        return f"{_TYPE.decode()} {base64.b64encode(self.blob).decode()}"

    @property
    def id(self) -> str:
        """The fingerprint as ``ssh-keygen -l`` prints it."""
        return _fingerprint(self.blob)


@lru_cache(maxsize=MOST_KEYS)
def _fingerprint(blob: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def public_of(private: Ed25519PrivateKey) -> PublicKey:
    """Return the public half."""
    return PublicKey(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def sign(private: Ed25519PrivateKey, message: bytes, form: Form = Form.PLAIN) -> str:
    """Return the signature of a message, base64.

    >>> key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    >>> verify(public_of(key), b"text", Form.SSH, sign(key, b"text", Form.SSH))
    """
    if form is Form.PLAIN:
        return base64.b64encode(private.sign(DOMAIN + message)).decode()
    signed = _string(_TYPE) + _string(private.sign(_ssh_message(b"sha512", message)))
    parts = (public_of(private).blob, NAMESPACE, b"", b"sha512", signed)
    return base64.b64encode(_MAGIC + struct.pack(">I", 1) + b"".join(map(_string, parts))).decode()


def verify(key: PublicKey, message: bytes, form: Form, signature: str) -> None:
    """Return when the signature is that of the key over the message.

    Raises:
        MalformedError: the signature does not have the form, or has parts that no honest signer makes.
        ForgedError: it has the form and does not fit.
    """
    blob = _decoded(signature)
    raw, signed = (blob, DOMAIN + message) if form is Form.PLAIN else _ssh_parts(key, blob, message)
    if len(raw) != 64:
        raise MalformedError(f"a signature of {len(raw)} bytes instead of 64")
    _sound_point(raw[:32], "signature's point")
    if int.from_bytes(raw[32:], "little") >= _ORDER:
        raise MalformedError("the signature's scalar is not reduced, so it was made from another signature")
    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(raw, signed)
    except InvalidSignature as err:
        raise ForgedError("the signature is not that of this key over this content") from err


def from_armour(text: str) -> str:
    """Return the signature in a file that ``ssh-keygen -Y sign`` wrote, base64 on one line.

    Raises:
        MalformedError: not such a file.
    """
    lines = text.strip().splitlines()
    if len(lines) < 3 or lines[0] != "-----BEGIN SSH SIGNATURE-----" or lines[-1] != "-----END SSH SIGNATURE-----":
        raise MalformedError("no SSH signature between its BEGIN and END lines")
    return "".join(lines[1:-1])


def _ssh_parts(key: PublicKey, blob: bytes, message: bytes) -> tuple[bytes, bytes]:
    if blob[:6] != _MAGIC or blob[6:10] != struct.pack(">I", 1):
        raise MalformedError("no SSHSIG structure of version 1")
    public, namespace, reserved, hash_name, signed = _strings(blob[10:], 5)
    if namespace != NAMESPACE:
        raise MalformedError(f"the namespace {namespace!r} instead of {NAMESPACE!r}: a signature made for something else")
    if reserved or hash_name not in _HASHES:
        raise MalformedError(f"reserved bytes or the hash {hash_name!r}")
    if public != key.blob:
        raise ForgedError("the signature names another key than the record")
    name, raw = _strings(signed, 2)
    if name != _TYPE:
        raise MalformedError(f"a signature of the type {name!r}")
    return raw, _ssh_message(hash_name, message)


def _ssh_message(hash_name: bytes, message: bytes) -> bytes:
    digest = _HASHES[hash_name](message).digest()
    return _MAGIC + b"".join(map(_string, (NAMESPACE, b"", hash_name, digest)))


def _sound_point(raw: bytes, what: str) -> None:
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= _PRIME:
        raise MalformedError(f"the {what} is not in its canonical form")
    if y in _SMALL:
        raise MalformedError(f"the {what} is of small order")


def _decoded(text: str) -> bytes:
    """Return base64 as bytes; only the one canonical text of these bytes is taken."""
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as err:
        raise MalformedError("not base64") from err
    if base64.b64encode(blob).decode() != text:
        raise MalformedError("base64 that is not in its canonical form")
    return blob


def _string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def _strings(blob: bytes, count: int) -> Iterable[bytes]:
    """Return exactly ``count`` length-prefixed strings that fill the bytes."""
    found: list[bytes] = []
    while blob and len(found) < count:
        length = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + length:
            raise MalformedError("a part that is shorter than it says")
        found.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    if blob or len(found) != count:
        raise MalformedError(f"{len(found)} parts and {len(blob)} further bytes instead of {count} parts")
    return found
