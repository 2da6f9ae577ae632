"""Private key files: their names, permissions and public halves."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

import asyncssh

from gputui.late_dataclasses import dataclass
from gputui.text import clean

_DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk")
_MAGIC = b"openssh-key-v1\0"
_LARGEST = 2**16


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A key that can be offered, and its name in messages."""

    name: str
    pair: asyncssh.SSHKey | asyncssh.SSHKeyPair

    @property
    def public_data(self) -> bytes:
        """The public half in wire format; of a certificate, that of the key in it."""
        return self.pair.key_public_data if isinstance(self.pair, asyncssh.SSHKeyPair) else self.pair.public_data


def others_can_read(path: Path) -> bool:
    """Return whether OpenSSH would refuse a key for its permissions: a file of the user that others can read."""
    try:
        status = path.stat()
    except OSError:
        return False
    return status.st_uid == os.getuid() and bool(status.st_mode & 0o077)


def default_paths() -> tuple[Path, ...]:
    """Return the files that OpenSSH tries where none is named, whether they exist or not."""
    return tuple(Path.home() / ".ssh" / name for name in _DEFAULT_KEYS)


def default_keys() -> tuple[set[bytes], list[NamedKey], list[Path]]:
    """Return the public halves of the user's default keys, those without a passphrase, and those others can read."""
    known: set[bytes] = set()
    keys: list[NamedKey] = []
    open_to_all: list[Path] = []
    for path in default_paths():
        if (public := public_data(path)) is not None:
            known.add(public)
        if others_can_read(path):
            open_to_all.append(path)
            continue
        try:
            keys.append(NamedKey(f"key {clean(str(path))}", asyncssh.read_private_key(path)))
        except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
            # Not there, or locked with a passphrase: as OpenSSH in batch mode, it is passed over.
            continue
    return known, keys, open_to_all


def public_data(path: Path) -> bytes | None:
    """Return the public half of a key file in wire format, as :func:`public_key` does."""
    key = public_key(path)
    return None if key is None else key.public_data


def public_key(path: Path) -> asyncssh.SSHKey | None:
    """Return the public half of a private key, also of an encrypted one, or a public key; None: unknown."""
    for candidate in (path.with_name(f"{path.name}.pub"), path):
        try:
            return asyncssh.read_public_key(candidate)
        except (OSError, asyncssh.KeyImportError):
            continue
    try:
        with path.open("rb") as file:
            data = _public_half(file.read(_LARGEST))
        algorithm = data[4 : 4 + int.from_bytes(data[:4])] if data else b""
        return asyncssh.import_public_key(algorithm + b" " + base64.b64encode(data)) if data else None
    except (OSError, asyncssh.KeyImportError):
        return None


def is_public(path: Path) -> bool:
    """Return whether a file is a public key, the private half of which only an agent can have."""
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST)
        asyncssh.import_public_key(text)
    except (OSError, asyncssh.KeyImportError):
        return False
    return b"PRIVATE KEY" not in text  # of which asyncssh reads the public half as well


def _public_half(text: bytes) -> bytes | None:
    """Read the public half in front of the private one: OpenSSH's own format has it in clear."""
    lines = text.split(b"-----")
    try:
        data = base64.b64decode(b"".join(lines[2].split()), validate=True) if len(lines) > 2 else b""
    except binascii.Error:
        return None
    if not data.startswith(_MAGIC):
        return None
    place = len(_MAGIC)
    # Cipher, key derivation and options, the number of keys, then the public key.
    for skipped in ("string", "string", "string", "number"):
        place += 4 + (int.from_bytes(data[place : place + 4]) if skipped == "string" else 0)
    size = int.from_bytes(data[place : place + 4])
    found = data[place + 4 : place + 4 + size]
    return found if size and len(found) == size else None


def wants_passphrase(error: Exception) -> bool:
    """Return whether an error is a missing or wrong passphrase."""
    # asyncssh has no error class for a wrong passphrase; the messages differ by file format.
    text = str(error).lower()
    return isinstance(error, asyncssh.KeyEncryptionError) or "passphrase" in text or "decrypt" in text
