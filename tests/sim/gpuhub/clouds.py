"""A cloud whose time a test moves, and short ways to ask its API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx

from gputui.sim.gpuhub.building import build_cloud
from gputui.sim.gpuhub.cloud import Cloud
from gputui.sim.gpuhub.default_world import CLOUDS
from gputui.sim.gpuhub.entities import JOB, REPLICA_SET, GpuModel, Machine, Order, Template
from gputui.sim.gpuhub.plans import CloudPlan
from gputui.sim.machines.clock import WorldClock
from gputui.sim.machines.hardware import GIB
from gputui.sim.machines.world import World
from tests.sim.conftest import START, Hands

HUB, AUTODL, _ = CLOUDS["small"]
EMPTY = replace(HUB, regions=("sgp1",), models=(), initial=(), quiet=True)
"""A cloud with nothing in it: a test adds the machines it is about."""
MODEL = GpuModel("RTX 5090", 32 * GIB, 1600)


class Place:
    """A world with one cloud; nothing in it unless a plan says so."""

    def __init__(self, plan: CloudPlan = EMPTY, *, speed: float = 1.0, seed: int = 0) -> None:
        self.hands = Hands()
        self.world = World(WorldClock(speed=speed, start=START, monotonic=self.hands))
        self.cloud: Cloud = build_cloud(self.world, plan, seed)

    def machine(self, name: str, **facts: Any) -> Machine:
        """A machine of eight GPUs, all of them idle."""
        usual: dict[str, Any] = {"region": "sgp1", "model": MODEL, "gpus": 8, "cuda": 128, "price": 1600}
        machine = Machine(name, **usual | facts)
        self.cloud.market.add(machine)
        return machine

    def wait(self, seconds: float, *, step: float = 0.5) -> None:
        """Let world time pass, looked at again and again."""
        end = self.hands.now + seconds
        while self.hands.now < end:
            self.hands.now += min(step, end - self.hands.now)
            self.world.advance()


def order(kind: str = REPLICA_SET, replicas: int = 1, *, cmd: str = "serve", **facts: Any) -> Order:
    """An order for single GPUs in sgp1."""
    template = Template(("sgp1",), (MODEL.name,), facts.pop("gpus", 1), "image-db8346e037", cmd)
    template = replace(template, **facts.pop("template", {}))
    return Order("test", kind, template, replicas=replicas, parallelism=facts.pop("parallelism", 0), **facts)


def job(replicas: int, parallelism: int, cmd: str = "sleep 20", **facts: Any) -> Order:
    """An order for a Job."""
    return order(JOB, replicas, parallelism=parallelism, cmd=cmd, **facts)


class Hub:
    """The calls of the API, as short as a test wants them."""

    def __init__(self, client: httpx.AsyncClient, token: str = HUB.token) -> None:
        self._client = client
        self.headers = {"Authorization": token}

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The whole envelope."""
        answer = await self._client.request(method, f"/api/v1/dev/{path}", json=body, headers=self.headers)
        assert answer.status_code == 200, answer.text
        envelope: dict[str, Any] = answer.json()
        return envelope

    async def data(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """What an answer that succeeded is about."""
        envelope = await self.ask(method, path, body)
        assert envelope["code"] == "Success", envelope
        return envelope["data"]

    async def refused(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[str, str]:
        """Code and message of a refusal."""
        envelope = await self.ask(method, path, body)
        assert envelope["code"] != "Success", envelope
        assert envelope["data"] is None
        assert len(envelope["request_id"]) == 32
        return envelope["code"], envelope["msg"]

    async def rows(self, path: str, **body: Any) -> list[dict[str, Any]]:
        """The first page of a list, up to 1,000 rows."""
        page = await self.data("POST", path, {"page_index": 1, "page_size": 1000} | body)
        return list(page["list"])

    async def deployment(self, name: str) -> dict[str, Any]:
        """The deployment of a name."""
        return (await self.rows("deployment/list", name=name))[0]

    async def containers(self, name: str, **body: Any) -> list[dict[str, Any]]:
        """The containers of the deployment of a name."""
        uuid = (await self.deployment(name))["uuid"]
        return await self.rows("deployment/container/list", deployment_uuid=uuid, **body)


def names(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What deployments are called."""
    return [row["name"] for row in rows]
