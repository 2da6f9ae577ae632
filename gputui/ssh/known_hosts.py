"""Known hosts: the keys stored for each instance id, and the question about a new one.

Addresses are recycled between instances and change with every restart, so a key belongs to an id, not to an
address. Each id has one small file of OpenSSH known-hosts lines (``[host]:port algorithm key``); the addresses in
it are those where a key was seen. Standard library only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import field
from functools import partial
from pathlib import Path
from urllib.parse import quote

from gputui.errors import HostKeyError, SshError, reason_of
from gputui.late_dataclasses import dataclass
from gputui.models import Ref, SSHTarget
from gputui.private_files import open_private
from gputui.text import clean

_LONGEST_NAME = 200
_JUMP = "jump/"
_SLASHES_OF_REF = 2
_GENERATION = "#"
"""Separates an instance's Ref from its generation: the part that differs from other instances with the same Ref."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """A server's public key: algorithm (``ssh-ed25519``) and base64 text."""

    algorithm: str
    data: str

    @classmethod
    def parse(cls, text: str) -> HostKey:
        """Read ``algorithm base64 [comment]``; raises ValueError on anything else."""
        algorithm, data, *_ = [*text.split(None, 2), "", ""]
        blob = base64.b64decode(data, validate=True)
        name = algorithm.encode()
        if not name or blob[: 4 + len(name)] != len(name).to_bytes(4, "big") + name:
            raise ValueError("not a public key")
        return cls(algorithm, data)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint in OpenSSH's form: ``SHA256:…``."""
        digest = hashlib.sha256(base64.b64decode(self.data)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    def __str__(self) -> str:
        return f"{self.fingerprint} ({self.algorithm})"


@dataclass(frozen=True, slots=True)
class HostKeyQuestion:
    """The question whether to trust ``key`` for ``host_id``.

    ``same_key_at`` are other ids that have the same key (images often carry one), ``address_was`` other ids that
    were once reached at this address (it was recycled). ``remember`` trusts the key from now on: it writes a file,
    call it in a thread; ``kept_in`` says where, as in "It will be …". Raises SshError.
    """

    host_id: str
    host: str
    port: int
    key: HostKey
    same_key_at: tuple[str, ...] = ()
    address_was: tuple[str, ...] = ()
    kept_in: str = "remembered for this instance"
    remember: Callable[[], None] = field(kw_only=True, repr=False, compare=False)

    def describe(self) -> str:
        """Return the lines for a dialog or a terminal."""
        lines = [
            f"The host key of {name_of_host(self.host_id)} at {self.host}:{self.port} is not known yet.",
            f"{self.key.algorithm} {self.key.fingerprint}",
        ]
        if self.same_key_at:
            lines.append(f"The same key is known for {_counted(self.same_key_at)}.")
        if self.address_was:
            lines.append(f"This address was {_some(self.address_was)} before.")
        return "\n".join(lines)


AskHostKey = Callable[[HostKeyQuestion], Awaitable[bool]]


class KnownHosts:
    """The stored keys, one file for each id, in a directory that only its owner can read.

    Every method reads or writes files, :meth:`question` and :meth:`forget` those of all ids: call them in a thread.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keys(self, host_id: str) -> tuple[HostKey, ...]:
        """Return the keys trusted for ``host_id``, oldest first.

        Raises HostKeyError when the file has any line that is not a known-hosts line: skipping a damaged line would
        turn a changed key into an unknown one.
        """
        keys = [key for _, key in self._read(self._path(host_id))[1]]
        return tuple(dict.fromkeys(keys))

    def remember(self, host_id: str, host: str, port: int, key: HostKey) -> None:
        """Trust ``key`` for ``host_id`` from now on. Raises SshError when it cannot be written."""
        path = self._path(host_id)
        line = f"[{host}]:{port} {key.algorithm} {key.data}\n"
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            try:
                header = "" if os.fstat(descriptor).st_size else f"# {clean(host_id)}\n"
                os.write(descriptor, (header + line).encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _unusable(path, error) from error

    def forget(self, host_id: str) -> bool:
        """Delete every key of ``host_id`` and of all generations of that instance; returns whether there was one."""
        paths = [
            self._path(host_id),
            *(path for path, name, _ in self._others(host_id) if name_of_host(name) == clean(host_id)),
        ]
        found = False
        for path in paths:
            try:
                path.unlink()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _unusable(path, error) from error
            found = True
        return found

    def question(self, host_id: str, host: str, port: int, key: HostKey) -> HostKeyQuestion:
        """Return the question about a key unknown for ``host_id``, with the other ids that have it."""
        address = f"[{host}]:{port}"
        same_key: list[str] = []
        same_address: list[str] = []
        for _, other, entries in self._others(host_id):
            if any(known == key for _, known in entries):
                same_key.append(other)
            if any(where == address for where, _ in entries):
                same_address.append(other)
        remember = partial(self.remember, host_id, host, port, key)
        kept_in = "remembered for this jump host" if is_jump_host(host_id) else "remembered for this instance"
        return HostKeyQuestion(
            host_id, host, port, key, tuple(same_key), tuple(same_address), kept_in, remember=remember
        )

    def _path(self, host_id: str) -> Path:
        name = quote(host_id, safe="")
        if len(name) > _LONGEST_NAME:
            name = f"{name[:100]}~{hashlib.sha256(host_id.encode()).hexdigest()}"
        return self._directory / f"{name}.hosts"

    def _read(self, path: Path) -> tuple[str, list[tuple[str, HostKey]]]:
        """Read a file once: the id in the first line, and the address of each key."""
        try:
            with os.fdopen(open_private(path, os.O_RDONLY), encoding="utf-8") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return "", []
        except (OSError, UnicodeDecodeError) as error:
            raise _unusable(path, error) from error
        entries = []
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            where, _, key = line.partition(" ")
            try:
                entries.append((where, HostKey.parse(key)))
            except (ValueError, binascii.Error) as error:
                raise HostKeyError(
                    f"{clean(str(path))} is damaged: line {number} is not a host key.",
                    hint="Repair or remove the file. Without it, the next login asks about the key again.",
                ) from error
        name = lines[0].removeprefix("# ").strip() if lines else ""
        return clean(name), entries

    def _others(self, host_id: str) -> Iterator[tuple[Path, str, list[tuple[str, HostKey]]]]:
        own = self._path(host_id)
        try:
            paths = sorted(path for path in self._directory.iterdir() if path.name.endswith(".hosts"))
        except (FileNotFoundError, NotADirectoryError):
            paths = []
        except OSError as error:
            raise _unusable(self._directory, error) from error
        for path in paths:
            if path == own:
                continue
            try:
                name, entries = self._read(path)
            except (HostKeyError, SshError):
                # A damaged file of another id is reported when that id is used; here it is skipped.
                continue
            yield path, name, entries


def host_id_of(ref: Ref, target: SSHTarget) -> str:
    """Return the id under which an instance's host key is stored: the Ref, and the generation where it is known."""
    return f"{ref}{_GENERATION}{target.generation}" if target.generation else str(ref)


def jump_host_id(host: str, port: int | None) -> str:
    """Return the id that a jump host's key is stored under; None is the port of an OpenSSH configuration."""
    return f"{_JUMP}{host}" if port is None else f"{_JUMP}{host}:{port}"


def is_jump_host(host_id: str) -> bool:
    """Return whether an id is that of a jump host."""
    return host_id.startswith(_JUMP)


def name_of_host(host_id: str) -> str:
    """Return the Ref of a host id, without the generation."""
    return host_id.partition(_GENERATION)[0]


def generation_of(host_id: str) -> str:
    """Return the generation of a host id, '' where it is unknown."""
    return host_id.partition(_GENERATION)[2]


def changed_key_error(host_id: str, host: str, port: int, old: tuple[HostKey, ...], new: HostKey) -> HostKeyError:
    """Return the error for a key that differs from the stored one: both fingerprints and the way out."""
    remembered = ", ".join(str(key) for key in old)
    return HostKeyError(
        f"The host key of {name_of_host(host_id)} at {host}:{port} has changed: remembered {remembered}, now {new}. "
        "Not logged in.",
        hint=(
            "Someone may be listening in, or it was recreated. "
            f"If you know why: gputui ssh --forget-host-key {name_of_host(host_id)}, then log in again and compare."
        ),
    )


def _counted(names: tuple[str, ...]) -> str:
    """Return the number of other hosts with their names: an image that many were made of may contain the key."""
    count = len(dict.fromkeys(map(name_of_host, names)))
    noun = "host" if any(is_jump_host(name) or name.count("/") < _SLASHES_OF_REF for name in names) else "instance"
    return f"{count} other {noun}{'' if count == 1 else 's'}: {_some(names)}"


def _some(names: tuple[str, ...]) -> str:
    names = tuple(dict.fromkeys(map(name_of_host, names)))
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _unusable(path: Path, error: Exception) -> SshError:
    reason = reason_of(error) if isinstance(error, OSError) else "not text"
    return SshError(f"The known-hosts file {clean(str(path))} cannot be used: {reason}.")
