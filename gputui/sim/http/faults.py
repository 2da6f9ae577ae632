"""Faults of a server, by name, as ASGI middleware; the profile can change while it runs."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gputui.sim.machines.clock import wait_unless
from gputui.sim.machines.world import World

from .creates import PROFILES as CREATE_PROFILES
from .creates import Creates

PROFILES = {
    "none": "everything works",
    "flaky": "every third request fails: 502, then 504, then an answer cut off with the connection",
    "slow": "every answer takes two seconds longer",
    "down": "a proxy answers 502 for a server that is away",
    "hang": "requests are taken and never answered",
    "html": "a login page instead of JSON, with status 200",
    "truncated": "JSON cut off in the middle",
    "garbage": "every third thing has missing, unknown or wrongly typed fields",
    "hostile": "pods, containers, deployments, images and processes with names that attack a terminal",
    "ratelimited": "429 with Retry-After: 3, except for every fourth request",
    "inspect": "one pod cannot be inspected: 500",
    "auth": "no credentials are right: 403, or a cloud's envelope with status 200",
    "region": "the stock of one region of a cloud fails",
    "shifting": "a cloud's lists move while they are read page by page, and have no end",
    "nospace": "a DeepDock host has no room for an image: a pull fails with 500 when it has taken its time",
    "pullcut": "the connection of a pull on a DeepDock host breaks; the pull continues",
    "samples": "a DeepDock host's GPU samples have gaps, come twice and out of order",
    "lostgpu": "the last GPU of a DeepDock host has disappeared",
    "noport": "a DeepDock host reports no SSH port, not even of running containers",
    "empty": "a DeepDock host has no containers, no images and no GPUs",
    "flicker": "idle GPUs of clouds and Yotta appear for seconds, minutes apart",
    "prices": "prices of clouds and Yotta change every few minutes",
    "createfails": "creates are answered 503 and not carried out",
    "createlost": "creates are carried out and never answered",
    "createlate": "creates are answered 504 and carried out 45 s later",
    "createhidden": "creates are answered, and listed 45 s later",
    "createforgotten": "creates are answered and forgotten",
    "creates": "each create works or meets one of these five, drawn from the seed",
}
"""The profiles by name. Several together are written with ``+``: ``flicker+prices+creates``."""
_OF_ANSWERS = frozenset(("flaky", "slow", "down", "hang", "html", "truncated", "garbage", "ratelimited", "auth"))
"""The profiles that the server itself applies to the answers to all requests."""
SLOW_SECONDS = 2.0
HOSTILE_NAMES = (
    "[/x]",
    "[@click=app.quit]x[/]",
    "esc\x1b[31mred\x1b]0;title\x07\x1b[2J",
    "two\nlines\rback\ttab",
    "bidi\u202egnp.exe\u202c",
    "日本語テスト한국어🚀👩‍👩‍👧",
    "zero\u200bwidth\u0301\u0301\u0301",
    "c1\x9b31mred\x85",
    "long_" + "x" * 300,
    "$(reboot)`id`;'\"<&>",
)
_PROXY_PAGE = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx/1.24.0</body>\r\n</html>\r\n"
_LOGIN_PAGE = (
    b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>\x1b[31mpassword</form></body></html>"
)


class ApiFaults:
    """The faults that differ from API to API; without other methods those of an API in FastAPI's format."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def apply(self, profiles: frozenset[str], seed: int | str = 0) -> None:
        """Change the world or the API as profiles require; undo the changes of those before."""
        for undo in self._undo:
            undo()
        self._undo.clear()
        self.set_profiles(profiles)
        if "flicker" in profiles:
            self._undo += self.flicker(seed)
        if "prices" in profiles:
            self._undo += self.change_prices(seed)
        for number, name in enumerate(HOSTILE_NAMES if "hostile" in profiles else ()):
            self._undo += self.add_hostile(number, name)

    def set_profiles(self, profiles: frozenset[str]) -> None:
        """Set the faults of the API itself."""

    def flicker(self, seed: int | str) -> Iterable[Callable[[], object]]:
        """Let the stock flicker and return what ends that; nothing where there is no stock."""
        return ()

    def change_prices(self, seed: int | str) -> Iterable[Callable[[], object]]:
        """Let prices change and return what ends that; nothing where there are none."""
        return ()

    def is_create(self, scope: Scope) -> bool:
        """Say whether a request makes something, or starts it, so that it costs."""
        return False

    def withdraw(self, scope: Scope, asked: Any, answer: Any, *, forever: bool) -> Callable[[], object] | None:
        """Take what a create has made out of the lists; with ``forever``, end it. Return what brings it back.

        ``asked`` and ``answer`` are the bodies of the request and of its answer. None where nothing comes back.
        """
        return None

    def add_hostile(self, number: int, name: str) -> Iterable[Callable[[], object]]:
        """Add things with a hostile name and return what removes them."""
        return ()

    def unauthorized(self, scope: Scope) -> tuple[int, bytes] | None:
        """Return status and body for wrong credentials, None for a request that needs none."""
        return 403, self.error_body("Not authenticated")

    def error_body(self, text: str) -> bytes:
        """Return the body of an error with an HTTP status of its own."""
        return json.dumps({"detail": text}, separators=(",", ":")).encode()

    def garbage(self, scope: Scope, data: Any) -> Any:
        """Return a JSON answer with faulty values; about one item in three, the same ones every time."""
        return data


Change = Mapping[str, Any] | Callable[[Any], Any]
"""How a row is spoiled: the values that replace its own, or a function that returns it changed."""


def spoiled_row(row: Any, change: Change) -> Any:
    """A row spoiled in one way."""
    return change(row) if callable(change) else {**row, **change}


def spoiled(rows: list[Any], changes: Sequence[Change]) -> list[Any]:
    """Every third row spoiled, in a different way each time, and two rows that are no objects."""
    ways = itertools.cycle(changes)
    found = [spoiled_row(row, next(ways)) if number % 3 == 1 else row for number, row in enumerate(rows)]
    return [*found, None, "row"] if rows else found


def with_text_numbers(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose numbers are text."""
    return {name: str(value) if type(value) in (int, float) else value for name, value in row.items()}


def without(*names: str) -> Change:
    """The change that removes fields."""
    return lambda row: {name: value for name, value in row.items() if name not in names}


def profiles_of(text: str) -> frozenset[str]:
    """The profiles in a text such as ``flicker+creates``. Raises ValueError for an unknown one."""
    names = text.split("+")
    for name in names:
        if name not in PROFILES:
            raise ValueError(f"unknown fault profile {name!r}: one of {', '.join(PROFILES)}")
    return frozenset(names)


class Faults:
    """ASGI middleware that applies the current profiles to the answers of one API.

    Profiles that both spoil answers exclude each other: the first of them in PROFILES is in force.
    """

    def __init__(
        self,
        app: ASGIApp,
        api_faults: ApiFaults,
        world: World,
        *,
        seed: int | str = 0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._app = app
        self._api_faults = api_faults
        self._seed = seed
        self._creates = Creates(app, api_faults, world, seed)
        self._sleep = sleep
        self.requests = 0
        """The requests that have come, since the start."""
        self._requests = 0
        self._profile = self._of_answers = "none"
        self._of_creates = ""
        self._released = asyncio.Event()

    def end(self) -> None:
        """Carry out nothing any more that was put off."""
        self._creates.end()

    def release(self) -> None:
        """Continue the requests that are blocked."""
        self._released.set()
        self._released = asyncio.Event()

    @property
    def profile(self) -> str:
        """The profiles in force, several joined by ``+``. Setting them takes effect with the next request."""
        return self._profile

    @profile.setter
    def profile(self, text: str) -> None:
        names = profiles_of(text)
        self._profile = text
        self._of_answers = next((name for name in PROFILES if name in names and name in _OF_ANSWERS), "none")
        self._of_creates = next((outcome for name, outcome in CREATE_PROFILES.items() if name in names), "")
        self._requests = 0
        self.release()
        self._api_faults.apply(names, self._seed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, well or badly."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self.requests += 1
        self._requests += 1
        if not self._of_creates or not self._api_faults.is_create(scope):
            await self._answer(scope, receive, send)
        elif not await self._creates.answer(self._of_creates, scope, receive, send):
            await wait_unless(self._released, _until_gone(receive))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        match self._of_answers:
            case "slow":
                await wait_unless(self._released, self._sleep(SLOW_SECONDS))
                await self._app(scope, receive, send)
            case "down":
                await _answer(send, 502, _PROXY_PAGE, b"text/html")
            case "hang":
                await wait_unless(self._released, _until_gone(receive))
            case "html":
                await _answer(send, 200, _LOGIN_PAGE, b"text/html; charset=utf-8")
            case "auth" if (answer := self._api_faults.unauthorized(scope)) is not None:
                await _answer(send, *answer)
            case "ratelimited" if self._requests % 4:
                body = self._api_faults.error_body("Too Many Requests")
                await _answer(send, 429, body, extra=[(b"retry-after", b"3")])
            case "flaky" if self._requests % 3 == 0:
                await self._fail(self._requests // 3 % 3, scope, receive, send)
            case "truncated":
                await self._rewrite(scope, receive, send, lambda body: body[: max(1, len(body) // 2)])
            case "garbage":
                await self._rewrite(scope, receive, send, lambda body: self._garbage(scope, body))
            case _:
                await self._app(scope, receive, send)

    async def _fail(self, kind: int, scope: Scope, receive: Receive, send: Send) -> None:
        if kind == 1:
            await _answer(send, 502, _PROXY_PAGE, b"text/html")
        elif kind == 2:
            await _answer(send, 504, self._api_faults.error_body("Request timed out"))
        else:
            # The work is done and the answer is lost: this is why blind retries are dangerous.
            await self._rewrite(scope, receive, send, lambda body: body[: len(body) // 2], announce_all=True)

    def _garbage(self, scope: Scope, body: bytes) -> bytes:
        try:
            data = json.loads(body)
        except ValueError:
            return body
        return json.dumps(self._api_faults.garbage(scope, data)).encode()

    async def _rewrite(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        change: Callable[[bytes], bytes],
        *,
        announce_all: bool = False,
    ) -> None:
        start: Message = {}
        body = b""

        async def gather(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
            else:
                body += message.get("body", b"")

        await self._app(scope, receive, gather)
        changed = change(body)
        length = len(body) if announce_all else len(changed)
        headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        headers.append((b"content-length", str(length).encode()))
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": changed, "more_body": announce_all})


async def _answer(
    send: Send,
    status: int,
    body: bytes,
    kind: bytes = b"application/json",
    extra: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
