"""The bytes between an SSH server and another client: connected as a login is, without logging in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Unpack

import asyncssh

from gputui.errors import SshError, UnreachableError
from gputui.late_dataclasses import dataclass
from gputui.models import SSHLogin, SSHTarget
from gputui.ssh import failures
from gputui.ssh.awake import awake_timeout
from gputui.ssh.client import Context, LoginOptions, Refetch, until_up, way_to
from gputui.ssh.credentials import ATTEMPT_SECONDS
from gputui.ssh.endpoint import Endpoint, Reader, Writer
from gputui.ssh.resolution import settings_of

_CHUNK = 2**16
_GREETING_SECONDS = 5.0
"""How long a server may be silent after it was reached: most send their greeting first."""

Read = Callable[[], Awaitable[bytes]]
"""Returns the next piece of this side's input; b'' at its end."""
Write = Callable[[bytes], Awaitable[None]]
"""Writes a piece of output; the next is read once it has returned."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A connection to an SSH server. ``greeting`` are the first bytes that it sent."""

    where: str
    greeting: bytes
    reader: Reader
    writer: Writer

    async def carry(self, read: Read, write: Write, end: Callable[[], None]) -> None:
        """Carry bytes in both directions until both have ended; ``end`` is called at the end of the output.

        Raises SshError where the connection is lost.
        """
        sending = asyncio.create_task(self._send(read))
        try:
            await self._receive(write)
            end()
            await sending
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError, OSError, asyncssh.Error):
                await sending
            self.writer.close()

    async def _send(self, read: Read) -> None:
        with suppress(OSError, asyncssh.Error):  # the other direction reports a lost connection
            while piece := await read():
                self.writer.write(piece)
                await self.writer.drain()
            self.writer.write_eof()

    async def _receive(self, write: Write) -> None:
        piece = self.greeting
        while True:
            if piece:
                await write(piece)
            try:
                piece = await self.reader.read(_CHUNK)
            except (OSError, asyncssh.Error) as error:
                raise UnreachableError(f"The connection to {self.where} was lost.") from error
            if not piece:
                return


@asynccontextmanager
async def open_stream(
    target: SSHTarget,
    login: SSHLogin,
    *,
    host_id: str,
    refetch: Refetch | None = None,
    **options: Unpack[LoginOptions],
) -> AsyncIterator[Stream]:
    """Connect to the SSH server of a target, through its jump hosts, waiting for one that is still starting.

    The arguments are those of :func:`gputui.ssh.client.connect`; only jump hosts are logged in to. Raises SshError,
    HostKeyError for a jump host, ConfigError for a line of the OpenSSH configuration.
    """
    context = Context(**options)
    settings = await settings_of(target, login)
    async with AsyncExitStack() as resources:
        endpoint_at = await way_to(host_id, login, settings, context, resources)

        async def attempt(now: SSHTarget) -> Stream:
            return await _greeted(endpoint_at(now))

        yield await until_up(attempt, target, refetch, context)


async def _greeted(endpoint: Endpoint) -> Stream:
    """Connect, and wait for the first bytes: the published port of a container closes before its sshd listens.

    Raises NotUpError, SshError.
    """
    try:
        async with awake_timeout(ATTEMPT_SECONDS):
            reader, writer = await endpoint.open()
        greeting = b""
        try:
            async with awake_timeout(_GREETING_SECONDS):
                greeting = await reader.read(_CHUNK)
        except TimeoutError:
            return Stream(endpoint.where, b"", reader, writer)
    except TimeoutError as error:
        raise await endpoint.why_late() from error
    except (OSError, asyncssh.Error, SshError) as error:
        if isinstance(error, OSError | asyncssh.Error) and failures.is_not_up(error):
            raise failures.NotUpError(f"{endpoint.where} refuses connections.") from error
        raise failures.explain(error, endpoint.where) from error
    if greeting:
        return Stream(endpoint.where, greeting, reader, writer)
    writer.close()
    if endpoint.proxy is not None:
        raise await endpoint.proxy.failure(endpoint.where)
    raise failures.NotUpError(f"{endpoint.where} closes connections.")
