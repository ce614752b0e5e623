"""Pseudonyms that only the holder of a key can make again: of patients, of UIDs, and the days by which a patient's dates move.

    pseudonym = HMAC-SHA256(key, purpose || 0x1F || value)

The same key gives the same pseudonym for the same value in every file and every run, so studies and series stay together; another key gives others. Without the key a
pseudonym says nothing about the value, also to somebody who can guess values. The key is a file of 32 random bytes that stays with whoever may re-identify.

Source: RFC 2104 (HMAC); RFC 5869 (HKDF); DICOM PS3.5 B.2 (UIDs below 2.25), PS3.15 E.3.6 (modified dates).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from device_sw.errors import DeidentificationError

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32
MOST_DAYS = 3650
"""Dates move back by 1 to this many days, the same number for all dates of a patient."""

SCHEMA = "thoratrace/pseudonyms/1"
_SEPARATOR = b"\x1f"
_NONCE = 12


@dataclass(frozen=True)
class Pseudonyms:
    """Makes pseudonyms with one key, which its text form never shows."""

    key: bytes = field(repr=False)

    def patient(self, patient_id: str, issuer: str = "") -> str:
        """Return the pseudonym of a patient: ``TT-`` and 16 hexadecimal digits, a valid PatientID (LO)."""
        return f"TT-{self._mac('patient', issuer, patient_id).hex()[:16].upper()}"

    def uid(self, uid: str) -> str:
        """Return the UID that stands for a UID: 2.25 and a number of 128 bits, with version and variant of a UUID (PS3.5 B.2)."""
        number = int.from_bytes(self._mac("uid", uid)[:16], "big")
        number = number & ~(0xF << 76) | (0x8 << 76)
        number = number & ~(0x3 << 62) | (0x2 << 62)
        return f"2.25.{number}"

    def days(self, patient_id: str, issuer: str = "") -> int:
        """Return by how many days this patient's dates move back, 1 to 3650."""
        return 1 + int.from_bytes(self._mac("days", issuer, patient_id)[:8], "big") % MOST_DAYS

    def _mac(self, *parts: str) -> bytes:
        return hmac.new(self.key, _SEPARATOR.join(part.encode() for part in parts), hashlib.sha256).digest()

    @property
    def _table_key(self) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=SCHEMA.encode()).derive(self.key)

    def seal(self, entries: dict[str, Any]) -> bytes:
        """Return a table of who is who, encrypted and authenticated (AES-256-GCM) under a key derived from this one."""
        nonce = secrets.token_bytes(_NONCE)
        content = json.dumps(entries, sort_keys=True, ensure_ascii=False).encode()
        body = AESGCM(self._table_key).encrypt(nonce, content, SCHEMA.encode())
        return json.dumps({"schema": SCHEMA, "nonce": nonce.hex(), "sealed": body.hex()}, indent=1).encode() + b"\n"

    def open(self, content: bytes) -> dict[str, Any]:
        """Return a sealed table.

        Raises:
            DeidentificationError: DEI-TABLE, the file is no sealed table, was altered, or belongs to another key.
        """
        try:
            data = json.loads(content)
            body = AESGCM(self._table_key).decrypt(bytes.fromhex(data["nonce"]), bytes.fromhex(data["sealed"]), SCHEMA.encode())
            return dict(json.loads(body))
        except (ValueError, KeyError, TypeError, InvalidTag) as err:
            raise DeidentificationError(
                "DEI-TABLE",
                where="table of pseudonyms",
                found="a file that this key does not open",
                expected=f"a table of schema {SCHEMA} sealed with the same key",
                repair="give the key that the table was made with, or another file for a new table",
            ) from err


def new_key(path: Path) -> None:
    """Write a new random key to a file that does not exist yet, readable by its owner only.

    Raises:
        DeidentificationError: DEI-KEY, the file exists or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(KEY_BYTES))
    except OSError as err:
        raise _key_error(f"a file that cannot be made ({type(err).__name__})", "a path where no file lies yet") from err


def read_key(path: Path) -> Pseudonyms:
    """Return the pseudonyms of a key file.

    Raises:
        DeidentificationError: DEI-KEY, there is no such file, it is no key, or others may read it.
    """
    try:
        about, content = path.stat(), path.read_bytes()
    except OSError as err:
        raise _key_error(f"no readable file ({type(err).__name__})", f"a file of {KEY_BYTES} random bytes") from err
    if len(content) != KEY_BYTES:
        raise _key_error(f"{len(content)} bytes", f"exactly {KEY_BYTES} random bytes")
    if about.st_mode & 0o077:
        raise _key_error("a file that others may read", "a file that only its owner may read (mode 600)")
    return Pseudonyms(content)


def _key_error(found: str, expected: str) -> DeidentificationError:
    repair = "make a key with --new-key and keep it apart from the films"
    return DeidentificationError("DEI-KEY", where="key file", found=found, expected=expected, repair=repair)
