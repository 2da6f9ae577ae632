"""A DeepDock host whose time a test moves, and short ways to ask its API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx

from gputui.sim.deepdock.api import DeepdockApi
from gputui.sim.deepdock.default_world import DOCK, DockPlan, build_dock
from gputui.sim.deepdock.host import DockHost
from gputui.sim.machines.clock import WorldClock
from gputui.sim.machines.world import World
from tests.sim.conftest import START, Hands

QUIET = replace(DOCK, quiet=True)
CUDA = "nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04"
SMALL = "nvidia/cuda:12.2.0-runtime-ubuntu20.04"
"""An image the registry has and the host has not: 1,190 MB, half a minute."""


class Place:
    """A world with one DeepDock host in which waiting moves the clock; asked without a network."""

    def __init__(self, plan: DockPlan = QUIET, *, speed: float = 1.0, seed: int = 0) -> None:
        self.hands = Hands()
        self.world = World(WorldClock(speed=speed, start=START, monotonic=self.hands, sleep=self._sleep))
        self.host: DockHost = build_dock(self.world, plan, seed)
        self.api = DeepdockApi(self.host, plan.header)
        self.slept: list[float] = []

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.hands.now += seconds

    def wait(self, seconds: float) -> None:
        """Let world time pass."""
        self.hands.now += seconds
        self.world.advance()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Dock]:
        transport = httpx.ASGITransport(self.api.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://dock") as client:
            yield Dock(client)


class Dock:
    """The calls of the API, as short as a test wants them."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.http = client

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        answer = await self.http.request(method, path, json=body)
        return answer.status_code, answer.json()

    async def images(self) -> list[dict[str, Any]]:
        """All images."""
        return list((await self.ask("GET", "/images"))[1]["images"])

    async def tags(self) -> list[str | None]:
        """The tags of all images."""
        return [image["tag"] for image in await self.images()]

    async def containers(self) -> dict[str, dict[str, Any]]:
        """All containers by name."""
        return {row["name"]: row for row in (await self.ask("GET", "/containers"))[1]["containers"]}

    async def create(self, name: str = "fresh", **fields: Any) -> tuple[int, Any]:
        """Create a container that anna may log into."""
        usual = {"name": name, "image": CUDA, "user_name": "anna", "password": "s3cret pass"}
        return await self.ask("POST", "/containers/create", usual | fields)

    async def series(self, index: int = 0) -> list[dict[str, Any]]:
        """The samples of a GPU."""
        return list((await self.ask("GET", "/metrics/gpus"))[1][str(index)])


def gaps(samples: list[dict[str, Any]]) -> list[timedelta]:
    """The times between samples."""
    times = [datetime.fromisoformat(sample["timestamp"]) for sample in samples]
    return [later - earlier for earlier, later in pairwise(times)]
