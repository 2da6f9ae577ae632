"""Faults of pody's API: its errors, garbage in its answers, hostile names on its host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.types import Scope

from gputui.sim.http.faults import ApiFaults, Change, spoiled_row, without
from gputui.sim.machines.hardware import MIB
from gputui.sim.machines.hosts import Host

BROKEN_POD = "jupyter"
_OPEN = ("/version", "/host/gpu-ps")


class PodyFaults(ApiFaults):
    """Faults of the API of one host."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host

    def set_profiles(self, profiles: frozenset[str]) -> None:
        """One pod cannot be inspected."""
        for pod in self._host.pods.values():
            pod.broken = "inspect" in profiles and pod.instance == BROKEN_POD

    def add_hostile(self, number: int, name: str) -> Sequence[Callable[[], object]]:
        """Add a pod of alice."""
        host = self._host
        pod = host.create("alice", name, next(iter(host.images.values())), host.users["alice"].quota)
        pod.image = f"{name}:latest"
        host.start(pod)
        pod.log += f"log of {name}\r\n"
        host.spawn(pod, f"python {name}", (number % len(host.gpus),), 256 * MIB)
        return (partial(host.remove, pod),)

    def is_create(self, scope: Scope) -> bool:
        """A new pod."""
        return (scope["method"], scope["path"]) == ("POST", "/pod/create")

    def withdraw(self, scope: Scope, asked: Any, answer: Any, *, forever: bool) -> Callable[[], object] | None:
        """A pod."""
        pod = self._host.pods[answer["info"]["name"]]
        if not forever:
            return self._host.hide(pod)
        self._host.remove(pod)
        return None

    def unauthorized(self, scope: Scope) -> tuple[int, bytes] | None:
        """403, except for public routes."""
        return None if scope["path"] in _OPEN else (403, self.error_body("Invalid username or password"))

    def garbage(self, scope: Scope, data: Any) -> Any:
        """Pods with missing or wrong fields, invalid rows."""
        query = sum(scope.get("query_string", b""))
        match scope["path"], data:
            case "/pod/inspect" | "/pod/info", dict():
                return data if query % 3 else spoiled_row(data, _POD_CHANGES[query // 3 % len(_POD_CHANGES)])
            case "/host/gpu-ps", dict():
                return {
                    index: [*rows, {"pid": "many", "pod": 7}, None, "row"] if rows else []
                    for index, rows in data.items()
                }
            case "/image/list" | "/host/images", list():
                return [None, 42, {"name": "x"}, *data]
            case "/user/info", dict():
                return {"user": data.get("user"), "quota": {"max_pods": "many", "surprise": [1, 2]}}
            case _, dict():
                return {**data, "surprise": {"deep": [None, True]}}
        return data


_POD_CHANGES: tuple[Change, ...] = (
    without("status", "port_mapping"),
    {"port_mapping": "22", "gpu_ids": "all", "memory_limit": "lots"},
    {"status": None, "image": ["a", "list"], "networks": None, "surprise": {}},
    {"port_mapping": ["x:y", None, "99999:22", 7], "gpu_ids": [None, "0"], "status": "hibernating"},
)
