"""Logs that are read over SSH, from the shared connections of instances; and which logs were read last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from gputui.completion import write_in_thread
from gputui.errors import NotFoundError
from gputui.models import Instance, LogFiles, LogSource, Ref
from gputui.ssh.client import Connection
from gputui.ssh.logs.looks import Looks
from gputui.ssh.logs.paths import find
from gputui.ssh.logs.source import SourceLog, open_source

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet
    from gputui.history.history import History

Connect = Callable[[Instance], Awaitable[Connection]]
"""Logs into an instance. Raises GputuiError."""


class RemoteLogs:
    """The logs of a fleet's instances over SSH.

    ``connect`` logs in where there is no connection; without it no question is asked (``fleet.connections.lease``).
    """

    def __init__(self, fleet: Fleet, history: History | None) -> None:
        self._fleet = fleet
        self._history = history
        self._read: dict[Ref, list[LogSource]] = {}

    def open(self, instance: Instance, source: LogSource, connect: Connect | None = None) -> SourceLog:
        """Return the reader of a log. Raises InvalidError where its name cannot be one; connects to nothing."""
        return open_source(source, self._looks(instance, connect), instance.ssh)

    async def files(self, instance: Instance, path: str, connect: Connect | None = None) -> LogFiles:
        """Return the files that a path or glob matches. Raises GputuiError for none."""
        return await find(self._looks(instance, connect), instance.ssh, path)

    async def remembered(self, instance: Instance) -> list[LogSource]:
        """Return the logs that were read of the instance or of others of its deployment, the last one first."""
        owner = _owner(instance)
        kept = await asyncio.to_thread(self._history.logs_of, owner) if self._history is not None else []
        return list(dict.fromkeys([*self._read.get(owner, ()), *kept]))

    async def remember(self, instance: Instance, source: LogSource) -> None:
        """Store a log as the one that was read last; where the history is not kept, for this session."""
        owner = _owner(instance)
        self._read[owner] = list(dict.fromkeys([source, *self._read.get(owner, ())]))
        if self._history is not None and source.name.isprintable():
            await write_in_thread(self._history.remember_log, owner, source, self._fleet.now())

    def _looks(self, instance: Instance, connect: Connect | None) -> Looks:
        return Looks(partial(self._lease, instance.ref, connect), instance.name)

    @asynccontextmanager
    async def _lease(self, ref: Ref, connect: Connect | None) -> AsyncIterator[Connection]:
        instance = self._fleet.get(ref)
        if not isinstance(instance, Instance):
            raise NotFoundError(f"{ref} no longer exists.")
        login = partial(connect, instance) if connect is not None else None
        async with self._fleet.connections.lease(instance, login) as connection:
            yield connection


def _owner(instance: Instance) -> Ref:
    """Return for what a log is remembered: the deployment, whose instances are alike, else the instance."""
    is_on_host = instance.ssh is not None and bool(instance.ssh.enter)
    return instance.ref if is_on_host else instance.parent or instance.ref
