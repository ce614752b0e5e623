"""Private keys of people who sign: made here, kept outside the repository, readable by their owner only. A public key is all that ever enters the project."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_ssh_private_key

from verification.trace.keys import PublicKey, public_of

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "THORATRACE_KEYS"
MODE = 0o600
FOLDER_MODE = 0o700


class KeyringError(Exception):
    """A private key cannot be kept or found there; the message says why."""


@dataclass(frozen=True)
class Keyring:
    """A folder of private keys in OpenSSH's form, one file for each, named by the key's fingerprint."""

    folder: Path

    def file_of(self, key_id: str) -> Path:
        """Return where the key of a fingerprint lies."""
        name = base64.urlsafe_b64encode(base64.b64decode(key_id.removeprefix("SHA256:") + "=")).decode().rstrip("=")
        return self.folder / f"{name}.key"

    def create(self) -> PublicKey:
        """Make a key pair, store its private half with mode 0600, and return the public half."""
        private = Ed25519PrivateKey.generate()
        public = public_of(private)
        self.folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        content = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        handle = os.open(self.file_of(public.id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        return public

    def private(self, key_id: str) -> Ed25519PrivateKey:
        """Return the private key of a fingerprint.

        Raises:
            KeyringError: it is not there, others can read it, or it is another key.
        """
        path = self.file_of(key_id)
        if not path.is_file():
            raise KeyringError(
                f"no private key of {key_id} in {self.folder}; sign where the key lies, or name its folder with --keys"
            )
        if path.stat().st_mode & 0o077:
            raise KeyringError(
                f"others can read {path}; take their rights away (mode 0600) and ask whether the key has to be revoked"
            )
        try:
            private = load_ssh_private_key(path.read_bytes(), None)
        except (ValueError, UnsupportedAlgorithm) as err:
            raise KeyringError(f"{path} is no private key that can be read ({type(err).__name__})") from err
        if not isinstance(private, Ed25519PrivateKey) or public_of(private).id != key_id:
            raise KeyringError(f"{path} is not the key {key_id}")
        return private


def open_keyring(root: Path, folder: Path | None) -> Keyring:
    """Return the keyring in a folder, by default the one that ``$THORATRACE_KEYS`` names.

    Raises:
        KeyringError: no folder is named, or it lies inside the repository.
    """
    named = str(folder) if folder is not None else os.environ.get(VARIABLE, "")
    if not named:
        raise KeyringError(f"no folder for private keys; name one outside the repository with --keys or ${VARIABLE}")
    path = root.__class__(named).expanduser().resolve()
    if path.is_relative_to(root.resolve()):
        raise KeyringError(f"{path} lies inside the repository; a private key never enters it")
    return Keyring(path)
