"""A server on loopback before the simulator and spoils its answers in one way: one for each case."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

CHANGE_HEADER = "x-case-change"
"""Marks the requests that ask for a change, see :func:`tests.faults.laboratory.marked_changes`."""
_LARGEST = 2**26


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header, '' where there is none."""
        return next((value for key, value in self.headers if key == name), "")


@dataclass
class Exchange:
    """One request, and the ways to answer it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    head: bytes
    writer: asyncio.StreamWriter
    ask: Callable[[Exchange], Awaitable[Answer]]

    @property
    def changes(self) -> bool:
        """Whether it asks for a change."""
        return CHANGE_HEADER in self.headers

    async def answered(self) -> Answer:
        """Let the server act and return its answer."""
        return await self.ask(self)

    async def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def reply(
        self, status: int, body: bytes, *, headers: Iterable[tuple[str, str]] = (), kind: str = "application/json"
    ) -> None:
        """Send a whole answer."""
        given = [("content-type", kind), *headers]
        if "content-length" not in {name.lower() for name, _ in given}:
            given.append(("content-length", str(len(body))))
        head = f"HTTP/1.1 {status} Case\r\n" + "".join(f"{name}: {value}\r\n" for name, value in given)
        await self.send(head.encode("utf-8", "surrogateescape") + b"\r\n" + body)

    def reset(self) -> None:
        """Break the connection off, so that the other end has an error."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def until_gone(self) -> None:
        """Wait until the client has given up."""
        while not self.writer.is_closing():
            await asyncio.sleep(0.05)
            self.writer.transport.get_write_buffer_size()


Play = Callable[[Exchange], Awaitable[None]]


@dataclass
class FaultProxy:
    """Serves one case. ``play`` answers the requests that ``spoils`` accepts, the others are answered soundly."""

    ask: Callable[[Exchange], Awaitable[Answer]]
    play: Play
    spoils: Callable[[Exchange], bool]
    refuses: bool = False
    changes: list[str] = field(default_factory=list)
    """The requests for a change that arrived, as ``METHOD path``."""
    requests: int = 0
    acted: int = 0
    """How many requests for a change the server has acted on."""
    broken: list[BaseException] = field(default_factory=list)
    """What went wrong in the proxy itself: a case in which it does has shown nothing."""
    _server: asyncio.Server | None = None
    _port: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it listens, or nothing does."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> FaultProxy:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=_LARGEST)
        self._port = self._server.sockets[0].getsockname()[1]
        if self.refuses:
            self._server.close()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing() and (exchange := await self._read(reader, writer)) is not None:
                self.requests += 1
                if exchange.changes:
                    self.changes.append(f"{exchange.method} {exchange.target.partition('?')[0]}")
                if self.spoils(exchange):
                    await self.play(exchange)
                else:
                    await pass_on(exchange)
        except (ConnectionError, asyncio.IncompleteReadError, BrokenPipeError):
            pass
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  (reported to the case)
            self.broken.append(error)
        finally:
            with suppress(Exception):
                writer.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Exchange(method, target, headers, body, head, writer, self._ask)

    async def _ask(self, exchange: Exchange) -> Answer:
        if exchange.changes:
            self.acted += 1
        return await self.ask(exchange)


async def pass_on(exchange: Exchange) -> None:
    """Answer soundly."""
    answer = await exchange.answered()
    extra = [(name, value) for name, value in answer.headers if name in {"date", "retry-after"}]
    await exchange.reply(answer.status, answer.body, headers=extra, kind=answer.header("content-type"))


async def ask_upstream(port: int, exchange: Exchange) -> Answer:
    """Send a request on to the server at a port of loopback and return its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_LARGEST)
    try:
        skipped = {"connection", "host", CHANGE_HEADER, "accept-encoding"}
        kept = "".join(f"{name}: {value}\r\n" for name, value in exchange.headers.items() if name not in skipped)
        first = f"{exchange.method} {exchange.target} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n"
        head = f"{first}{kept}\r\n"
        writer.write(head.encode("latin-1") + exchange.body)
        await writer.drain()
        data = await reader.read()
    finally:
        writer.close()
    top, _, body = data.partition(b"\r\n\r\n")
    lines = top.decode("latin-1").split("\r\n")
    headers = tuple(
        (name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])
    )
    if dict(headers).get("transfer-encoding", "").lower() == "chunked":
        body = _joined(body)
    return Answer(int(lines[0].split()[1]), headers, body)


def _joined(chunked: bytes) -> bytes:
    pieces = []
    while chunked:
        size, _, rest = chunked.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            break
        pieces.append(rest[:length])
        chunked = rest[length + 2 :]
    return b"".join(pieces)
