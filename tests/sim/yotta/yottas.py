"""A Yotta account whose time a test moves, and short ways to ask its API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx

from gputui.sim.machines.clock import WorldClock
from gputui.sim.machines.world import World
from gputui.sim.yotta.api import YottaApi
from gputui.sim.yotta.cloud import YottaCloud
from gputui.sim.yotta.default_world import YOTTA, YottaPlan, build_yotta
from tests.sim.conftest import START, Hands

QUIET = replace(YOTTA, quiet=True)
EMPTY = replace(QUIET, empty=True)
POD = {"name": "trainer", "image": "pytorch/pytorch:2.7.1", "gpuType": "NVIDIA_RTX_4090_24G", "gpuCount": 2}
RESOURCE = {"region": "us-east-1", "gpuType": "NVIDIA_RTX_4090_24G", "gpuCount": 1}
ENDPOINT = {
    **{"name": "render", "image": "yottalabsai/comfyui:latest", "resources": [RESOURCE], "workers": 2},
    **{"containerVolumeInGb": 50, "serviceMode": "QUEUE"},
}
TASK = {"input": {"prompt": "a kettle"}, "workerPort": 8000, "processUri": "/render"}


class Yotta:
    """The calls of the API, as short as a test wants them."""

    def __init__(self, client: httpx.AsyncClient, key: str = YOTTA.key) -> None:
        self.http = client
        self.headers = {"X-Api-Key": key}

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, int, Any]:
        """HTTP status, code and data of an answer."""
        answer = await self.http.request(method, f"/v2/{path}", json=body, params=query, headers=self.headers)
        envelope = answer.json()
        assert envelope.keys() == {"message", "code", "data"}
        return answer.status_code, envelope["code"], envelope["data"]

    async def data(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """What an answer that succeeded is about."""
        status, code, data = await self.ask(method, path, body, **query)
        assert (status, code) == (200, 10000)
        return data

    async def refused(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, int, str]:
        """HTTP status, code and message of a refusal."""
        answer = await self.http.request(method, f"/v2/{path}", json=body, params=query, headers=self.headers)
        envelope = answer.json()
        assert envelope["code"] != 10000
        assert envelope["data"] is None
        return answer.status_code, envelope["code"], envelope["message"]

    async def named(self, path: str, name: str) -> dict[str, Any]:
        """The thing of a name in a list, paged or not."""
        query = {"size": 100} if path == "vms" else {}
        rows = await self.data("GET", path, **query)
        return next(row for row in (rows["items"] if path == "vms" else rows) if row["name"] == name)


class Place:
    """A world with one Yotta account; waiting moves the clock; asked without a network."""

    def __init__(self, plan: YottaPlan = EMPTY, *, speed: float = 1.0, seed: int = 0) -> None:
        self.hands = Hands()
        self.world = World(WorldClock(speed=speed, start=START, monotonic=self.hands))
        self.cloud: YottaCloud = build_yotta(self.world, plan, seed)
        self.api = YottaApi(self.cloud)

    def wait(self, seconds: float) -> None:
        """Let world time pass."""
        self.hands.now += seconds
        self.world.advance()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Yotta]:
        transport = httpx.ASGITransport(self.api.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://yotta") as client:
            yield Yotta(client)
