"""An account with container instances on the simulator, in this process, whose time moves when the client sleeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from gputui.api.gpuhub.account import GpuhubAccount
from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.config.loader import parse_config
from gputui.models import Action, Instance, Ref
from gputui.sim.gpuhub.api import GpuhubApi
from gputui.sim.gpuhub.default_world import PERSONAL
from gputui.sim.gpuhub.plans import CloudPlan
from tests.sim.gpuhub.clouds import Place

PLAN = replace(PERSONAL, models=(), quiet=True)
ROOT = "/api/v1/dev/instance/pro"
VALUES = {
    "instance_name": "try",
    "gpu_spec_uuid": "5090-p",
    "req_gpu_amount": "1",
    "expand_system_disk_by_gb": "50",
    "image_uuid": "base-image-l2t43iu6uk",
    "cuda_v_from": "11.8",
}


class Account:
    """A back end, the simulated cloud behind it, and the requests that it sent."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, plan: CloudPlan = PLAN, preset: str = "autodl", root: str = ROOT
    ) -> None:
        self.place = Place(plan)
        self.pool = self.place.cloud.pool
        self.requests: list[tuple[str, str]] = []
        self.lost: set[str] = set()
        """The calls whose answer is lost, by the end of their path."""
        self.refused: set[str] = set()
        """The calls that never arrive."""
        self.steps: list[tuple[str, Action]] = []
        self.paths: set[str] = set()
        app = httpx.ASGITransport(app=GpuhubApi(self.place.cloud).app)

        async def answered(_: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
            path = request.url.path
            call = path.rpartition("/instance/pro/")[2]
            self.requests.append((request.method, call))
            self.paths.add(path)
            request.url = request.url.copy_with(path=path.replace(root, ROOT))
            if call in self.refused:
                raise httpx.ConnectError("refused", request=request)
            response = await app.handle_async_request(request)
            if call in self.lost:
                raise httpx.ReadError("the connection was reset", request=request)
            return response

        monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", answered)
        text = f'[accounts.autodl]\npreset = "{preset}"\nbase_url = "http://sim.example"\ntoken = "{plan.token}"\n'
        account = parse_config(text, name="config.toml", private=True).accounts["autodl"]
        assert isinstance(account, GpuhubAccount)
        self.backend = GpuhubBackend(
            account, sleep=self.sleep, monotonic=self.place.hands, now=lambda: self.place.world.time
        )
        self.backend.on_step = lambda ref, action: self.steps.append((ref.id, action))

    async def sleep(self, seconds: float) -> None:
        self.place.wait(seconds)

    async def row(self, name: str) -> Instance:
        return next(row for row in await self.backend.instances() if row.name == name)

    async def create(self, **values: str) -> Ref:
        made = await self.backend.creators["instance"].prepare({**VALUES, **values}).send()
        assert made.created is not None
        return made.created

    def stock(self, spec: str, idle: bool) -> None:
        for machine in self.pool.machines[spec]:
            machine.others = 0 if idle else machine.gpus

    def sent(self, call: str) -> int:
        return [made for _, made in self.requests].count(call)

    async def status(self, ref: Ref) -> Any:
        return self.pool.instances[ref.id].status
