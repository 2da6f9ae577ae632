"""How the DeepDock API goes wrong: pulls that fail or are cut off, series full of holes, hostile names, garbage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.types import Scope

from gputui.sim.http.faults import ApiFaults, Change, spoiled, without
from gputui.sim.machines.hardware import GIB, MIB

from .api import DeepdockApi
from .gpu_series import Sample

_GAP_EVERY, _GAP = 90, 18
"""Samples from the beginning of one gap to that of the next, and in a gap."""
_IMAGE_CHANGES: tuple[Change, ...] = (
    {"size_mb": "big", "digest": None, "surprise": []},
    {"tag": ["a", "list"], "size_mb": -1},
    without("id", "size_mb"),
)
_CONTAINER_CHANGES: tuple[Change, ...] = (
    {"status": "hibernating", "created": None, "ssh-port": "22000", "gpus": [None, 0, "x"]},
    lambda row: row | {"image": row["image"][0] if row["image"] else 7, "ssh-port": 99999, "gpus": "all"},
    without("status", "ssh-port", "image"),
    {"status": None, "image": None, "created": "yesterday", "gpus": None, "id": 7},
)
_SAMPLE_CHANGES: tuple[Change, ...] = (
    {"utilization": None, "fan_speed": "[N/A]", "surprise": 1},
    {"timestamp": "just now"},
    lambda row: {name: str(value) for name, value in row.items()},
    lambda row: {"timestamp": row["timestamp"], "memory_used": -1, "utilization": 1e9},
)


class DeepdockFaults(ApiFaults):
    """Faults of the API of one host."""

    def __init__(self, api: DeepdockApi) -> None:
        super().__init__()
        self._api = api
        self._host = api.host

    def set_profiles(self, profiles: frozenset[str]) -> None:
        """Pulls fail, samples are missing, the host is empty."""
        api = self._api
        api.full_disk, api.breaks_pulls, api.empty = "nospace" in profiles, "pullcut" in profiles, "empty" in profiles
        api.reports_ports = "noport" not in profiles
        api.missing_gpus = 1 if "lostgpu" in profiles else 0
        api.distort = _spoiled_series if "samples" in profiles else None
        api.changed()

    def is_create(self, scope: Scope) -> bool:
        """A new container."""
        return (scope["method"], scope["path"]) == ("POST", "/containers/create")

    def withdraw(self, scope: Scope, asked: Any, answer: Any, *, forever: bool) -> Callable[[], object] | None:
        """A container."""
        pod = self._host.pods[answer["name"]]
        if not forever:
            return self._host.hide(pod)
        self._host.remove(pod)
        return None

    def garbage(self, scope: Scope, data: Any) -> Any:
        """Every third row with fields missing, unknown or wrongly typed."""
        if not isinstance(data, dict):
            return data
        match scope["method"], scope["path"]:
            case "GET", "/images":
                return {"count": "many", "images": spoiled(data["images"], _IMAGE_CHANGES), "surprise": 1}
            case "GET", "/containers":
                return {"containers": spoiled(data["containers"], _CONTAINER_CHANGES), "surprise": {"deep": [None]}}
            case "GET", "/metrics":
                return {**data, "ram_total_mb": "lots", "ram_available_mb": -1, "cpu_cores": None}
            case "GET", "/metrics/gpus":
                series = {index: spoiled(samples, _SAMPLE_CHANGES) for index, samples in data.items()}
                return {**series, "x": [], "-1": None, "99": "row"}
            case _:
                return {**data, "surprise": {"deep": [None, True]}}

    def add_hostile(self, number: int, name: str) -> Sequence[Callable[[], object]]:
        """Add an image and a container of it."""
        host = self._host
        image = host.add_image(f"{name}:latest", GIB)
        index = number % len(host.gpus)
        pod = host.make(name, image.name, user="dock", password="", gpu_ids=[index], env={})
        host.start(pod)
        host.spawn(pod, f"python {name}", (index,), 256 * MIB)
        return partial(host.remove, pod), partial(host.drop_image, image)


def _spoiled_series(index: int, samples: Sequence[Sample]) -> list[Sample]:
    """Gaps of three minutes, duplicate samples, swapped pairs; on every third GPU in reverse order."""
    kept = [sample for sample in samples if (sample.number + 7 * index) % _GAP_EVERY >= _GAP]
    series: list[Sample] = []
    for sample in kept:
        series.append(sample)
        if sample.number % 11 == 0:
            series.append(sample)
        if sample.number % 7 == 0:
            series[-2:] = reversed(series[-2:])
    return series[::-1] if index % 3 == 2 else series
