"""Faults of pody's API: its errors, garbage in its answers, hostile names on its host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.types import Scope

from gputui.sim.faults import ApiFaults
from gputui.sim.world import MIB, Host, Pod

BROKEN_POD = "jupyter"
_OPEN = ("/version", "/host/gpu-ps")


class PodyFaults(ApiFaults):
    """Faults of the API of one host."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host

    def set_profile(self, profile: str) -> None:
        """One pod cannot be inspected."""
        for pod in self._host.pods.values():
            pod.broken = profile == "inspect" and pod.instance == BROKEN_POD

    def add_hostile(self, number: int, name: str) -> Sequence[Callable[[], object]]:
        """Add a pod of alice."""
        host = self._host
        pod = host.create("alice", name, next(iter(host.images.values())), host.users["alice"].quota)
        pod.image = f"{name}:latest"
        host.start(pod)
        pod.log += f"log of {name}\r\n"
        host.spawn(pod, f"python {name}", (number % len(host.gpus),), 256 * MIB)
        return (partial(self._remove, pod),)

    def _remove(self, pod: Pod) -> None:
        """Undo a change, unless a request has."""
        if self._host.pods.get(pod.name) is pod:
            self._host.remove(pod)

    def unauthorized(self, scope: Scope) -> tuple[int, bytes] | None:
        """403, except for public routes."""
        return None if scope["path"] in _OPEN else (403, self.error_body("Invalid username or password"))

    def garbage(self, scope: Scope, data: Any) -> Any:
        """Pods with missing or wrong fields, invalid rows."""
        return _spoiled(scope, data)


def _spoiled(scope: Scope, data: Any) -> Any:
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
    return data


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
