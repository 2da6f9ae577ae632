"""The server of one login: how to reach it, which keys it may present, and the words for a connection that failed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

import asyncssh

from gputui.errors import SshError
from gputui.late_dataclasses import dataclass
from gputui.ssh import failures
from gputui.ssh.awake import awake_timeout
from gputui.ssh.credentials import METHODS, LoginClient
from gputui.ssh.empty_packets import leave_out_empty_packets
from gputui.ssh.known_hosts import HostKey, name_of_host
from gputui.ssh.proxy_command import ProxyCommand
from gputui.ssh.resolution import Resolved
from gputui.ssh.trust import Trust, TrustedKeys
from gputui.text import clean

_KEEPALIVE_SECONDS = 15
_KEEPALIVE_MISSED = 3
_WINDOW = 16 * 2**20
# Of several host keys, ask about the one that OpenSSH shows first: its fingerprint is the published one.
_KEY_ALGORITHMS = (
    *("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("rsa-sha2-512", "rsa-sha2-256"),
)
_CIPHERS = "^aes128-gcm@openssh.com"
_PROBE_SECONDS = 3.0


class Reader(Protocol):
    """Reads from a connection, of asyncio or of asyncssh."""

    async def read(self, n: int, /) -> bytes:
        """Return up to so many bytes as they come; b'' at the end."""


class Writer(Protocol):
    """Writes to a connection, of asyncio or of asyncssh."""

    def write(self, data: bytes, /) -> None:
        """Buffer bytes to send."""

    async def drain(self) -> None:
        """Return when there is room for more."""

    def write_eof(self) -> None:
        """End this direction."""

    def close(self) -> None:
        """End both directions."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The target of a connection: an address, a user, the keys known for it, and how to get there.

    ``tunnel`` is the connection to the jump host, ``proxy`` the command that connects; ``settings`` are those of the
    user's OpenSSH configuration, where the target is in it.
    """

    host_id: str
    host: str
    port: int
    user: str
    trust: Trust
    tunnel: asyncssh.SSHClientConnection | None = None
    proxy: ProxyCommand | None = None
    settings: Resolved | None = None

    @property
    def where(self) -> str:
        """Return the address for a message."""
        return clean(f"{name_of_host(self.host_id)} at {self.host}:{self.port}")

    async def fetch_key(self) -> HostKey:
        """Return the host key that the server presents. Raises SshError, and what asyncssh raises."""
        options = self._options()
        options.setdefault("server_host_key_algs", _KEY_ALGORITHMS)
        wanted = ("server_host_key_algs", "kex_algs", "family", "local_addr")
        key = await asyncssh.get_server_host_key(
            self.host,
            self.port,
            config=None,
            **await self._way(),
            **{name: value for name, value in options.items() if name in wanted},
        )
        if key is None:
            raise SshError(f"{self.where} presents no host key.")
        return HostKey.parse(key.export_public_key("openssh").decode())

    async def connect(self, client: LoginClient, known: TrustedKeys) -> asyncssh.SSHClientConnection:
        """Connect, accepting only ``known`` keys; asyncssh then asks the server for their algorithms alone."""
        settings = self.settings
        keepalive = settings.keepalive if settings and settings.keepalive is not None else _KEEPALIVE_SECONDS
        missed = (settings and settings.keepalive_count) or _KEEPALIVE_MISSED
        off = settings.methods_off if settings else frozenset()
        options = self._options()
        # Those of the known keys instead: the server would choose another key, which would seem changed.
        options.pop("server_host_key_algs", None)
        connection = await asyncssh.connect(
            self.host,
            self.port,
            username=self.user,
            known_hosts=tuple(map(_public_keys, (known.keys, known.authorities, known.revoked))),
            host_key_alias=(settings and settings.host_key_alias) or None,
            x509_trusted_certs=None,
            client_factory=lambda: client,
            client_keys=None,
            preferred_auth=[method for method in METHODS if method not in off],
            gss_host=None,
            config=None,
            keepalive_interval=keepalive,
            keepalive_count_max=missed,
            login_timeout=0,
            window=_WINDOW,
            **await self._way(),
            **options,
        )
        leave_out_empty_packets(connection)
        return connection

    async def open(self) -> tuple[Reader, Writer]:
        """Connect without a login, for the bytes of the connection alone. Raises what asyncssh raises."""
        opening: Any
        if self.proxy is not None:
            opening = asyncio.open_connection(sock=await self.proxy.open())
        elif self.tunnel is not None:
            opening = self.tunnel.open_connection(self.host, self.port, encoding=None)
        else:
            options = self._options()
            own = {name: value for name, value in options.items() if name in ("family", "local_addr")}
            opening = asyncio.open_connection(self.host, self.port, **own)
        reader, writer = await opening
        return reader, writer

    async def why_late(self) -> SshError:
        """Return the error of a server that did not answer in time."""
        if self.proxy is not None:
            return await self.proxy.failure(self.where)
        return failures.explain(TimeoutError(), self.where)

    async def why_lost(self) -> Exception:
        """Distinguish a port whose sshd is still starting from one that is not SSH, by the answer to a greeting.

        A container's published port accepts connections before anything listens behind it, and closes them
        immediately.
        """
        if self.proxy is not None:
            return await self.proxy.failure(self.where)
        try:
            async with awake_timeout(_PROBE_SECONDS):
                said = await self._greeting()
        except TimeoutError:
            said = b""
        except (OSError, asyncssh.Error) as error:
            if not failures.is_not_up(error):
                return failures.explain(error, self.where)
            said = b""
        if not said:
            return failures.NotUpError(f"{self.where} closes connections.")
        if b"SSH-" in said:
            return SshError(f"The connection to {self.where} was lost during the login.")
        first = clean(said.decode("utf-8", "replace").splitlines()[0][:60])
        if (refused := failures.refused_greeting(first, self.where)) is not None:
            return refused
        return SshError(f"{self.where} is not an SSH server: it sent {first!r}.", hint="Is this port its SSH port?")

    def _options(self) -> dict[str, Any]:
        return {"encryption_algs": _CIPHERS, **(self.settings.options if self.settings else {})}

    async def _way(self) -> dict[str, Any]:
        """Return the arguments of asyncssh for the way to the server."""
        if self.proxy is not None:
            return {"sock": await self.proxy.open(), "tunnel": None}
        return {"tunnel": self.tunnel}

    async def _greeting(self) -> bytes:
        reader, writer = await self.open()
        try:
            writer.write(b"SSH-2.0-gputui\r\n\r\n")
            return await reader.read(256)
        finally:
            writer.close()


def _public_keys(keys: Sequence[HostKey]) -> list[asyncssh.SSHKey]:
    """Return the keys for asyncssh; those of algorithms that it does not have are left out: they cannot match."""
    found = []
    for key in keys:
        with suppress(asyncssh.KeyImportError):
            found.append(asyncssh.import_public_key(f"{key.algorithm} {key.data}"))
    return found
