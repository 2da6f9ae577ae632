"""A server that answers by a script: on loopback with faults of the connection, or in this process."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import struct
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

NOWHERE = "http://127.0.0.1:8799"
"""The address of a server that has no socket."""


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def json(self) -> dict[str, Any]:
        """The body, where it is a JSON object."""
        data: dict[str, Any] = json.loads(self.body)
        return data

    @property
    def credentials(self) -> str:
        """The user and password of HTTP Basic."""
        return base64.b64decode(self.headers["authorization"].removeprefix("Basic ")).decode()


@dataclass(frozen=True)
class Reply:
    """An answer. ``announce`` is the Content-Length to claim; ``reset`` cuts the connection after the body."""

    status: int = 200
    body: bytes = b"null"
    headers: Mapping[str, str] = field(default_factory=dict)
    announce: int | None = None
    reset: bool = False

    @property
    def all_headers(self) -> dict[str, str]:
        """Its headers with type and length."""
        length = len(self.body) if self.announce is None else self.announce
        return {"Content-Type": "application/json", **self.headers, "Content-Length": str(length)}


@dataclass(frozen=True)
class Reset:
    """No answer: the connection is reset once the request has been read."""


@dataclass(frozen=True)
class Hang:
    """No answer at all."""


@dataclass(frozen=True)
class Drip:
    """An answer that comes a byte at a time and never ends."""

    interval: float = 0.02


@dataclass(frozen=True)
class Flood:
    """An endless answer of this many bytes, without a length."""

    size: int


Answer = Reply | Reset | Hang | Drip | Flood
Script = Answer | Callable[[Request], Answer]


def as_json(data: object, status: int = 200, **headers: str) -> Reply:
    """Return an answer with JSON."""
    return Reply(
        status, json.dumps(data).encode(), {name.replace("_", "-"): value for name, value in headers.items()}
    )


def page(status: int = 200) -> Reply:
    """Return an answer with a web page."""
    return Reply(status, b"<!DOCTYPE html><html><body>\x1b[31mhello</body></html>", {"Content-Type": "text/html"})


class ScriptedServer:
    """Answers each path by its script, the last entry again and again; keeps every request.

    It listens once it is started. Else its client calls :meth:`answer`, which knows no connections: neither their
    number nor a Drip or a Flood.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.arrived = asyncio.Event()
        self.left = asyncio.Event()
        self.connections = 0
        self.open = 0
        self.most_open = 0
        self._scripts: dict[str, deque[Script]] = defaultdict(deque)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        if self._server is None:
            return NOWHERE
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def on(self, path: str, *scripts: Script) -> None:
        """Set what a path answers."""
        self._scripts[path] = deque(scripts)

    def count(self, method: str, path: str | None = None) -> int:
        """How many requests of a method arrived."""
        return sum(request.method == method and path in {None, request.path} for request in self.requests)

    def asked(self, path: str) -> list[Request]:
        """The requests for a path."""
        return [request for request in self.requests if request.path == path]

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def answer(self, sent: httpx.Request) -> httpx.Response:
        """Answer a request without a socket."""
        await sent.aread()
        request = _request(sent.method, sent.url.raw_path.decode(), dict(sent.headers), sent.content)
        with self._answering(request):
            await asyncio.sleep(0)  # lets requests that were sent together overlap
            match self._next(request):
                case Reply() as reply:
                    return httpx.Response(reply.status, headers=reply.all_headers, stream=_Body(reply))
                case Reset():
                    raise httpx.ReadError("reset")
                case Hang():
                    try:
                        async with asyncio.timeout(sent.extensions["timeout"]["read"]):
                            await asyncio.Event().wait()
                    except TimeoutError:
                        raise httpx.ReadTimeout("no answer") from None
                    finally:
                        self.left.set()
                case answer:
                    raise AssertionError(f"{answer} takes a socket")
        raise AssertionError

    @contextmanager
    def _answering(self, request: Request) -> Iterator[None]:
        self.requests.append(request)
        self.arrived.set()
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            yield
        finally:
            self.open -= 1

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        try:
            while await self._answer_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        start, *lines = head.rstrip("\r\n").split("\r\n")
        method, target, _ = start.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = _request(method, target, headers, body)
        with self._answering(request):
            await asyncio.sleep(0)  # lets requests that were sent together overlap
            return await self._send(reader, writer, self._next(request))

    def _next(self, request: Request) -> Answer:
        scripts = self._scripts[request.path]
        if not scripts:
            return as_json({"detail": "Not Found"}, 404)
        script = scripts.popleft() if len(scripts) > 1 else scripts[0]
        return script(request) if callable(script) else script

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> bool:
        match answer:
            case Reply():
                lines = "".join(f"{name}: {value}\r\n" for name, value in answer.all_headers.items())
                writer.write(f"HTTP/1.1 {answer.status} Answer\r\n{lines}\r\n".encode() + answer.body)
                await writer.drain()
                if answer.reset:
                    _reset(writer)
                return not answer.reset
            case Reset():
                _reset(writer)
            case Hang():
                await reader.read()  # until the client leaves
                self.left.set()
            case Drip():
                writer.write(b"HTTP/1.1 200 Answer\r\nContent-Length: 1000000\r\n\r\n[")
                while True:
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(answer.interval)
            case Flood():
                writer.write(b"HTTP/1.1 200 Answer\r\nConnection: close\r\n\r\n")
                for _ in range(answer.size // 65536):
                    writer.write(b" " * 65536)
                    await writer.drain()
        return False


class _Body(httpx.AsyncByteStream):
    """The body of a reply, or its beginning."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._reply.body
        if self._reply.reset:
            raise httpx.ReadError("reset")


def _request(method: str, target: str, headers: dict[str, str], body: bytes) -> Request:
    parts = urlsplit(target)
    return Request(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
