"""Faults of the GPUhub API: errors in its envelope, garbage in its answers, hostile names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.types import Scope

from gputui.sim.http.faults import ApiFaults, Change, spoiled, with_text_numbers
from gputui.sim.machines.flicker import ChangingPrices, Flicker
from gputui.sim.machines.hardware import GIB
from gputui.sim.machines.hosts import hexadecimal

from .api import GpuhubApi
from .entities import CONTAINER, Block, CloudImage, GpuModel, Machine, Order, Template
from .responses import refusal
from .stock import set_idle, set_price
from .validation import INTERNAL, UNAUTHORIZED

_FAULTY_REGION = -1
"""Which region of a cloud fails: the last, so that a client that stops at the first failure is seen to."""


class GpuhubFaults(ApiFaults):
    """Faults of the API of one cloud."""

    def __init__(self, api: GpuhubApi) -> None:
        super().__init__()
        self._api = api
        self._cloud = api.cloud

    def set_profiles(self, profiles: frozenset[str]) -> None:
        """A region fails, lists shift."""
        self._api.shifting = "shifting" in profiles
        self._api.failing_region = self._cloud.regions[_FAULTY_REGION] if "region" in profiles else ""

    def flicker(self, seed: int | str) -> Sequence[Callable[[], object]]:
        """GPUs of each model in each region, and of each spec of the instances."""
        cloud = self._cloud
        cells = self._cells()
        usual = [(machine, machine.habit) for machines in cells.values() for machine in machines]
        idle = {name: partial(set_idle, machines) for name, machines in cells.items()}
        flicker = Flicker(cloud.world, f"{cloud.name} {seed}", idle)
        cloud.market.flickers = True

        def restore() -> None:
            cloud.market.flickers = False
            for machine, habit in usual:
                machine.others = min(habit, machine.gpus - len(machine.ours))

        return flicker.end, restore

    def change_prices(self, seed: int | str) -> Sequence[Callable[[], object]]:
        """Prices of new containers and instances; those that run keep theirs."""
        cloud = self._cloud
        cells = self._cells()
        usual = [(machine, machine.price) for machines in cells.values() for machine in machines]
        prices = {name: partial(set_price, machines) for name, machines in cells.items()}
        changing = ChangingPrices(cloud.world, f"{cloud.name} {seed}", prices)

        def restore() -> None:
            for machine, price in usual:
                machine.price = price

        return changing.end, restore

    def _cells(self) -> dict[str, list[Machine]]:
        specs = self._cloud.pool.machines
        return self._cloud.market.cells() | {f"spec {name}": machines for name, machines in specs.items()}

    def is_create(self, scope: Scope) -> bool:
        """A new deployment or instance, and the start of an instance."""
        return scope["method"] == "POST" and _call(scope) in _CREATES

    def withdraw(self, scope: Scope, asked: Any, answer: Any, *, forever: bool) -> Callable[[], object] | None:
        """A deployment with its containers, or an instance; an instance that was started is off again."""
        if answer["code"] != "Success":
            return None
        cloud, data = self._cloud, answer["data"]
        call = _call(scope)
        if call == "deployment":
            deployment = cloud.deployments[data["deployment_uuid"]]
            if not forever:
                return cloud.hide(deployment)
            cloud.delete(deployment)
        elif call == "instance/pro/create":
            instance = cloud.pool.instances[data]
            if not forever:
                return cloud.pool.hide(instance)
            cloud.pool.forget(instance)
        elif forever:
            cloud.pool.take_back(cloud.pool.instances[asked["instance_uuid"]])
        return None

    def unauthorized(self, scope: Scope) -> tuple[int, bytes] | None:
        """The API's own refusal, with HTTP 200."""
        return 200, refusal(UNAUTHORIZED, "authorization failed, check the token", 0).encode()

    def error_body(self, text: str) -> bytes:
        """The envelope of an error that has an HTTP status as well."""
        return refusal(INTERNAL, text, 0).encode()

    def garbage(self, scope: Scope, data: Any) -> Any:
        """Pages without totals, every third row with fields missing, unknown or wrongly typed."""
        if not isinstance(data, dict) or data.get("code") != "Success":
            return data
        content = data.get("data")
        changes = _CHANGES.get(_call(scope), _ROW_CHANGES)
        if isinstance(content, dict) and isinstance(content.get("list"), list):
            rows = spoiled(content["list"], changes)
            content = {"list": rows, "page_index": str(content["page_index"]), "surprise": {"deep": [None, True]}}
        elif isinstance(content, list):
            content = spoiled(content, changes)
        return {**data, "data": content, "surprise": 1}

    def add_hostile(self, number: int, name: str) -> Sequence[Callable[[], object]]:
        """Add an image, a machine, a block and a deployment."""
        cloud, now = self._cloud, self._cloud.world.time
        image = CloudImage(900 + number, f"image-{hexadecimal(cloud.rng, 10)}", name, now)
        model = GpuModel(name, 24 * GIB, 1000)
        machine = Machine(hexadecimal(cloud.rng, 10), cloud.regions[0], model, gpus=2, cuda=124, price=1000)
        cloud.images[image.uuid] = image
        cloud.market.add(machine)
        cloud.blocks[name] = Block(replace(machine, id=name, region=name), now, now, now + 86400, name)
        template = Template(cloud.regions[:1], (name,), 1, image.uuid, f"echo {name}", cmd_before_shutdown=name)
        deployment = cloud.create(Order(name, CONTAINER, template))
        return (
            partial(cloud.delete, deployment),
            partial(cloud.market.remove, machine),
            partial(cloud.images.pop, image.uuid),
            lambda: cloud.blocks.pop(name, None),
        )


_CREATES = ("deployment", "instance/pro/create", "instance/pro/power_on")
_ROW_CHANGES: tuple[Change, ...] = (
    {"status": "hibernating", "created_at": None, "updated_at": "yesterday", "surprise": []},
    with_text_numbers,
    {"status": None, "name": ["a", "list"], "template": "none", "image_name": 7},
)
_CHANGES: dict[str, tuple[Change, ...]] = {
    "deployment/container/list": (
        {"status": "hibernating", "started_at": None, "created_at": None, "gpu_name": "GPU of Tomorrow"},
        with_text_numbers,
        {"info": None, "price": None, "memory_size": "lots", "gpu_num": -1},
        {"info": {"ssh_command": "telnet somewhere", "root_password": 7}, "machine_id": None},
    ),
    "deployment/container/event/list": ({"created_at": None}, {"status": "hibernating"}),
    "machine/region/gpu_stock": (
        lambda row: {name: {"idle_gpu_num": "2", "total_gpu_num": None} for name in row},
        lambda row: dict.fromkeys(row, 3),
        lambda row: {"GPU of Tomorrow": next(iter(row.values()))},
    ),
}


def _call(scope: Scope) -> str:
    """The path of a call after the root of the API."""
    return str(scope["path"]).rpartition("/dev/")[2]
