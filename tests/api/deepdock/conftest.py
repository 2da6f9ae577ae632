"""A back end of a scripted DeepDock server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gputui.api.deepdock.backend import DeepdockBackend
from tests.api.conftest import FakeTime
from tests.api.deepdock.server import NOW, deepdock_account
from tests.api.server import ScriptedServer


class Clock:
    """Our own time of day."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        return self.at.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def backend(server: ScriptedServer, fake_time: FakeTime, clock: Clock) -> AsyncIterator[DeepdockBackend]:
    account = deepdock_account(server.url, 'gpu_model = "NVIDIA GeForce RTX 4090"\ngpu_memory = "24G"')
    made = DeepdockBackend(account, sleep=fake_time.sleep, monotonic=fake_time.monotonic, now=clock)
    yield made
    await made.aclose()
