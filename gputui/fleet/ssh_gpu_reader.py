"""SSH logins to instances, and probes of their GPUs over shared connections, reopened without questions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.config.loader import ssh_login
from gputui.errors import SshError
from gputui.models import Instance, Ref, Secret, SSHTarget
from gputui.ssh import client
from gputui.ssh.client import Connection
from gputui.ssh.credentials import AskSecret
from gputui.ssh.known_hosts import AskHostKey, HostKeyQuestion, KnownHosts, host_id_of
from gputui.ssh.nvidia.reader import GpuReader
from gputui.ssh.pool import ConnectionPool

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.fleet.logins import Logins


def connection_key(instance: Instance) -> str:
    """Return the key of an instance's shared connection: with the generation, as names may be reused."""
    return host_id_of(instance.ref, instance.ssh) if instance.ssh else str(instance.ref)


async def log_in(
    fleet: Fleet,
    ref: Ref,
    hosts: KnownHosts,
    ask_user: Callable[[], Awaitable[str]],
    ask: AskHostKey,
    ask_secret: AskSecret,
    progress: Callable[[str], None] = lambda _: None,
    *,
    deadline: float = 120.0,
    logins: Logins | None = None,
) -> Connection:
    """Log into an instance, and store a user that was asked for in ``logins``, those of the fleet by default.

    ``ask_user`` is called where neither the back end, the configuration nor a stored login has the user. The other
    arguments are those of :func:`gputui.ssh.client.connect`. Raises GputuiError.
    """
    logins, user = logins or fleet.logins, ""

    async def target() -> SSHTarget:
        found = await logins.complete(ref, await fleet.ssh_target(ref))
        return found if found.user else replace(found, user=user)

    progress("Requesting the address of its SSH server …")
    login = await asyncio.to_thread(ssh_login, fleet.accounts[ref.account])
    first = await target()
    if not login.user_of(first):
        user = await ask_user()
        first = await target()
    progress(f"Connecting to {login.user_of(first)}@{first.host}, port {login.port or first.port} …")
    connection = await client.connect(
        first,
        login,
        host_id=host_id_of(ref, first),
        hosts=hosts,
        ask=ask,
        ask_secret=ask_secret,
        progress=progress,
        refetch=target,
        deadline=deadline,
    )
    if user:
        await logins.remember(ref, first.generation, user)
    return connection


@dataclass(frozen=True)
class GpuProbe:
    """Reads the GPUs of instances, each over the connection of ``pool`` that shells and forwards share.

    The first login is the caller's, who can ask the user. ``way_out`` is the hint where another question is
    necessary.
    """

    fleet: Callable[[], Fleet]
    pool: ConnectionPool
    hosts: KnownHosts
    way_out: str = ""

    def start(self, instance: Instance) -> None:
        """Start to probe an instance, while lists of GPUs or processes are watched."""
        self.fleet().probe(instance, GpuReader(self._lease, lambda: datetime.now(UTC)))

    def _lease(self, instance: Instance) -> AbstractAsyncContextManager[Connection]:
        return self.pool.lease(connection_key(instance), lambda: self._connect(instance))

    async def _connect(self, instance: Instance) -> Connection:
        """Log in without questions: an unknown host key, user or secret is an error."""
        asked = list[str]()

        async def no_user() -> str:
            raise SshError(f"Not logged into {instance.name}: the user is unknown.", hint=self.way_out)

        async def no_trust(_: HostKeyQuestion) -> bool:
            asked.append("the host key is unknown")
            return False

        async def no_secret(_: str) -> Secret | None:
            asked.append("it asks for a password")
            return None

        try:
            return await log_in(self.fleet(), instance.ref, self.hosts, no_user, no_trust, no_secret, deadline=0)
        except SshError as error:
            if not asked:
                raise
            raise SshError(f"Not logged into {instance.name}: {asked[-1]}.", hint=self.way_out) from error
