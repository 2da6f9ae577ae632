"""Faults of the Yotta API: errors in its envelope, garbage in its answers, hostile names."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.types import Scope

from gputui.sim.faults import HOSTILE_NAMES

from .api import YottaApi
from .entities import RUNNING, EndpointOrder, Rental, RentalOrder, Resource
from .responses import envelope
from .stock import REGIONS, GpuType
from .validation import FORBIDDEN, SYSTEM


class YottaFaults:
    """Faults of the API of one account."""

    def __init__(self, api: YottaApi) -> None:
        self._api = api
        self._cloud = api.cloud
        self._undo: list[Callable[[], object]] = []

    def apply(self, profile: str) -> None:
        """Add or remove hostile names; pages shift."""
        self._api.shifting = profile == "shifting"
        for undo in self._undo:
            undo()
        self._undo.clear()
        if profile == "hostile":
            self._set_hostile()

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
            content = {"items": _spoil(content["items"]), "page": str(content["page"]), "surprise": {"deep": [None]}}
        elif isinstance(content, dict) and isinstance(content.get("logs"), list):
            content = {"logs": _spoil(content["logs"]), "hasMore": "no"}
        elif isinstance(content, list):
            content = _spoil(content)
        return {**data, "data": content, "surprise": 1} if isinstance(data, dict) else data

    def _set_hostile(self) -> None:
        cloud, region = self._cloud, next(iter(REGIONS))
        for number, name in enumerate(HOSTILE_NAMES):
            kind = GpuType(name, name, 24, 0.5)
            cloud.market.add(kind, name, 4)
            rented = RentalOrder(name, kind, 1, image=name, registry=name)
            rentals = [cloud.add(place, rented, name, cloud.world.time) for place in (cloud.vms, cloud.pods)]
            for rental in rentals:
                # It has no SSH access: such a name is no host name.
                rental.status = RUNNING
            order = EndpointOrder(
                name, name, (Resource(name, kind, 1),), 1, "ALB", webhook=f"https://{number}.invalid/"
            )
            endpoint = cloud.serverless.create(order)
            volume = cloud.add_volume(name, "CEPH", size=1, region=region)
            credential = cloud.add_credential(name, "PRIVATE", name, name)
            self._undo += [
                partial(cloud.market.remove, kind, name),
                partial(self._forget, *rentals),
                partial(cloud.serverless.endpoints.pop, endpoint.id, None),
                partial(cloud.volumes.pop, volume.id, None),
                partial(cloud.credentials.pop, credential.id, None),
            ]

    def _forget(self, vm: Rental, pod: Rental) -> None:
        self._cloud.vms.pop(vm.id, None)
        self._cloud.pods.pop(pod.id, None)


def _spoil(rows: list[Any]) -> list[Any]:
    spoiled = [_wrong(row, number // 3) if number % 3 == 1 else row for number, row in enumerate(rows)]
    return [*spoiled, None, "row"] if rows else spoiled


def _wrong(row: dict[str, Any], kind: int) -> Any:
    match kind % 4:
        case 0:
            return {**row, "status": "HIBERNATING", "createdAt": "yesterday", "regions": None, "surprise": []}
        case 1:
            return {name: str(value) if type(value) in (int, float) else value for name, value in row.items()}
        case 2:
            return {**row, "status": None, "name": ["a", "list"], "gpuCount": -1, "cost": "free", "sshCmd": 7}
        case _:
            return {name: value for name, value in row.items() if name in ("id", "gpuType", "workerId", "taskId")}
