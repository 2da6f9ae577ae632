"""Probes of instances over shared SSH connections, which are reopened without a question."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.config.loader import ssh_login
from gputui.errors import SshError
from gputui.models import Instance, Secret, SSHTarget
from gputui.ssh import client
from gputui.ssh.client import Connection
from gputui.ssh.credentials import SecretQuestion
from gputui.ssh.known_hosts import HostKeyQuestion, KnownHosts, host_id_of
from gputui.ssh.nvidia.reader import GpuReader
from gputui.ssh.pool import ConnectionPool

if TYPE_CHECKING:
    from gputui.fleet import Fleet


def connection_key(instance: Instance) -> str:
    """Return the key under which an instance's connection is shared.

    It includes the generation: a recreated instance must not get the connection to the old one of the same name.
    """
    return host_id_of(instance.ref, instance.ssh) if instance.ssh else str(instance.ref)


class GpuProbe:
    """Reads the GPUs of instances, each over the connection of ``pool`` that shells and forwards share.

    The first login is the caller's, who can ask the user. ``way_out`` is the hint where another question is
    necessary.
    """

    def __init__(
        self, fleet: Callable[[], Fleet], pool: ConnectionPool, hosts: KnownHosts, *, way_out: str = ""
    ) -> None:
        self._fleet = fleet
        self._pool = pool
        self._hosts = hosts
        self._way_out = way_out

    def start(self, instance: Instance) -> None:
        """Start to probe an instance, while lists of GPUs or processes are watched."""
        self._fleet().probe(instance, GpuReader(self._lease, lambda: datetime.now(UTC)))

    @asynccontextmanager
    async def _lease(self, instance: Instance) -> AsyncIterator[Connection]:
        async with self._pool.lease(connection_key(instance), lambda: self._connect(instance)) as connection:
            yield connection

    async def _connect(self, instance: Instance) -> Connection:
        """Log in without questions: an unknown host key, user or secret is an error."""
        fleet, asked = self._fleet(), list[str]()

        async def target() -> SSHTarget:
            return await fleet.ssh_target(instance.ref)

        async def no_trust(_: HostKeyQuestion) -> bool:
            asked.append("the host key is unknown")
            return False

        async def no_secret(_: SecretQuestion) -> Secret | None:
            asked.append("it asks for a password")
            return None

        login = await asyncio.to_thread(ssh_login, fleet.accounts[instance.ref.account])
        first = await target()
        if not login.user_of(first):
            raise SshError(f"Not logged into {instance.name}: who may log in is not known.", hint=self._way_out)
        try:
            return await client.connect(
                first,
                login,
                host_id=host_id_of(instance.ref, first),
                hosts=self._hosts,
                ask=no_trust,
                ask_secret=no_secret,
                deadline=0,
            )
        except SshError as error:
            if not asked:
                raise
            raise SshError(f"Not logged into {instance.name}: {asked[-1]}.", hint=self._way_out) from error
