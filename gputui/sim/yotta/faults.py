"""Faults of the Yotta API: errors in its envelope, garbage in its answers, hostile names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.types import Scope

from gputui.sim.http.faults import ApiFaults, Change, spoiled, with_text_numbers
from gputui.sim.machines.flicker import ChangingPrices, Flicker

from .api import YottaApi
from .entities import RUNNING, EndpointOrder, RentalOrder, Resource
from .responses import SUCCESS, envelope
from .stock import REGIONS, GpuType, Shelf
from .validation import FORBIDDEN, SYSTEM


class YottaFaults(ApiFaults):
    """Faults of the API of one account."""

    def __init__(self, api: YottaApi) -> None:
        super().__init__()
        self._api = api
        self._cloud = api.cloud

    def set_profiles(self, profiles: frozenset[str]) -> None:
        """Pages shift."""
        self._api.shifting = "shifting" in profiles

    def flicker(self, seed: int | str) -> Sequence[Callable[[], object]]:
        """Idle GPUs of each kind in each region."""
        cloud, market = self._cloud, self._cloud.market
        shelves = {f"{code} {region}": shelf for (code, region), shelf in market.shelves.items()}
        market.flickers = True
        flicker = Flicker(
            cloud.world,
            f"{cloud.name} {seed}",
            {name: partial(setattr, shelf, "idle") for name, shelf in shelves.items()},
        )

        def restore() -> None:
            market.flickers = False
            for shelf in shelves.values():
                shelf.idle = shelf.usual

        return flicker.end, restore

    def change_prices(self, seed: int | str) -> Sequence[Callable[[], object]]:
        """Prices of what is rented from now on; what runs keeps its price."""
        shelves = {f"{code} {region}": shelf for (code, region), shelf in self._cloud.market.shelves.items()}
        prices = {name: partial(_set_price, shelf) for name, shelf in shelves.items()}
        changing = ChangingPrices(self._cloud.world, f"{self._cloud.name} {seed}", prices)
        return changing.end, *(partial(_set_price, shelf, 1) for shelf in shelves.values())

    def is_create(self, scope: Scope) -> bool:
        """A new VM, pod or endpoint, a resumed pod and a started endpoint."""
        return scope["method"] == "POST" and _CREATES.fullmatch(scope["path"]) is not None

    def withdraw(self, scope: Scope, asked: Any, answer: Any, *, forever: bool) -> Callable[[], object] | None:
        """A VM, pod or endpoint; a pod that was resumed is paused again, an endpoint that was started stops."""
        found = _CREATES.fullmatch(scope["path"])
        if answer["code"] != SUCCESS or found is None:
            return None
        things = self._things(found["list"])
        identity = int(found["id"] or answer["data"]["id"])
        if found["id"]:
            if forever:
                self._end(things, identity)
            return None
        thing = things[identity]
        if forever:
            self._end(things, identity)
        things.pop(identity, None)
        return lambda: things.setdefault(identity, thing)

    def _things(self, path: str) -> dict[int, Any]:
        cloud = self._cloud
        lists: dict[str, dict[int, Any]] = {
            "vms": cloud.vms,
            "pods": cloud.pods,
            "serverless": cloud.serverless.endpoints,
        }
        return lists[path]

    def _end(self, things: dict[int, Any], identity: int) -> None:
        if things is self._cloud.serverless.endpoints:
            self._cloud.serverless.stop(things[identity])
        else:
            self._cloud.pause(things[identity])

    def unauthorized(self, scope: Scope) -> tuple[int, bytes] | None:
        """403 in the envelope."""
        return 403, json.dumps(envelope(None, FORBIDDEN, "X-Api-Key is not valid")).encode()

    def error_body(self, text: str) -> bytes:
        """The envelope of an error that has an HTTP status as well."""
        return json.dumps(envelope(None, SYSTEM, text)).encode()

    def garbage(self, scope: Scope, data: Any) -> Any:
        """Pages without totals, every third row with fields missing, unknown or wrongly typed."""
        content = data.get("data") if isinstance(data, dict) else None
        if isinstance(content, dict) and isinstance(content.get("items"), list):
            content = {
                "items": spoiled(content["items"], _CHANGES),
                "page": str(content["page"]),
                "surprise": {"deep": [None]},
            }
        elif isinstance(content, dict) and isinstance(content.get("logs"), list):
            content = {"logs": spoiled(content["logs"], _CHANGES), "hasMore": "no"}
        elif isinstance(content, list):
            content = spoiled(content, _CHANGES)
        return {**data, "data": content, "surprise": 1} if isinstance(data, dict) else data

    def add_hostile(self, number: int, name: str) -> Sequence[Callable[[], object]]:
        """Add a GPU type, a VM, a pod, an endpoint, a volume and a credential."""
        cloud = self._cloud
        kind = GpuType(name, name, 24, 0.5)
        cloud.market.add(kind, name, 4)
        rented = RentalOrder(name, kind, 1, image=name, registry=name)
        vm, pod = (cloud.add(place, rented, name, cloud.world.time) for place in (cloud.vms, cloud.pods))
        vm.status = pod.status = RUNNING  # without SSH access: such a name is no host name
        resources = (Resource(name, kind, 1),)
        order = EndpointOrder(name, name, resources, 1, "ALB", webhook=f"https://{number}.invalid/")
        endpoint = cloud.serverless.create(order)
        volume = cloud.add_volume(name, "CEPH", size=1, region=next(iter(REGIONS)))
        credential = cloud.add_credential(name, "PRIVATE", name, name)
        return (
            partial(cloud.market.remove, kind, name),
            partial(cloud.vms.pop, vm.id, None),
            partial(cloud.pods.pop, pod.id, None),
            partial(cloud.serverless.endpoints.pop, endpoint.id, None),
            partial(cloud.volumes.pop, volume.id, None),
            partial(cloud.credentials.pop, credential.id, None),
        )


_CREATES = re.compile(r"/v2/(?P<list>vms|pods|serverless)(/(?P<id>\d+)/(resume|start))?")
_KEPT = ("id", "gpuType", "workerId", "taskId")
_CHANGES: tuple[Change, ...] = (
    {"status": "HIBERNATING", "createdAt": "yesterday", "regions": None, "surprise": []},
    with_text_numbers,
    {"status": None, "name": ["a", "list"], "gpuCount": -1, "cost": "free", "sshCmd": 7},
    lambda row: {name: value for name, value in row.items() if name in _KEPT},
)


def _set_price(shelf: Shelf, multiple: float) -> None:
    shelf.price = round(shelf.kind.price * multiple, 2)
