"""Statistics of processes: those on each GPU of a host, and the CPU and GPU time of its users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException

from gputui.sim.machines.containers import User
from gputui.sim.machines.hosts import Host

from .http import Release
from .validation import seconds


class ProcessStatistics:
    """The endpoints about processes of one host, in one release of pody."""

    def __init__(self, host: Host, release: Release) -> None:
        self._host = host
        self._release = release

    async def gpu_ps(self, caller: User, id: str | None = None) -> Any:  # noqa: A002
        """Answer ``/host/gpu-ps``: the processes on each GPU, times in seconds and memory in bytes."""
        try:
            ids = [gpu.index for gpu in self._host.gpus] if id is None else [int(i) for i in id.split(",")]
        except ValueError as error:
            raise HTTPException(400, "Invalid GPU ID") from error
        for index in ids:
            if not 0 <= index < len(self._host.gpus):
                raise HTTPException(400, f"GPU ID {index} is invalid")
        now = self._host.world.time
        return {
            str(index): [
                {
                    "pid": process.pid,
                    "pod": process.pod or "",
                    "cmd": process.command if process.pod or self._release < (0, 3, 0) else "[host process]",
                    "uptime": now - process.started,
                    "memory_used": process.memory_at(now),
                    "gpu_memory_used": process.gpu_memory_at(now),
                }
                for process in self._host.on_gpu(index)
            ]
            for index in ids
        }

    async def cpu_time(self, caller: User, user: str | None = None, t: str = "") -> Any:
        """Answer ``/stat/cputime``: CPU seconds by user, of processes that have begun within the span ``t``."""
        return self._usage(user, t, lambda uptime, load, gpus: uptime * load)

    async def gpu_time(self, caller: User, user: str | None = None, t: str = "") -> Any:
        """Answer ``/stat/gputime``: GPU seconds by user, of processes that have begun within the span ``t``."""
        return self._usage(user, t, lambda uptime, load, gpus: uptime * gpus)

    def _usage(self, wanted: str | None, span: str, amount: Callable[[float, float, int], float]) -> dict[str, float]:
        now = self._host.world.time
        after = now - seconds(span) if span else 0.0
        names = list(self._host.users) if wanted is None else wanted.split(",")
        totals: dict[str, float] = {}
        for process in self._host.processes.values():
            owner = (process.pod or "").partition("-")[0]
            if owner in names and process.started > after:
                used = amount(now - process.started, process.load, len(process.gpus))
                totals[owner] = totals.get(owner, 0.0) + used
        return dict(sorted(totals.items()))
