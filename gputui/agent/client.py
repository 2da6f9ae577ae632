"""A session's side of the agent's socket."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

from gputui.agent.place import Place
from gputui.agent.protocol import LONGEST_LINE, Data, Frame, Hello, encoded, error_from_plain, own_build, read_frame
from gputui.errors import AgentError, GputuiError
from gputui.text import clean

GREETING_SECONDS = 5.0
log = logging.getLogger("gputui.agent")
_END = None

Listener = Callable[[Any], None]


class RefusedError(AgentError):
    """The agent serves another configuration, or is of another version. ``retiring``: it ends now."""

    retiring = False
    of_other_build = False
    """Whether it is of another release or commit of gputui than this process."""


class LostError(AgentError):
    """The connection to the agent ended before the answer: whether it did what was asked is unknown."""


class Client:
    """A connection to the agent. Requests may be under way at once; their errors are those of the agent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, facts: Mapping[str, Any]) -> None:
        self.facts = facts
        """The agent's own ``gputui``, ``pid`` and ``config``."""
        self.ended = asyncio.Event()
        """Set when the connection has ended."""
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Queue[Frame | None]] = {}
        self._listeners: dict[str, list[Listener]] = {}
        self._reading = asyncio.create_task(self._read_all())

    @property
    def closed(self) -> bool:
        """Whether the connection has ended."""
        return self.ended.is_set()

    async def call(self, name: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """Return the answer to a request: plain data, or Data. Raises LostError, and what the agent raises."""
        found: Any = None
        async for answer in self._frames(name, arguments):
            found = answer
        return found

    async def parts(self, name: str, arguments: Mapping[str, Any] | None = None) -> AsyncIterator[Any]:
        """Yield the parts of an answer as they come. Raises as :meth:`call` does."""
        async for found in self._frames(name, arguments):
            if found is not None:
                yield found

    def note(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Send a request without waiting for its answer."""
        if not self.closed:
            self._writer.write(encoded({"id": 0, "do": name, "with": arguments}))

    async def subscribe(self, topic: str, listener: Listener) -> None:
        """Call ``listener`` with everything that the agent publishes about a topic, once where it is given twice."""
        known = self._listeners.setdefault(topic, [])
        if listener not in known:
            known.append(listener)
        await self.call("subscribe", {"topic": topic})

    async def aclose(self) -> None:
        """Disconnect."""
        self._reading.cancel()
        self._end()
        self._writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.wait({self._reading})

    async def _frames(self, name: str, arguments: Mapping[str, Any] | None) -> AsyncIterator[Any]:
        number = next(self._numbers)
        answers = self._waiting[number] = asyncio.Queue()
        try:
            if self.closed:
                raise LostError("The agent has ended.")
            self._writer.write(encoded({"id": number, "do": name, "with": arguments or {}}))
            while True:
                frame = await answers.get()
                if frame is _END:
                    raise LostError("The agent ended before it answered.")
                if frame.head.get("ok") is False:
                    raise error_from_plain(frame.head.get("error"))
                if frame.body or frame.head.get("raw"):
                    yield _content(frame)
                if not frame.head.get("part"):
                    return
        finally:
            del self._waiting[number]

    async def _read_all(self) -> None:
        try:
            while (frame := await read_frame(self._reader)) is not None:
                self._take(frame)
        except GputuiError:
            pass  # it is no agent, or of an unknown kind: as if it had ended
        finally:
            self._end()
            self._writer.close()

    def _take(self, frame: Frame) -> None:
        if (topic := frame.head.get("topic")) is not None:
            for listener in self._listeners.get(str(topic), ()):
                try:
                    listener(_content(frame))
                except Exception:
                    log.exception("a message of the agent about %s cannot be used", clean(str(topic)))
        elif (answers := self._waiting.get(frame.head.get("id", 0))) is not None:
            answers.put_nowait(frame)

    def _end(self) -> None:
        self.ended.set()
        for answers in self._waiting.values():
            answers.put_nowait(_END)


async def connect(place: Place, hello: Hello) -> Client | None:
    """Connect to the agent; None where none answers.

    Raises RefusedError where it does not serve this session, AgentError for another user's.
    """
    connection = await asyncio.to_thread(place.connect)
    return None if connection is None else await greet(connection, hello)


async def greet(connection: socket.socket, hello: Hello) -> Client | None:
    """Exchange greetings over a connection; as :func:`connect`."""
    connection.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LONGEST_LINE)
    writer.write(encoded(hello.head()))
    try:
        async with asyncio.timeout(GREETING_SECONDS):
            answer = await read_frame(reader)
    except (TimeoutError, AgentError):
        answer = None
    if answer is None or "hello" not in answer.head:
        writer.close()
        return None
    if "refused" in answer.head:
        writer.close()
        given = error_from_plain(answer.head["refused"])
        refusal = RefusedError(given.message, hint=given.hint)
        refusal.of_other_build = answer.head.get("gputui") != (hello.build or own_build())
        refusal.retiring = answer.head.get("retiring") is True
        raise refusal
    facts = {name: clean(value) if isinstance(value, str) else value for name, value in answer.head.items()}
    return Client(reader, writer, facts)


def _content(frame: Frame) -> Any:
    if frame.head.get("raw"):
        facts = frame.head.get("facts")
        return Data(facts if isinstance(facts, dict) else {}, frame.body)
    return json.loads(frame.body) if frame.body else None
