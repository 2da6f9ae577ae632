"""Forwards to instances: they outlive the views, and are served again after a lost connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from functools import partial

from gputui.errors import (
    AuthError,
    ConfigError,
    ForbiddenError,
    GputuiError,
    HostKeyError,
    LoginError,
    NotFoundError,
    SshError,
)
from gputui.fleet.clock import Clock, within
from gputui.fleet.signals import Listeners
from gputui.late_dataclasses import dataclass
from gputui.models import Change, Instance, Phase, Ref, Row
from gputui.models.forwards import ForwardSpec, ForwardState, PortForward
from gputui.redaction import as_failure
from gputui.ssh.client import Connection
from gputui.ssh.forwards import Forward

Lease = Callable[[Instance], AbstractAsyncContextManager[Connection]]
"""Leases the connection of an instance, without questions. Raises GputuiError."""

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_FINAL = (AuthError, ConfigError, ForbiddenError, HostKeyError, LoginError, NotFoundError)
"""Failures that the same attempt would meet again: the next one is the user's."""


@dataclass(eq=False, slots=True)
class OpenForward:
    """One forward of the list, and the link to its instance that it shares with others."""

    forward: Forward
    link: Link

    def row(self) -> PortForward:
        """Return it as it is now."""
        forward, link = self.forward, self.link
        state, problem, at = forward.state, forward.error, forward.error_at
        if state is not ForwardState.OPEN and link.error is not None:
            problem, at = link.error.message, link.error_at
        return PortForward(
            Ref(link.instance.ref.account, "forward", forward.local),
            link.instance.ref,
            forward.name,
            forward.local,
            forward.spec.remote_port,
            state,
            forward.open,
            forward.opened,
            forward.sent,
            forward.received,
            problem,
            at,
        )


class Link:
    """The connection to an instance, opened again while it has forwards.

    ``error`` is why there is none, since ``error_at``; None while there is one.
    """

    def __init__(
        self,
        instance: Instance,
        lease: Lease,
        find: Callable[[Ref], Row | None],
        clock: Clock,
        changed: Callable[[Link], None],
    ) -> None:
        self.instance = instance
        self.forwards: list[OpenForward] = []
        self.error: GputuiError | None = None
        self.error_at: datetime | None = None
        self._connection: Connection | None = None
        self._lease = lease
        self._find = find
        self._clock = clock
        self._changed = changed
        self._now, self._attempted = asyncio.Event(), asyncio.Event()
        self._attempting = True
        self._task = asyncio.create_task(self._keep())

    @property
    def failed(self) -> bool:
        """Whether it is not tried again by itself."""
        return isinstance(self.error, _FINAL)

    def serve(self, forward: OpenForward) -> None:
        """Serve one more."""
        self.forwards.append(forward)
        forward.forward.link(self._connection, failed=self.failed)

    async def connect(self) -> None:
        """Connect now where there is no connection. Raises GputuiError; it is then tried again as after a loss."""
        if self._connection is None or self._connection.closed:
            self._attempted.clear()
            if not self._attempting:  # else the attempt that is under way answers
                self._now.set()
            await self._attempted.wait()
            if self.error is not None:
                raise self.error

    async def end(self) -> None:
        """Give the connection up."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _keep(self) -> None:
        """Serve the forwards over a connection, and over a new one each time it ends, until cancelled."""
        pause = _FIRST_PAUSE
        try:
            while True:
                if await self._served():
                    pause = _FIRST_PAUSE
                if self.failed:
                    await self._now.wait()
                else:
                    await within(self._clock, pause, self._now.wait())
                    pause = min(2 * pause, _LONGEST_PAUSE)
                self._now.clear()
                self._attempting = True
        finally:
            self._attempted.set()

    async def _served(self) -> bool:
        """Connect, and serve until that connection ends; returns whether there was one."""
        connected = False
        try:
            async with self._lease(self._present()) as connection:
                self._show(connection, None)
                self._attempting = False
                self._attempted.set()
                self._now.clear()
                connected = True
                await connection.wait_closed()
        except Exception as error:  # noqa: BLE001  (a fault here is shown as the reason)
            self._show(None, as_failure(error, "The forward"))
            self._attempting = False
            self._attempted.set()
        else:
            self._show(None, SshError(f"The connection to {self.instance.name} was lost."))
        return connected

    def note(self, row: Instance) -> None:
        """Take in the instance as it is listed now; where it was started, or has another address, connect now."""
        changed = (row.phase, row.ssh) != (self.instance.phase, self.instance.ssh)
        self.instance = row if row.ssh is not None else replace(row, ssh=self.instance.ssh)
        if changed and row.phase is Phase.RUNNING and self.error is not None and not self.failed:
            self._now.set()

    def _present(self) -> Instance:
        """Return the instance as it is now: another address, or another host key, may be known by now."""
        row = self._find(self.instance.ref)
        if isinstance(row, Instance) and row.ssh is not None:
            self.instance = row
        return self.instance

    def _show(self, connection: Connection | None, error: GputuiError | None) -> None:
        self._connection, self.error, self.error_at = connection, error, self._clock.now() if error else None
        for one in self.forwards:
            one.forward.link(connection, failed=self.failed)
        self._changed(self)


class Forwards:
    """The forwards of a fleet, in the order in which they were opened.

    Listeners are called with a link that has a new connection, or has none any more, or whose attempt has failed, and
    when a connection through one of its forwards has failed.
    ``find`` returns the present row of an instance.
    """

    def __init__(
        self,
        lease: Lease,
        find: Callable[[Ref], Row | None],
        clock: Clock,
        *,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.all: list[OpenForward] = []
        self.listeners: Listeners[Link] = Listeners(on_failure)
        self._lease = lease
        self._find = find
        self._clock = clock
        self._links: dict[Ref, Link] = {}

    async def open(
        self, instance: Instance, specs: Sequence[ForwardSpec], login: AbstractAsyncContextManager[object]
    ) -> list[OpenForward]:
        """Open forwards to an instance, all or none.

        ``login`` connects, and may ask: it is entered once the ports of this machine are taken, and left when they
        are served. Raises SshError for a port that is not available, or for a container, and what ``login`` raises.
        """
        refuse_container(instance)
        forwards = [Forward(spec, instance.name, now=self._clock.now) for spec in specs]
        opened = list[OpenForward]()
        try:
            for forward in forwards:
                await forward.listen()
            async with login:
                link = await self._linked(instance)
                # Before anything else is awaited: a link ends with the last of its forwards.
                opened = [OpenForward(forward, link) for forward in forwards]
                for one in opened:
                    one.forward.failed = partial(self.listeners.notify, link)
                    link.serve(one)
                self.all += opened
        except BaseException:
            for one in opened:
                await self.stop(one)
            for forward in forwards:
                await forward.close()
            raise
        return opened

    async def _linked(self, instance: Instance) -> Link:
        """Return the link to an instance, with a connection."""
        link = self._links.get(instance.ref)
        if link is None:
            link = Link(instance, self._lease, self._find, self._clock, self.listeners.notify)
            self._links[instance.ref] = link
        try:
            await link.connect()
        except BaseException:
            if not link.forwards:
                await self._end(link)
            raise
        return link

    def take(self, change: Change) -> None:
        """Take in a change of the listed instances."""
        for row in (*change.added, *change.updated):
            if isinstance(row, Instance) and (link := self._links.get(row.ref)) is not None:
                link.note(row)

    async def reconnect(self, forward: OpenForward, login: AbstractAsyncContextManager[object]) -> None:
        """Connect now, with ``login`` as :meth:`open`. Raises GputuiError."""
        async with login:
            await forward.link.connect()

    async def stop(self, forward: OpenForward) -> None:
        """Free the port, and end the connections through it; the connection to the instance ends with the last."""
        if forward in self.all:
            self.all.remove(forward)
            forward.link.forwards.remove(forward)
            await forward.forward.close()
            if not forward.link.forwards:
                await self._end(forward.link)

    def find(self, ref: Ref) -> OpenForward | None:
        """Return the forward of a row."""
        return next((one for one in self.all if one.row().ref == ref), None)

    async def aclose(self) -> None:
        """Stop all forwards."""
        await asyncio.gather(*map(self._end, list(self._links.values())))
        await asyncio.gather(*(one.forward.close() for one in self.all))
        self.all.clear()

    async def _end(self, link: Link) -> None:
        if self._links.get(link.instance.ref) is link:
            del self._links[link.instance.ref]
        await link.end()


def refuse_container(instance: Instance) -> None:
    """Raise SshError for a container that is entered through its host: forwards start at the host, not in it."""
    if instance.ssh is None or not instance.ssh.enter:
        return
    host = "its host" if instance.ssh.host_row is None else str(instance.ssh.host_row)
    published = [f"{one.host_port} (its {one.instance_port})" for one in instance.ports if one.protocol == "tcp"]
    way = f"The host publishes {', '.join(published)}" if published else "Publish it on the host"
    raise SshError(
        f"{instance.name} has no SSH server: a port of it cannot be forwarded.",
        hint=f"{way}: forward to that port of {host}.",
    )
