"""The streams of simulated programs: pipes, files, what is captured, nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gputui.sim.machines.filesystem import FileSystem
    from gputui.sim.machines.nodes import File

_PIPE_BYTES = 65_536


class BrokenPipe(Exception):  # noqa: N818  (as the signal is called)
    """Nothing reads a pipe any more."""


class Stream:
    """A stream without end of input for writers and without input for readers: ``/dev/null``."""

    async def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, b"" at the end."""
        return b""

    async def write(self, data: bytes) -> None:
        """Write all of the data. Raises BrokenPipe, OSError."""

    async def line(self) -> bytes:
        """Return the next line with its end; b"" at the end of the stream."""
        found = bytearray()
        while not found.endswith(b"\n") and (byte := await self.read(1)):
            found += byte
        return bytes(found)

    async def rest(self, limit: int) -> bytes:
        """Return all that comes, up to ``limit`` bytes."""
        found = bytearray()
        while len(found) < limit and (data := await self.read(limit - len(found))):
            found += data
        return bytes(found)

    def close(self) -> None:
        """Nothing is read or written any more."""


class Buffered(Stream):
    """Input from a source that gives blocks, such as an SSH channel. What was read too far can be put back."""

    def __init__(self, source: Callable[[], Awaitable[bytes]]) -> None:
        self._source = source
        self._buffer = bytearray()

    async def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, b"" at the end."""
        if not self._buffer:
            self._buffer += await self._source()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    async def line(self) -> bytes:
        """Return the next line with its end; b"" at the end of the stream."""
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0:
            start = len(self._buffer)
            data = await self._source()
            if not data:
                end = len(self._buffer) - 1
                break
            self._buffer += data
        return await self.read(end + 1) if end >= 0 else b""

    def take(self) -> bytes:
        """Return what has come and was not read."""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def put_back(self, data: bytes) -> None:
        """Read this again first."""
        self._buffer[:0] = data


class Output(Stream):
    """Output that a function takes."""

    def __init__(self, take: Callable[[bytes], Awaitable[None]]) -> None:
        self._take = take

    async def write(self, data: bytes) -> None:
        """Write all of the data. Raises BrokenPipe, OSError."""
        await self._take(data)


class Capture(Stream):
    """Output that is kept, up to a limit; more is a broken pipe."""

    def __init__(self, limit: int) -> None:
        self.data = bytearray()
        self._limit = limit

    async def write(self, data: bytes) -> None:
        """Write all of the data. Raises BrokenPipe, OSError."""
        self.data += data
        if len(self.data) > self._limit:
            raise BrokenPipe


class Given(Stream):
    """Input that is there already, as of a here-document."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    async def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, b"" at the end."""
        data = self._data[self._place : self._place + size]
        self._place += len(data)
        return data


class Pipe(Stream):
    """The output of one program as the input of another, at the pace of the slower one."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._changed = asyncio.Event()
        self._written = False
        self._deserted = False

    async def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, b"" at the end."""
        while not self._buffer and not self._written:
            self._changed.clear()
            await self._changed.wait()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._changed.set()
        return data

    async def write(self, data: bytes) -> None:
        """Write all of the data. Raises BrokenPipe, OSError."""
        while len(self._buffer) >= _PIPE_BYTES and not self._deserted:
            self._changed.clear()
            await self._changed.wait()
        if self._deserted:
            raise BrokenPipe
        self._buffer += data
        self._changed.set()

    def close(self) -> None:
        """End of the input for the reader."""
        self._written = True
        self._changed.set()

    def desert(self) -> None:
        """The reader has ended."""
        self._deserted = True
        self._changed.set()


class FileStream(Stream):
    """A file that is open, at a place in it. Output is appended where ``append`` is True."""

    def __init__(self, files: FileSystem, file: File, *, append: bool = False) -> None:
        self._files = files
        self._file = file
        self._place = file.size if append else 0

    async def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, b"" at the end."""
        data = self._file.read(self._place, size)
        self._place += len(data)
        return data

    async def write(self, data: bytes) -> None:
        """Write all of the data. Raises BrokenPipe, OSError."""
        self._files.write(self._file, self._place, data)
        self._place += len(data)


Streams = dict[int, Stream]
"""The streams of a program by their file descriptors."""
