"""One connection to each host, shared by shell, commands and forwards, closed after an idle time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import field
from typing import TYPE_CHECKING

from gputui.errors import SshError
from gputui.late_dataclasses import dataclass

if TYPE_CHECKING:
    from gputui.ssh.client import Connection

Connect = Callable[[], "Awaitable[Connection]"]


@dataclass(slots=True)
class _Slot:
    connection: Connection | None = None
    users: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    closing: asyncio.TimerHandle | None = None
    failures: int = 0
    failure: SshError | None = None


class ConnectionPool:
    """Connections by key. ``idle`` is how many seconds one outlives its last lease; a leased one is never closed.

    The key is the id of one generation of an instance (:func:`gputui.ssh.known_hosts.host_id_of`), so that a
    recreated instance of the same name gets another connection.
    """

    def __init__(self, *, idle: float = 60.0) -> None:
        self._idle = idle
        self._slots: dict[str, _Slot] = {}
        self._closers: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def lease(self, key: str, connect: Connect, *, shares_failure: bool = False) -> AsyncIterator[Connection]:
        """Lease the connection of ``key``, created by ``connect`` when there is none or the last one ended.

        Concurrent callers share one login; where the first is cancelled, the next one logs in. Errors of ``connect``
        go to its caller, and to those who waited for it with ``shares_failure``; others try next. It stays open with
        its forwards while it is leased, unless the server, the network or :meth:`aclose` ends it.
        """
        slot = self._slots.setdefault(key, _Slot())
        slot.users += 1
        if slot.closing is not None:
            slot.closing.cancel()
            slot.closing = None
        try:
            failures = slot.failures
            async with slot.lock:
                if slot.connection is None or slot.connection.closed:
                    if shares_failure and slot.failure is not None and slot.failures > failures:
                        raise type(slot.failure)(slot.failure.message, hint=slot.failure.hint) from slot.failure
                    self._close(slot)
                    try:
                        slot.connection = await connect()
                    except SshError as error:
                        slot.failures, slot.failure = slot.failures + 1, error
                        raise
                connection = slot.connection
            yield connection
        finally:
            slot.users -= 1
            if not slot.users:
                self._release(key, slot)

    def is_open(self, key: str) -> bool:
        """Return whether ``key`` has an open connection."""
        slot = self._slots.get(key)
        return slot is not None and slot.connection is not None and not slot.connection.closed

    async def aclose(self) -> None:
        """Close every connection, leased or not; bounded in time."""
        slots, self._slots = list(self._slots.values()), {}
        for slot in slots:
            if slot.closing is not None:
                slot.closing.cancel()
        await asyncio.gather(*(slot.connection.close() for slot in slots if slot.connection is not None))
        await asyncio.gather(*self._closers)

    async def retire(self) -> None:
        """Close every connection that is not leased, and each of the others at the end of its last lease."""
        self._idle = 0
        for key, slot in list(self._slots.items()):
            if not slot.users:
                if slot.closing is not None:
                    slot.closing.cancel()
                self._drop(key, slot)
        await asyncio.gather(*self._closers)

    def _release(self, key: str, slot: _Slot) -> None:
        if self._slots.get(key) is not slot:
            return
        if slot.connection is None or slot.connection.closed or self._idle <= 0:
            self._drop(key, slot)
        else:
            slot.closing = asyncio.get_running_loop().call_later(self._idle, self._drop, key, slot)

    def _drop(self, key: str, slot: _Slot) -> None:
        self._slots.pop(key, None)
        self._close(slot)

    def _close(self, slot: _Slot) -> None:
        """Close a connection in the background, one that has ended too: the way to it is kept until then."""
        if slot.connection is not None:
            task = asyncio.get_running_loop().create_task(slot.connection.close())
            self._closers.add(task)
            task.add_done_callback(self._closers.discard)
            slot.connection = None
