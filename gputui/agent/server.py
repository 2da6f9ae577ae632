"""The agent's side of its socket: greets sessions, answers their requests, publishes to those that subscribed."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from gputui.agent.place import name_of, peer_user
from gputui.agent.protocol import LONGEST_LINE, PROTOCOL, Data, Frame, encoded, error_to_plain, own_build, read_frame
from gputui.errors import AgentError
from gputui.late_dataclasses import dataclass
from gputui.redaction import as_failure
from gputui.text import clean

_GREETING_SECONDS = 5.0
_MOST_UNSENT = 128 * 2**20
"""The most bytes that wait for one session; then it is taken for hung."""
_MOST_REQUESTS = 1000
"""The most requests of one session that are answered at once."""

log = logging.getLogger("gputui.agent")


Answer = Any
"""Data for JSON, :class:`Data`, or an asynchronous iterator of several."""


class Session:
    """One connected session, or a command."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = 0
        self.attached = False
        self.fingerprint = ""
        self.topics: set[str] = set()
        self.polled: frozenset[str] = frozenset()
        """The names of the lists on its screen."""
        self.heard = 0.0
        """When its last message came, by the monotonic clock."""
        self.polled_slowly: frozenset[str] = frozenset()
        self.reader = reader
        self._writer = writer
        self.tasks: set[asyncio.Task[None]] = set()

    def send(self, head: Mapping[str, Any], body: bytes = b"") -> None:
        """Send a message; a session that takes none for too long loses its connection."""
        if self._writer.is_closing():
            return
        self._writer.write(encoded(head, body))
        if self._writer.transport.get_write_buffer_size() > _MOST_UNSENT:
            log.warning("session %d takes no answers: disconnected", self.pid)
            self._writer.transport.abort()

    def close(self) -> None:
        """Disconnect it, and answer no more of its requests."""
        for task in self.tasks:
            task.cancel()
        self._writer.close()


Handler = Callable[[Session, Mapping[str, Any]], Awaitable[Answer]]


@dataclass(slots=True)
class Greeting:
    """How the agent answers a greeting: None accepts it, an error refuses it."""

    refusal: AgentError | None = None
    retiring: bool = False
    """Whether the agent ends now, so that the session can start another."""


class Server:
    """Serves one socket. ``greet`` decides about a session, ``handler`` returns what answers a request.

    ``changed`` is called when sessions have come or gone.
    """

    def __init__(
        self,
        facts: Mapping[str, Any],
        greet: Callable[[Session, Mapping[str, Any]], Greeting],
        handler: Callable[[str], Handler],
        changed: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._facts = facts
        self._greet = greet
        self._handler = handler
        self._changed = changed
        self._monotonic = monotonic
        self.sessions: set[Session] = set()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def attached(self) -> list[Session]:
        """The sessions for which the agent does not end."""
        return [session for session in self.sessions if session.attached]

    async def start(self, listening: socket.socket) -> None:
        """Serve from now on. The socket's file is that of the place: closing the server leaves it there."""
        # From Python 3.13 on asyncio removes the file by itself, and looks for it by the name that was bound: one of
        # a long path was reached through a descriptor that is closed by now.
        options: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
        self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=LONGEST_LINE, **options)

    async def aclose(self) -> None:
        """Disconnect all sessions."""
        if self._server is not None:
            self._server.close()
        for session in tuple(self.sessions):
            session.close()
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving, timeout=2)

    def publish(self, topic: str, data: Any) -> None:
        """Send data to the sessions that subscribed to a topic."""
        listening = [session for session in self.sessions if topic in session.topics]
        if listening:
            body = _json(data)
            for session in listening:
                session.send({"topic": topic}, body)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            self._serving.add(task)
        session = Session(reader, writer)
        session.heard = self._monotonic()
        try:
            if await self._admit(session, writer):
                self.sessions.add(session)
                self._changed()
                await self._answer_all(session)
        except AgentError as error:
            log.warning("session %d: %s", session.pid, error)
        except asyncio.CancelledError:
            pass  # the server ends; asyncio would report it
        finally:
            self.sessions.discard(session)
            session.close()
            if task is not None:
                self._serving.discard(task)
            self._changed()

    async def _admit(self, session: Session, writer: asyncio.StreamWriter) -> bool:
        user = peer_user(writer.get_extra_info("socket"))
        if user != os.getuid():
            log.warning("a process of %s is refused", name_of(user))
            return False
        try:
            async with asyncio.timeout(_GREETING_SECONDS):
                hello = await read_frame(session.reader)
        except TimeoutError:
            return False
        if hello is None:
            return False
        session.pid = pid if type(pid := hello.head.get("pid")) is int else 0
        session.attached = hello.head.get("attached") is True
        greeting = self._greet(session, hello.head)
        facts = {"hello": PROTOCOL, "gputui": own_build(), **self._facts}
        if greeting.refusal is not None:
            facts |= {"refused": error_to_plain(greeting.refusal), "retiring": greeting.retiring}
        session.send(facts)
        with suppress(ConnectionError):
            await writer.drain()
        return greeting.refusal is None

    async def _answer_all(self, session: Session) -> None:
        while (frame := await read_frame(session.reader)) is not None:
            session.heard = self._monotonic()
            if len(session.tasks) >= _MOST_REQUESTS:
                raise AgentError(f"more than {_MOST_REQUESTS} requests at once")
            task = asyncio.create_task(self._answer(session, frame))
            session.tasks.add(task)
            task.add_done_callback(session.tasks.discard)

    async def _answer(self, session: Session, frame: Frame) -> None:
        number, name = frame.head.get("id"), str(frame.head.get("do", ""))
        arguments = frame.head.get("with")
        try:
            answer = await self._handler(name)(session, arguments if isinstance(arguments, dict) else {})
            if isinstance(answer, AsyncIterator):
                async for part in answer:
                    _send(session, {"id": number, "part": True}, part)
                session.send({"id": number, "ok": True})
            else:
                _send(session, {"id": number, "ok": True}, answer)
        except Exception as error:  # a fault in one request must not end the agent
            failure = as_failure(error, f"the agent's answer to {clean(name)}")
            if failure is not error:
                log.exception("the answer to %s failed", clean(name))
            session.send({"id": number, "ok": False, "error": error_to_plain(failure)})


def _send(session: Session, head: dict[str, Any], answer: Any) -> None:
    if isinstance(answer, Data):
        session.send({**head, "facts": answer.facts, "raw": True}, answer.body)
    else:
        session.send(head, _json(answer))


def _json(data: Any) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode("ascii")
