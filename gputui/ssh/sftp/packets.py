"""The packets of an SFTP session: requests of one turn of the loop are sent together, answers come in any order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

import asyncssh

from gputui.errors import CopyError, LinkLostError
from gputui.ssh.sftp.answers import StatusError, shown
from gputui.ssh.sftp.wire import LENGTH, LONGEST_PACKET, VERSION, Packet, Reader, WireError, length_of, packet, u32

_T = TypeVar("_T")

_TURN = 512 * 1024
"""Bytes that are sent in one turn of the loop."""
_PIECE = 32 * 1024
"""The bytes of an SSH packet: the most that OpenSSH accepts."""
_SHOWN = 80


class Packets(asyncssh.SSHClientSession[bytes]):
    """The requests of a session and their answers; ``where`` names the server in messages."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.extensions: dict[bytes, bytes] = {}
        """The extensions of the protocol that the server names at the start."""
        self._loop = asyncio.get_running_loop()
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._received: list[bytes] = []
        self._size = 0
        self._wanted = LENGTH
        self._complaint = b""
        self._unsent: list[bytes] = []
        self._number = 0
        self._waiting: dict[int, tuple[asyncio.Future[Any], Callable[[int, Reader], object]]] = {}
        self._version: asyncio.Future[None] = self._loop.create_future()
        self._ended: CopyError | None = None

    async def start(self) -> None:
        """Agree on the version of the protocol. Raises CopyError or LinkLostError where that fails."""
        self._send(u32(5) + bytes([Packet.INIT]) + u32(VERSION))
        await self._version

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._ended is not None

    def close(self) -> None:
        """End it; requests that are not answered fail."""
        if self._channel is not None:
            self._channel.close()
        self._end(LinkLostError(f"The SFTP session with {self.where} was closed."))

    def request(self, kind: Packet, decode: Callable[[int, Reader], _T], *fields: bytes) -> asyncio.Future[_T]:
        """Send a request with the others of this turn of the loop; its answer is decoded on arrival."""
        future: asyncio.Future[_T] = self._loop.create_future()
        if self._ended is not None:
            future.set_exception(self._ended)
            return future
        number = self._number
        self._number = (number + 1) & 0xFFFFFFFF
        self._waiting[number] = (future, decode)
        self._send(*packet(kind, number, *fields))
        return future

    def _send(self, *pieces: bytes) -> None:
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent += pieces

    def _flush(self) -> None:
        """Send requests, in each turn of the loop no more than leaves it time for others."""
        size = count = 0
        while count < len(self._unsent) and size < _TURN:
            size += len(self._unsent[count])
            count += 1
        due = self._unsent[:count]
        del self._unsent[:count]
        if self._unsent:
            self._loop.call_soon(self._flush)
        if self._channel is not None and self._ended is None:
            with suppress(OSError):  # the channel is closing: connection_lost ends the requests
                for piece in _pieces(due):
                    self._channel.write(piece)

    # What asyncssh calls.

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Keep the channel."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Take bytes; those of stderr are kept for a message."""
        if datatype is not None:
            self._complaint = (self._complaint + data)[:_SHOWN]
            return
        self._received.append(data)
        self._size += len(data)
        if self._size < self._wanted:
            return
        try:
            self._read_packets()
        except WireError as error:
            self._fail(error)

    def _read_packets(self) -> None:
        """Read the packets that are complete; the pieces of a long one are put together once, at its end."""
        received = memoryview(b"".join(self._received))
        at, end = 0, len(received)
        self._wanted = LENGTH
        while end - at >= self._wanted:
            length = length_of(received, at)
            if not 0 < length <= LONGEST_PACKET:
                raise WireError("a packet is too long")
            start, following = at + LENGTH, at + LENGTH + length
            if end < following:
                self._wanted = following - at
                break
            self._answer(received[start], Reader(received[start + 1 : following]))
            at = following
        self._received = [bytes(received[at:])]
        self._size = end - at

    def _answer(self, kind: int, reader: Reader) -> None:
        if not self._version.done():
            if kind != Packet.VERSION or reader.u32() < VERSION:
                raise WireError("it has another version")
            self.extensions = dict(reader.extensions())
            self._version.set_result(None)
            return
        number = reader.u32()
        if (waiting := self._waiting.get(number)) is None:
            raise WireError("an answer without its request")
        future, decode = waiting
        if not future.done():
            try:
                future.set_result(decode(kind, reader))
            except StatusError as error:
                future.set_exception(error)
                future.exception()  # whoever waits gets it; nothing complains where a copy has ended by then
        del self._waiting[number]  # one whose answer cannot be read fails with the session

    def _fail(self, error: WireError) -> None:
        """End a session that is none: a login shell that prints before the server starts, most of the time."""
        if self._version.done():
            failure = CopyError(f"{self.where} does not speak SFTP as expected: {error}.")
        else:
            said = shown(b"".join(self._received)[:_SHOWN].splitlines()[0])
            failure = CopyError(
                f"{self.where} sends {said!r} instead of SFTP.",
                hint="The login shell must print nothing without a terminal: check ~/.bashrc there.",
            )
        if self._channel is not None:
            self._channel.abort()
        self._end(failure)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the requests that are not answered."""
        said = f" It says: {shown(self._complaint.strip())}" if self._complaint.strip() else ""
        if not self._version.done():
            self._end(
                CopyError(
                    f"{self.where} ended its SFTP server at the start.{said}",
                    hint="Is an SFTP server installed in it (Debian: openssh-sftp-server)?",
                )
                if exc is None
                else LinkLostError(f"The connection to {self.where} was lost.")
            )
        self._end(LinkLostError(f"The connection to {self.where} was lost.{said}"))

    def _end(self, why: CopyError) -> None:
        if self._ended is None:
            self._ended = why
        waiting: list[asyncio.Future[Any]] = [self._version, *(future for future, _ in self._waiting.values())]
        for future in waiting:
            if not future.done():
                future.set_exception(self._ended)
                future.exception()  # whoever waits gets it; nothing else complains
        self._waiting.clear()


def _pieces(data: Iterable[bytes]) -> Iterator[bytes]:
    """Join and cut bytes into pieces of the length of an SSH packet.

    The memory of longer ones may go back to the system and be requested again for each, which can take a third of the
    processor's time of a copy.
    """
    joined: list[memoryview] = []
    size = 0
    for each in data:
        part = memoryview(each)
        while size + len(part) >= _PIECE:
            cut = _PIECE - size
            yield b"".join([*joined, part[:cut]])
            joined, size, part = [], 0, part[cut:]
        joined.append(part)
        size += len(part)
    if size:
        yield b"".join(joined)
