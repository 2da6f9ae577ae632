"""A port of this machine that is forwarded to an instance, for as long as there is a connection to it."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import asyncssh

from gputui.errors import InvalidError, SshError, reason_of
from gputui.models.forwards import LOOPBACK, ForwardSpec, ForwardState
from gputui.ssh import failures
from gputui.ssh.client import Connection
from gputui.ssh.socks import Reply, SocksError, answer, read_request
from gputui.text import clean

_CHUNK = 2**16
_WINDOW = 4 * 2**20
"""Bytes under way in one connection: a long link is filled, a slow reader does not fill the memory."""


class Forward:
    """Listens on a port of this machine, and tunnels what connects there through a connection that may come and go.

    ``name`` is that of the instance, for messages. Bytes are counted ``sent`` to the instance and ``received`` from
    it; of the connections, those ``open`` now and all that were ``opened``. ``error`` is the last failure of one, at
    ``error_at``.
    """

    def __init__(
        self, spec: ForwardSpec, name: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.spec = spec
        self.name = name
        self.local_port = spec.local_port
        self.sent = self.received = self.opened = 0
        self.failed: Callable[[], None] = lambda: None
        """Called after a connection has failed."""
        self.error = ""
        self.error_at: datetime | None = None
        self._now = now
        self._link: Connection | None = None
        self._failed = False
        self._server: asyncio.Server | None = None
        self._tunnels: set[asyncio.Task[None]] = set()

    @property
    def local(self) -> str:
        """The address on this machine, ``127.0.0.1:8888``."""
        return _address(self.spec.bind, self.local_port)

    @property
    def open(self) -> int:
        """The number of connections through it now."""
        return len(self._tunnels)

    @property
    def state(self) -> ForwardState:
        """Whether it is served now."""
        if self._server is None:
            return ForwardState.STOPPED
        if self._link is not None and not self._link.closed:
            return ForwardState.OPEN
        return ForwardState.FAILED if self._failed else ForwardState.WAITING

    async def listen(self) -> None:
        """Take the port; connections are refused until there is a :meth:`link`. Raises InvalidError, SshError."""
        bind = self.spec.bind
        try:
            ip_address(bind)
        except ValueError:
            raise InvalidError(
                f"{clean(bind)} is not an address to listen on.", hint="Use an IP address of this machine."
            ) from None
        try:
            self._server = await self._listen(self.local_port)
        except OSError as error:
            if not (self.spec.or_any and error.errno in _TAKEN):
                raise cannot_listen(error, bind, self.local_port) from error
            try:
                self._server = await self._listen(0)
            except OSError as other:
                raise cannot_listen(other, bind, 0) from other
        self.local_port = self._server.sockets[0].getsockname()[1]

    async def _listen(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._accept, self.spec.bind, port)

    def link(self, connection: Connection | None, *, failed: bool = False) -> None:
        """Serve through a connection; ``failed`` says that there will be none without the user."""
        self._link = connection
        self._failed = failed

    async def close(self) -> None:
        """Free the port, and end the connections through it."""
        if self._server is not None:
            self._server.close()
            self._server = None
        tunnels = list(self._tunnels)
        for tunnel in tunnels:
            tunnel.cancel()
        await asyncio.gather(*tunnels, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:  # the kernel had taken it before the port was freed
            writer.close()
            return
        self.opened += 1
        tunnel = asyncio.create_task(self._serve(reader, writer))
        self._tunnels.add(tunnel)
        tunnel.add_done_callback(self._tunnels.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            host, port = "localhost", self.spec.remote_port
            if port is None:
                host, port = await read_request(reader, writer)
            await self._tunnel(reader, writer, host, port)
        except SocksError as error:
            self._note(str(error))
        except (OSError, EOFError, asyncssh.Error):
            pass  # one of the two ends has gone: the other one is closed
        except asyncio.CancelledError:
            writer.transport.abort()  # bytes that the client has not taken yet are not waited for
        finally:
            writer.close()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
        proxied = self.spec.remote_port is None
        link, (orig_host, orig_port) = self._link, (writer.get_extra_info("peername") or ("", 0))[:2]
        if link is None or link.closed:
            self._note(f"a connection was refused: there is no connection to {self.name}")
            if proxied:
                answer(writer, Reply.FAILED)
            return

        def took(size: int) -> None:
            self.received += size

        remote = _Remote(writer, took)
        try:
            channel, _ = await link.ssh.create_connection(
                lambda: remote, host, port, orig_host, orig_port, window=_WINDOW
            )
        except asyncssh.ChannelOpenError as error:
            self._note(self._refusal(error, f"port {port} of {self.name}" if not proxied else _address(host, port)))
            if proxied:
                answer(writer, _reply(error))
            return
        if proxied:
            answer(writer, Reply.CONNECTED)
        sending = asyncio.create_task(self._send(reader, channel, remote))
        try:
            await remote.ended.wait()
        finally:
            sending.cancel()
            channel.close()

    async def _send(self, reader: asyncio.StreamReader, channel: Any, remote: _Remote) -> None:
        try:
            while data := await reader.read(_CHUNK):
                channel.write(data)
                self.sent += len(data)
                await remote.takes_more.wait()
            channel.write_eof()
            remote.end(1)
        except OSError:
            channel.abort()  # one of the two ends has gone

    def _note(self, error: str) -> None:
        self.error, self.error_at = error, self._now()
        self.failed()

    def _refusal(self, error: asyncssh.ChannelOpenError, where: str) -> str:
        if failures.is_not_up(error):
            return f"{where} refuses connections: does its service run?"
        if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
            return f"the SSH server of {self.name} does not permit a forward to {where}"
        return f"{where}: {clean(' '.join(error.reason.split())) or 'no reason given'}"


class _Remote(asyncssh.SSHTCPSession[bytes]):
    """The instance's end of a tunnel: its bytes go to the client, no faster than that takes them.

    ``ended`` is set when both directions have ended, or the channel has.
    """

    def __init__(self, writer: asyncio.StreamWriter, took: Callable[[int], None]) -> None:
        self.ended = asyncio.Event()
        self.takes_more = asyncio.Event()
        self.takes_more.set()
        self._directions = {0, 1}
        self._writer = writer
        self._took = took
        self._drain: asyncio.Task[None] | None = None

    def connection_made(self, chan: asyncssh.SSHTCPChannel[bytes]) -> None:
        """Keep the channel, to pause it."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType = None) -> None:
        """Pass bytes to the client."""
        self._writer.write(data)
        self._took(len(data))
        if self._drain is None and self._writer.transport.get_write_buffer_size() > _CHUNK:
            self._channel.pause_reading()
            self._drain = asyncio.create_task(self._resume())

    async def _resume(self) -> None:
        """Take bytes again as soon as the client has taken those before."""
        try:
            while True:
                await self._writer.drain()
                # asyncssh reopens the whole window with the first packet it delivers, whatever it has buffered: a
                # pause before its buffer is empty would add a window each time.
                self._channel.resume_reading()
                if self._writer.transport.get_write_buffer_size() <= _CHUNK:
                    break
                self._channel.pause_reading()
            self._drain = None
        except OSError:
            self._channel.abort()  # the client has gone

    def eof_received(self) -> bool:
        """Pass the end on; the other direction may continue."""
        with suppress(OSError):
            self._writer.write_eof()
        self.end(0)
        return True

    def end(self, direction: int) -> None:
        """Note that one direction has ended: 0 from the instance, 1 to it."""
        self._directions.discard(direction)
        if not self._directions:
            self.ended.set()

    def pause_writing(self) -> None:
        """Read no more from the client for now."""
        self.takes_more.clear()

    def resume_writing(self) -> None:
        """Read from the client again."""
        self.takes_more.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the tunnel."""
        if self._drain is not None:
            self._drain.cancel()
        self.takes_more.set()
        self.ended.set()


_TAKEN = frozenset({errno.EADDRINUSE, errno.EACCES, errno.EPERM})
"""Errors of one port; others are free."""


def cannot_listen(error: OSError, bind: str, port: int) -> SshError:
    """Return the reason why this machine does not give a port, with the way out."""
    where = _address(bind, port)
    match error.errno:
        case errno.EADDRINUSE:
            return SshError(
                f"Cannot listen on {where}: the port is in use.", hint="Use another port, or 0 for any free one."
            )
        case errno.EACCES | errno.EPERM:
            return SshError(
                f"Cannot listen on {where}: you may not use this port.",
                hint="Those below 1024 are usually for root: use a higher one, or 0 for any free one.",
            )
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return SshError(
                f"Cannot listen on {where}: {bind} is not an address of this machine.",
                hint=f"Use {LOOPBACK}, or one that `ip address` lists.",
            )
        case _:
            return SshError(f"Cannot listen on {where}: {reason_of(error)}.")


def _reply(error: asyncssh.ChannelOpenError) -> Reply:
    if failures.is_not_up(error):
        return Reply.REFUSED
    return Reply.NOT_ALLOWED if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED else Reply.FAILED


def _address(host: str, port: Any) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
