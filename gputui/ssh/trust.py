"""Trust in host keys, whoever stores them: gputui for an instance, the user's known_hosts files for a host of theirs.

Standard library only.
"""

from __future__ import annotations

from typing import Protocol

from gputui.errors import HostKeyError
from gputui.late_dataclasses import dataclass
from gputui.ssh.known_hosts import HostKey, HostKeyQuestion, KnownHosts, changed_key_error


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """The keys that a server may present, those that may sign its certificate, and those refused in any case."""

    keys: tuple[HostKey, ...] = ()
    authorities: tuple[HostKey, ...] = ()
    revoked: tuple[HostKey, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing that the server may present is known."""
        return not self.keys and not self.authorities


class Trust(Protocol):
    """The keys known for one address of one server. All methods read or write files: call them in a thread."""

    @property
    def accepts_new(self) -> bool:
        """Whether a key is remembered without a question where none is known."""

    def trusted(self) -> TrustedKeys:
        """Return the known keys. Raises HostKeyError or SshError for a file that cannot be used."""

    def refusal(self, key: HostKey) -> HostKeyError | None:
        """Return why a key that is not known now is refused without a question; None where it is new."""

    def question(self, key: HostKey) -> HostKeyQuestion:
        """Return the question about a new key, which also remembers it."""


@dataclass(frozen=True, slots=True)
class InstanceTrust:
    """The keys that gputui stores for the id of an instance or jump host, whatever its address is now."""

    hosts: KnownHosts
    host_id: str
    host: str
    port: int
    accepts_new: bool = False

    def trusted(self) -> TrustedKeys:
        """Return the keys stored for the id."""
        return TrustedKeys(self.hosts.keys(self.host_id))

    def refusal(self, key: HostKey) -> HostKeyError | None:
        """Refuse another key than the stored ones."""
        known = self.hosts.keys(self.host_id)
        return changed_key_error(self.host_id, self.host, self.port, known, key) if known else None

    def question(self, key: HostKey) -> HostKeyQuestion:
        """Ask, with the other ids that have this key or had this address."""
        return self.hosts.question(self.host_id, self.host, self.port, key)
