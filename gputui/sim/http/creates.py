"""How creates go wrong: refused, answered never, carried out late, listed late, forgotten."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gputui.sim.machines.world import World

LATE_SECONDS = 45.0
"""World seconds until a late create is carried out, and until a hidden one is listed."""
OUTCOMES = ("fails", "lost", "late", "hidden", "forgotten")
"""Outcomes of a create; each is a profile, ``create`` and the name of the outcome."""
PROFILES = {f"create{outcome}": outcome for outcome in OUTCOMES} | {"creates": "any"}
_ANY = ("works", "works", *OUTCOMES)


class CreateCalls(Protocol):
    """The creates of one API: requests that make something, or start it, so that it costs."""

    def is_create(self, scope: Scope) -> bool:
        """Say whether a request is a create."""

    def error_body(self, text: str) -> bytes:
        """Return the body of an error with an HTTP status of its own."""

    def withdraw(self, scope: Scope, asked: Any, answer: Any, *, forever: bool) -> Callable[[], object] | None:
        """Take what a create has made out of the lists; with ``forever``, end it. Return what brings it back."""


class Creates:
    """Answers creates as an outcome requires.

    Events are those of the world: a late create is carried out at the first request after its time has come, and in
    a frozen world at the next one.
    """

    def __init__(self, app: ASGIApp, calls: CreateCalls, world: World, seed: int | str) -> None:
        self._app = app
        self._calls = calls
        self._world = world
        self._rng = random.Random(f"creates {seed}")  # noqa: S311  a pretend server has no secrets
        self._late: set[asyncio.Task[None]] = set()

    def end(self) -> None:
        """Drop the creates that are being carried out."""
        for task in self._late:
            task.cancel()

    async def answer(self, outcome: str, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer a create with an outcome of OUTCOMES, or "any" of them; False: it is to have no answer at all."""
        body = await _body_of(receive)
        if outcome == "any":
            outcome = self._rng.choice(_ANY)
        match outcome:
            case "fails":
                await _send(send, 503, self._calls.error_body("Service Unavailable"))
            case "lost":
                await self._carry_out(scope, body)
                return False
            case "late":
                self._world.soon(LATE_SECONDS, lambda: self._begin(scope, body))
                await _send(send, 504, self._calls.error_body("Gateway Timeout"))
            case "hidden" | "forgotten":
                messages = await self._carry_out(scope, body)
                self._take_away(scope, body, messages, forever=outcome == "forgotten")
                for message in messages:
                    await send(message)
            case _:
                await self._app(scope, _replayed(body), send)
        return True

    def _begin(self, scope: Scope, body: bytes) -> None:
        async def carry_out() -> None:
            await self._carry_out(scope, body)

        task = asyncio.get_running_loop().create_task(carry_out(), name="a late create")
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _carry_out(self, scope: Scope, body: bytes) -> list[Message]:
        messages: list[Message] = []

        async def gather(message: Message) -> None:
            messages.append(message)

        await self._app(scope, _replayed(body), gather)
        return messages

    def _take_away(self, scope: Scope, body: bytes, messages: list[Message], *, forever: bool) -> None:
        if messages[0]["status"] >= 400:
            return
        answer = json.loads(b"".join(message.get("body", b"") for message in messages))
        bring_back = self._calls.withdraw(scope, json.loads(body or b"null"), answer, forever=forever)
        if bring_back is not None and not forever:
            self._world.soon(LATE_SECONDS, bring_back)


async def _body_of(receive: Receive) -> bytes:
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body


def _replayed(body: bytes) -> Receive:
    """The same body again, for an application that is asked later."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
