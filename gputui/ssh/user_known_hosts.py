"""The user's OpenSSH known_hosts files: hashed names, ports, authorities and revoked keys; new keys are appended.

Standard library only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import shlex
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from gputui.errors import HostKeyError, SshError, reason_of
from gputui.late_dataclasses import dataclass
from gputui.openssh_config import matches
from gputui.ssh.known_hosts import HostKey, HostKeyQuestion, KnownHosts, name_of_host
from gputui.ssh.trust import TrustedKeys
from gputui.text import clean

_PORT = 22
_HASHED = "|1|"
_LARGEST = 2**24
_KEPT_NOWHERE = "trusted for this login alone: UserKnownHostsFile is none"
_AUTHORITY, _REVOKED = "@cert-authority", "@revoked"


class NewKeys(StrEnum):
    """The treatment of a key where none is known (StrictHostKeyChecking)."""

    ASK = "ask"
    ACCEPT = "accept-new"
    REFUSE = "yes"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of a file; ``text`` is algorithm and key."""

    path: Path
    line: int
    marker: str
    names: str
    text: str

    @property
    def key(self) -> HostKey | None:
        """The key; None where it is damaged."""
        try:
            return HostKey.parse(self.text)
        except (ValueError, binascii.Error):
            return None

    @property
    def place(self) -> str:
        """The file and the line."""
        return clean(f"{self.path}:{self.line}")

    @property
    def shown_name(self) -> str:
        """The first name; the place where it is hashed."""
        return f"a hashed name ({self.place})" if self.names.startswith("|") else clean(self.names.partition(",")[0])

    def matches(self, name: str) -> bool:
        """Whether the line is about this name, ``host`` or ``[host]:port`` in lower case."""
        if self.names.startswith("|"):
            return _matches_hash(self.names, name)
        return matches(self.names.lower().split(","), name)


@dataclass(frozen=True, slots=True)
class UserKnownHosts:
    """The files of one host: those of the user, the first of which gets new keys, and those of the machine.

    Without files of the user no key is stored.

    ``name`` is the HostKeyAlias, '' where the address is looked up. ``hashes``: whether a new name is hashed, None as
    the names in the file are. ``hosts`` are the keys of instances, for the question alone.
    """

    host_id: str
    host: str
    port: int
    hosts: KnownHosts
    user_files: tuple[Path, ...]
    global_files: tuple[Path, ...] = ()
    name: str = ""
    new_keys: NewKeys = NewKeys.ASK
    hashes: bool | None = None

    @property
    def accepts_new(self) -> bool:
        """Whether a new key is remembered without a question."""
        return self.new_keys is NewKeys.ACCEPT

    @property
    def _names(self) -> tuple[str, ...]:
        """The name that a key is stored under, and one whose keys are trusted as well: that without the port."""
        stored = name_in_file(self.host, self.port, self.name)
        return (stored,) if self.name or self.port == _PORT else (stored, self.host.lower())

    def trusted(self) -> TrustedKeys:
        """Return the keys of the lines about this host; those about its name without the port are trusted as well."""
        found: dict[str, list[HostKey]] = {"": [], _AUTHORITY: [], _REVOKED: []}
        for entry in self._about(*self._names):
            if (key := entry.key) is None:
                raise HostKeyError(
                    f"{entry.place} is damaged: it is about {clean(self._names[0])}, and has no host key.",
                    hint="Repair or remove the line. Without it, the next login asks about the key again.",
                )
            found[entry.marker].append(key)
        return TrustedKeys(tuple(found[""]), tuple(found[_AUTHORITY]), tuple(found[_REVOKED]))

    def refusal(self, key: HostKey) -> HostKeyError | None:
        """Refuse a revoked key, another than the known ones, and a new one where the user's configuration says so."""
        where = clean(f"{name_of_host(self.host_id)} at {self.host}:{self.port}")
        for entry in self._about(*self._names):
            if entry.marker == _REVOKED and entry.key == key:
                return HostKeyError(
                    f"The host key of {where}, {key}, is marked as revoked in {entry.place}. Not logged in.",
                    hint="Someone may be listening in: contact whoever maintains the host.",
                )
        # Without those under the name that has no port: another key there is no change here.
        entries = [entry for entry in self._about(self._names[0]) if not entry.marker]
        if entries and all(entry.key != key for entry in entries):
            remembered = ", ".join(f"{entry.key} ({entry.place})" for entry in entries)
            removal = removal_command(entries[0].path, self._names[0])
            return HostKeyError(
                f"The host key of {where} has changed: remembered {remembered}, now {key}. Not logged in.",
                hint="Someone may be listening in, or it was reinstalled. "
                f"If you know why: {removal}, then log in again and compare.",
            )
        if self.new_keys is NewKeys.REFUSE:
            return HostKeyError(
                f"The host key of {where}, {key}, is not known, and StrictHostKeyChecking forbids the question.",
                hint=f"Add the key to {clean(str(self._file))}, or set StrictHostKeyChecking ask for this host.",
            )
        return None

    def question(self, key: HostKey) -> HostKeyQuestion:
        """Ask, with the other names and instances that have this key, and the instances that had this address."""
        question = self.hosts.question(self.host_id, self.host, self.port, key)
        text = f"{key.algorithm} {key.data}"
        same = [entry.shown_name for entry in self._entries() if entry.text == text and not entry.marker]
        return replace(
            question,
            same_key_at=(*dict.fromkeys(same), *question.same_key_at),
            kept_in=clean(f"added to {self._file}") if self.user_files else _KEPT_NOWHERE,
            remember=lambda: self._append(key) if self.user_files else None,
        )

    @property
    def _file(self) -> Path:
        """The file that gets new keys."""
        return self.user_files[0] if self.user_files else default_file()

    def _append(self, key: HostKey) -> None:
        """Add one line to the first file; the others in it stay as they are. Raises SshError."""
        path = self._file
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            hashes = self.hashes
            if hashes is None:
                hashes = any(entry.names.startswith("|") for entry in _read(path))
            name = _hashed(self._names[0]) if hashes else self._names[0]
            # The user's file may be a link: it is followed, as OpenSSH does.
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                size = os.fstat(descriptor).st_size
                begun = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                os.write(descriptor, f"{chr(10) * begun}{name} {key.algorithm} {key.data}\n".encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            raise SshError(
                f"The host key cannot be added to {clean(str(path))}: {reason_of(error)}.",
                hint="Correct UserKnownHostsFile, or the permissions of the file.",
            ) from error

    def _entries(self) -> Iterator[_Entry]:
        for path in (*self.user_files, *self.global_files):
            yield from _read(path)

    def _about(self, *names: str) -> list[_Entry]:
        return [entry for entry in self._entries() if any(map(entry.matches, names))]


def default_file() -> Path:
    """Return the user's own file."""
    return Path.home() / ".ssh" / "known_hosts"


def name_in_file(host: str, port: int, host_key_alias: str) -> str:
    """Return the name that a host's key is stored under."""
    return (host_key_alias or (host if port == _PORT else f"[{host}]:{port}")).lower()


def removal_command(path: Path, name: str) -> str:
    """Return the command line that removes the keys of a name from a file."""
    return clean(f"ssh-keygen -f {shlex.quote(str(path))} -R {shlex.quote(name)}")


def _read(path: Path) -> Iterator[_Entry]:
    """Read the lines of a file; those that are no entry, such as one with an unknown marker, are left out.

    A file that does not exist has none. Raises SshError for one that cannot be read: its keys would seem unknown.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            text = file.read(_LARGEST).decode("utf-8", "replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise SshError(
            f"The known-hosts file {clean(str(path))} cannot be read: {reason_of(error)}.",
            hint="Correct its permissions: without it, a changed host key would look like a new one.",
        ) from error
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split(None, 3)
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 2 or words[0].startswith("#") or marker not in ("", _AUTHORITY, _REVOKED):
            continue
        yield _Entry(path, number, marker, words[0], " ".join(words[1:3]))


def _matches_hash(names: str, name: str) -> bool:
    parts = names.split("|")
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[2:4])
    except (ValueError, binascii.Error):
        return False
    return parts[1] == "1" and hmac.compare_digest(_digest(salt, name), digest)


def _hashed(name: str) -> str:
    salt = secrets.token_bytes(20)
    return f"{_HASHED}{base64.b64encode(salt).decode()}|{base64.b64encode(_digest(salt, name)).decode()}"


def _digest(salt: bytes, name: str) -> bytes:
    # OpenSSH's format, which has no other.
    return hmac.new(salt, name.encode(), hashlib.sha1).digest()
