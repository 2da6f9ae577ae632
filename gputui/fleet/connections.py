"""SSH connections to instances: one each, shared by shells, commands, copies, forwards and probes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING

from gputui.config.loader import ssh_login
from gputui.errors import ConflictError, DeclinedError, LoginError, SshError
from gputui.late_dataclasses import dataclass
from gputui.models import Instance, Ref, SSHTarget
from gputui.ssh import client, stream
from gputui.ssh.challenges import AskSecret, Challenge
from gputui.ssh.client import Connection
from gputui.ssh.jump_hosts import JumpHosts
from gputui.ssh.known_hosts import AskHostKey, HostKeyQuestion, KnownHosts, generation_of, host_id_of
from gputui.ssh.pool import ConnectionPool
from gputui.ssh.stream import Stream

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.fleet.logins import Logins

_IDLE_SECONDS = 90.0
"""How long a connection stays open unused: longer than the time between two looks at a host."""


class Connections:
    """The connections of a fleet, and those to jump hosts. ``hosts`` are the known host keys."""

    def __init__(self, fleet: Fleet, hosts: KnownHosts) -> None:
        self.hosts = hosts
        self._fleet = fleet
        self._pool = ConnectionPool(idle=_IDLE_SECONDS)
        self.jump_hosts = ConnectionPool(idle=_IDLE_SECONDS)

    def lease(
        self, instance: Instance, connect: Callable[[], Awaitable[Connection]] | None = None
    ) -> AbstractAsyncContextManager[Connection]:
        """Lease the connection of an instance, of its host where it is entered through that.

        ``connect`` logs in where there is none, with :func:`log_in` to :func:`login_ref`. Without it no question is
        asked: an unknown host key, user or secret is a LoginError with ``fleet.login_hint``. Raises GputuiError.
        """
        return self._pool.lease(connection_key(instance), connect or partial(self.log_in_unasked, instance))

    def is_open(self, instance: Instance) -> bool:
        """Return whether there is an open connection for an instance."""
        return self._pool.is_open(connection_key(instance))

    async def aclose(self) -> None:
        """Close all connections, leased or not; bounded in time.

        Those that :func:`log_in` made for others stay, and with them those to their jump hosts.
        """
        await self._pool.aclose()
        await self.jump_hosts.retire()

    async def log_in_unasked(
        self,
        instance: Instance,
        unasked: Unasked | None = None,
        *,
        deadline: float = 0,
        progress: Callable[[str], None] = lambda _: None,
        hint: str = "",
    ) -> Connection:
        """Log in without questions; those that were not asked are noted in ``unasked``.

        ``hint`` says how they are asked, where that is not ``fleet.login_hint``. An SSH server that is still starting
        is waited for during ``deadline`` seconds, of which ``progress`` is called with the reason. Raises LoginError
        where a question was not asked, GputuiError.
        """
        noted, hint = unasked or Unasked(), hint or self._fleet.login_hint

        async def no_user() -> str:
            noted.reason, noted.asks = "the user is unknown", True
            raise LoginError(f"Not logged into {instance.name}: {noted.reason}.", hint=hint)

        async def no_trust(question: HostKeyQuestion) -> bool:
            noted.keys.append(question)
            noted.reason = "the host key is unknown"
            return False

        async def no_secret(_: Challenge) -> None:
            noted.reason, noted.asks = "it asks for a password", True

        ref = login_ref(instance)
        try:
            return await log_in(
                *(self._fleet, ref, self.hosts, no_user, no_trust, no_secret, progress), deadline=deadline, asks=False
            )
        except SshError as error:
            if isinstance(error, DeclinedError) and not noted.reason:
                noted.reason = "a question about its jump host was not asked"
            if not noted.reason:
                raise
            raise LoginError(f"Not logged into {instance.name}: {noted.reason}.", hint=hint) from error


@dataclass(slots=True)
class Unasked:
    """The questions of a login that were not asked: unknown host keys; ``asks``: for a user, a password or a code.

    ``reason`` is why it failed, '' where no question was left out.
    """

    keys: list[HostKeyQuestion] = field(default_factory=list)
    asks: bool = False
    reason: str = ""


def login_ref(instance: Instance) -> Ref:
    """Return the row to log into: the instance, or the host through which it is entered."""
    return (instance.ssh.host_row if instance.ssh else None) or instance.ref


def connection_key(instance: Instance) -> str:
    """Return the key of an instance's shared connection: with the generation, as names may be reused."""
    return host_id_of(login_ref(instance), instance.ssh) if instance.ssh else str(instance.ref)


def check_generation(instance: Instance, connection: Connection) -> None:
    """Raise ConflictError where the connection is to a later instance of the same name, which no list has shown."""
    found, known = generation_of(connection.endpoint.host_id), instance.ssh.generation if instance.ssh else ""
    if found and known and found != known:
        raise ConflictError(
            f"{instance.ref.id} is not the instance you were asked about any more: another one has its name now.",
            hint="Nothing was sent. Check the rows as they are now, then try again.",
        )


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
    asks: bool = True,
) -> Connection:
    """Log into an instance, and store a user that was asked for in ``logins``, those of the fleet by default.

    ``ask_user`` is called where neither the back end, the configuration nor a stored login has the user; ``asks``
    says whether questions reach the user. The other arguments are those of :func:`gputui.ssh.client.connect`. Raises
    GputuiError.
    """
    logins, user = logins or fleet.logins, ""

    async def target() -> SSHTarget:
        found = await logins.complete(ref, await fleet.ssh_target(ref))
        return found if found.user else replace(found, user=user)

    progress("Requesting the address of its SSH server …")
    login = await asyncio.to_thread(ssh_login, fleet.accounts[ref.account])
    first = await target()
    if not first.alias and not login.user_of(first):
        user = await ask_user()
        first = await target()
    where = first.alias or f"{login.user_of(first)}@{first.host}, port {login.port or first.port}"
    progress(f"Connecting to {where} …")
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
        jumps=JumpHosts(fleet.connections.jump_hosts, asks),
    )
    if user:
        await logins.remember(ref, first.generation, user)
    if asks:
        fleet.runtime(ref.account).logged_in(ref)
    return connection


@asynccontextmanager
async def open_stream(
    fleet: Fleet,
    ref: Ref,
    ask: AskHostKey,
    ask_secret: AskSecret,
    progress: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Stream]:
    """Connect to the SSH server of an instance for another client, which logs in. Raises GputuiError."""
    backend = fleet.runtime(ref.account).backend
    progress("Requesting the address of its SSH server …")
    first = await backend.ssh_target(ref)
    if first.enter:
        host = f" {first.host_row}" if first.host_row else ""
        raise SshError(
            f"{ref} has no SSH server: it is entered through its host{host}.",
            hint=f"Log in with gputui ssh {ref}, or connect to the host.",
        )
    progress(f"Connecting to {first.alias or f'{first.host}, port {first.port}'} …")
    async with stream.open_stream(
        first,
        await asyncio.to_thread(ssh_login, fleet.accounts[ref.account]),
        host_id=host_id_of(ref, first),
        hosts=fleet.connections.hosts,
        ask=ask,
        ask_secret=ask_secret,
        progress=progress,
        refetch=partial(backend.ssh_target, ref),
        jumps=JumpHosts(fleet.connections.jump_hosts),
    ) as opened:
        yield opened
