"""Ways a server misbehaves, by name, as ASGI middleware that can change its mind while it runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .clock import wait_unless
from .world import MIB, Host, Pod

PROFILES = {
    "none": "everything works",
    "flaky": "every third request fails: 502, then 504, then an answer cut off with the connection",
    "slow": "every answer takes two seconds longer",
    "down": "a proxy answers 502 for a server that is away",
    "hang": "requests are taken and never answered",
    "html": "a login page instead of JSON, with status 200",
    "truncated": "JSON cut off in the middle",
    "garbage": "every third thing has missing, unknown or wrongly typed fields",
    "hostile": "pods, images and processes with names that attack a terminal",
    "ratelimited": "429 with Retry-After: 3, except for every fourth request",
    "inspect": "one pod cannot be inspected: 500",
    "auth": "no credentials are right: 403",
}
SLOW_SECONDS = 2.0
BROKEN_POD = "jupyter"
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


class Faults:
    """ASGI middleware that spoils the answers of one host's API as the current profile says."""

    def __init__(
        self, app: ASGIApp, host: Host, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._app = app
        self._host = host
        self._sleep = sleep
        self._requests = 0
        self._profile = "none"
        self._hostile: list[Pod] = []
        self._released = asyncio.Event()

    def release(self) -> None:
        """Let go of the requests that are held back."""
        self._released.set()
        self._released = asyncio.Event()

    @property
    def profile(self) -> str:
        """The profile in force, one of PROFILES. Setting it takes effect with the next request."""
        return self._profile

    @profile.setter
    def profile(self, name: str) -> None:
        if name not in PROFILES:
            raise ValueError(f"unknown fault profile {name!r}: one of {', '.join(PROFILES)}")
        self._profile = name
        self._requests = 0
        self.release()
        self._set_hostile(name == "hostile")
        for pod in self._host.pods.values():
            pod.broken = name == "inspect" and pod.instance == BROKEN_POD

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, well or badly."""
        if scope["type"] != "http" or self._profile in ("none", "hostile", "inspect"):
            await self._app(scope, receive, send)
            return
        self._requests += 1
        match self._profile:
            case "slow":
                await wait_unless(self._released, self._sleep(SLOW_SECONDS))
                await self._app(scope, receive, send)
            case "down":
                await _answer(send, 502, _PROXY_PAGE, b"text/html")
            case "hang":
                await wait_unless(self._released, _until_gone(receive))
            case "html":
                await _answer(send, 200, _LOGIN_PAGE, b"text/html; charset=utf-8")
            case "auth" if scope["path"] not in ("/version", "/host/gpu-ps"):
                await _answer(send, 403, b'{"detail":"Invalid username or password"}')
            case "ratelimited" if self._requests % 4:
                await _answer(send, 429, b'{"detail":"Too Many Requests"}', extra=[(b"retry-after", b"3")])
            case "flaky" if self._requests % 3 == 0:
                await self._fail(self._requests // 3 % 3, scope, receive, send)
            case "truncated":
                await self._rewrite(scope, receive, send, lambda body: body[: max(1, len(body) // 2)])
            case "garbage":
                await self._rewrite(scope, receive, send, lambda body: _garbage(scope, body))
            case _:
                await self._app(scope, receive, send)

    async def _fail(self, kind: int, scope: Scope, receive: Receive, send: Send) -> None:
        if kind == 1:
            await _answer(send, 502, _PROXY_PAGE, b"text/html")
        elif kind == 2:
            await _answer(send, 504, b'{"detail":"Request timed out"}')
        else:
            # The work is done, its answer gets lost: what makes blind retries dangerous.
            await self._rewrite(scope, receive, send, lambda body: body[: len(body) // 2], announce_all=True)

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

    def _set_hostile(self, wanted: bool) -> None:
        for pod in self._hostile:
            if self._host.pods.get(pod.name) is pod:
                self._host.remove(pod)
        self._hostile.clear()
        if not wanted:
            return
        quota = self._host.users["alice"].quota
        for number, name in enumerate(HOSTILE_NAMES):
            pod = self._host.create("alice", name, next(iter(self._host.images.values())), quota)
            pod.image = f"{name}:latest"
            self._host.start(pod)
            pod.log += f"log of {name}\r\n"
            index = number % len(self._host.gpus)
            self._host.spawn(pod, f"python {name}", (index,), 256 * MIB)
            self._hostile.append(pod)


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


def _garbage(scope: Scope, body: bytes) -> bytes:
    """Spoil a JSON answer; about one thing in three, the same ones every time."""
    try:
        data = json.loads(body)
    except ValueError:
        return body
    unlucky = sum(scope.get("query_string", b"")) % 3 == 0
    match scope["path"]:
        case "/pod/inspect" | "/pod/info":
            if unlucky and isinstance(data, dict):
                data = _wrong_pod(data, sum(scope["query_string"]) // 3 % 4)
        case "/host/gpu-ps" if isinstance(data, dict):
            data = {index: _wrong_rows(rows) for index, rows in data.items()}
        case "/image/list" | "/host/images" if isinstance(data, list):
            data = [None, 42, {"name": "x"}, *data]
        case "/user/info" if isinstance(data, dict):
            data = {"user": data.get("user"), "quota": {"max_pods": "many", "surprise": [1, 2]}}
        case _ if isinstance(data, dict):
            data["surprise"] = {"deep": [None, True]}
    return json.dumps(data).encode()


def _wrong_pod(data: dict[str, Any], kind: int) -> dict[str, Any]:
    match kind:
        case 0:
            return {name: value for name, value in data.items() if name not in ("status", "port_mapping")}
        case 1:
            return {**data, "port_mapping": "22", "gpu_ids": "all", "memory_limit": "lots"}
        case 2:
            return {**data, "status": None, "image": ["a", "list"], "networks": None, "surprise": {}}
        case _:
            return {
                **data,
                "port_mapping": ["x:y", None, "99999:22", 7],
                "gpu_ids": [None, "0"],
                "status": "hibernating",
            }


def _wrong_rows(rows: Sequence[Any]) -> list[Any]:
    good = list(rows)
    return [*good, {"pid": "many", "pod": 7}, None, "row"] if good else good
