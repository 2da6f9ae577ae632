"""Fixtures: the scripted server and a clock that only moves when something sleeps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.api.http.transport import Transport
from gputui.api.pody.account import PodyAccount
from gputui.api.pody.backend import PodyBackend
from gputui.config.loader import parse_config
from tests.api.gpuhub.server import gpuhub_account, script
from tests.api.server import ScriptedServer


class FakeTime:
    """Monotonic time for back-offs; ``slept`` is every wait, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def pody_account(base_url: str, extra: str = "") -> PodyAccount:
    """Return an account on a pody server, from configuration text."""
    text = (
        f'[accounts.lab]\nkind = "pody"\nbase_url = "{base_url}"\n'
        f'username = "alice"\npassword = "wonderland"\n{extra}\n'
    )
    account = parse_config(text, name="config.toml", private=True).accounts["lab"]
    assert isinstance(account, PodyAccount)
    return account


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """A server in this process, which every request of httpx reaches; tests of HTTP itself have one with sockets."""
    scripted = ScriptedServer()

    async def answered(_: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        return await scripted.answer(request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", answered)
    return scripted


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


MakeTransport = Callable[..., Transport]


@pytest.fixture
async def make_transport(server: ScriptedServer, fake_time: FakeTime) -> AsyncIterator[MakeTransport]:
    async with AsyncExitStack() as stack:

        def make(base_url: str | None = None, **options: float | Callable[[], float]) -> Transport:
            transport = Transport(
                account="lab",
                base_url=base_url or server.url,
                backend="pody",
                sleep=fake_time.sleep,
                monotonic=fake_time.monotonic,
                random=lambda: 0.5,
                **options,  # type: ignore[arg-type]  # whatever option a test is about
            )
            stack.push_async_callback(transport.aclose)
            return transport

        yield make


@pytest.fixture
async def backend(server: ScriptedServer, fake_time: FakeTime) -> AsyncIterator[PodyBackend]:
    account = pody_account(server.url, 'gpu_model = "NVIDIA GeForce RTX 4090"\ngpu_memory = "24G"')
    made = PodyBackend(account, sleep=fake_time.sleep, monotonic=fake_time.monotonic)
    yield made
    await made.aclose()


@pytest.fixture
async def hub(server: ScriptedServer, fake_time: FakeTime) -> AsyncIterator[GpuhubBackend]:
    """An account on a small cloud, two regions."""
    script(server)
    made = GpuhubBackend(gpuhub_account(server.url), sleep=fake_time.sleep, monotonic=fake_time.monotonic)
    yield made
    await made.aclose()
