"""The keys of a host of the user's OpenSSH configuration, in the order in which they are offered."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import asyncssh

from gputui.errors import reason_of
from gputui.models import Secret
from gputui.ssh import key_files
from gputui.ssh.key_files import NamedKey
from gputui.ssh.resolution import Resolved
from gputui.text import clean

AskPassphrase = Callable[[Path, int], Awaitable[Secret | None]]
"""Asks for the passphrase of a file; the number counts the attempts from 1."""
_ATTEMPTS = 3


class LockedKeyPair(asyncssh.SSHKeyPair):
    """A key file with a passphrase, which is asked for only when the server has accepted the public half."""

    def __init__(
        self, path: Path, public: asyncssh.SSHKey, ask: AskPassphrase, certificate: asyncssh.SSHCertificate | None
    ) -> None:
        algorithms = public.sig_algorithms
        super().__init__(
            public.algorithm, public.algorithm, algorithms, algorithms, public.public_data, None, certificate
        )
        self._path = path
        self._ask = ask
        self._key: asyncssh.SSHKey | None = None

    async def sign_async(self, data: bytes) -> bytes:
        """Sign with the unlocked key; ValueError, which passes on to the next key, where it stays locked."""
        for attempt in range(1, _ATTEMPTS + 1):
            if self._key is not None:
                return self._key.sign(data, self.sig_algorithm)
            passphrase = await self._ask(self._path, attempt)
            if passphrase is None:
                break
            try:
                self._key = await asyncio.to_thread(asyncssh.read_private_key, self._path, passphrase.reveal())
            except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
                if "bcrypt" in str(error):
                    break
        if self._key is not None:
            return self._key.sign(data, self.sig_algorithm)
        raise ValueError("the passphrase is not known")


def load(
    resolved: Resolved, agent_keys: Sequence[NamedKey], ask: AskPassphrase | None
) -> tuple[list[NamedKey], list[NamedKey], list[str]]:
    """Return the keys that the configuration names, other keys of the agent, and the names of files not used.

    Certificates come first, then files that the agent has, then other files. A file that does not exist is passed
    over in silence, one that others can read with its reason; a locked one without ``ask`` as well. Blocking.
    """
    problems = list[str]()
    files = key_files.default_paths() if resolved.identity_files is None else resolved.identity_files
    certificates = dict[bytes, asyncssh.SSHCertificate]()
    for certificate in (*map(_certificate, resolved.certificates), *(_certificate(_beside(path)) for path in files)):
        if certificate is not None:
            certificates.setdefault(certificate.key.public_data, certificate)
    held = {key.public_data: key for key in reversed(agent_keys)}
    with_agent, with_file, seen = list[NamedKey](), list[NamedKey](), set[bytes]()
    for path in files:
        public = key_files.public_key(path)
        if public is not None and public.public_data in held:
            seen.add(public.public_data)
            pair = held[public.public_data].pair
            with_agent.append(NamedKey(f"key {clean(str(path))} in the agent", pair))
        elif key_files.is_public(path):
            problems.append(f"key {clean(str(path))} (the agent does not have its private half)")
        elif key_files.others_can_read(path):
            problems.append(f"key {clean(str(path))} (others can read it: chmod 600)")
        elif (key := _from_file(path, public, ask, problems)) is not None:
            with_file.append(key)
    others = [key for key in agent_keys if key.public_data not in seen]
    # A certificate may be for a key that only the agent has.
    signed = [*_signed((*with_agent, *with_file, *others), certificates)]
    return [*signed, *with_agent, *with_file], [] if resolved.identities_only else others, problems


def _signed(keys: Sequence[NamedKey], certificates: dict[bytes, asyncssh.SSHCertificate]) -> Iterator[NamedKey]:
    for key in keys:
        certificate = certificates.pop(key.public_data, None)
        if certificate is None:
            continue
        if isinstance(key.pair, asyncssh.SSHKeyPair):
            pair = copy.copy(key.pair)
            pair.set_certificate(certificate)
        else:
            pair = asyncssh.load_keypairs([(key.pair, certificate)])[0]  # the second is without it
        yield NamedKey(f"certificate of {key.name}", pair)


def _from_file(
    path: Path, public: asyncssh.SSHKey | None, ask: AskPassphrase | None, problems: list[str]
) -> NamedKey | None:
    name = f"key {clean(str(path))}"
    try:
        return NamedKey(name, asyncssh.read_private_key(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        problems.append(f"{name} ({reason_of(error)})")
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        if not key_files.wants_passphrase(error) and "bcrypt" not in str(error):
            problems.append(f"{name} (not a private key that can be used)")
        elif public is None or ask is None:
            problems.append(f"{name} (locked with a passphrase: ssh-add adds it to the agent)")
        elif "bcrypt" in str(error):
            problems.append(f"{name} (locked: needs the package bcrypt, or the agent)")
        else:
            return NamedKey(name, LockedKeyPair(path, public, ask, None))
    return None


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}-cert.pub")


def _certificate(path: Path) -> asyncssh.SSHCertificate | None:
    try:
        return asyncssh.read_certificate(path)
    except (OSError, asyncssh.KeyImportError):
        return None
