"""How much an instance uses its GPUs: their load, and the memory in use on them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.late_dataclasses import dataclass
from gputui.models import GpuDevice, GpuProcess, Instance, Phase


@dataclass(frozen=True, slots=True)
class GpuUse:
    """``utilization`` is the mean of its GPUs in percent, ``memory_used`` and ``memory_total`` are in bytes.

    None is unknown. ``lacks_load`` and ``lacks_memory`` say that a part is unknown: the figure is that of the others.
    """

    utilization: float | None = None
    lacks_load: bool = False
    memory_used: int | None = None
    lacks_memory: bool = False
    memory_total: int | None = None


def gpu_use(
    instance: Instance,
    gpus: Sequence[GpuDevice],
    processes: Sequence[GpuProcess],
    count: float | None,
) -> GpuUse:
    """Return what an instance with ``count`` GPUs uses of these, by their readings of now.

    The memory is that of its own processes; without any, what is in use on GPUs that no other instance has. An
    instance that does not run uses nothing of the load: its GPUs may be another one's by now.
    """
    gpus = gpus if instance.phase is Phase.RUNNING else ()
    loads = [one.sample.utilization for one in gpus if one.sample is not None and one.sample.utilization is not None]
    used, lacks = _memory(instance, gpus, processes)
    totals = [device.memory_total for device in gpus]
    whole = bool(totals) and len(totals) >= (count or 0) and not any(device.memory_shared for device in gpus)
    return GpuUse(
        sum(loads) / len(loads) if loads else None,
        bool(loads) and len(loads) < max(len(gpus), count or 0),
        used,
        lacks,
        sum(size or 0 for size in totals) if whole and None not in totals else None,
    )


def _memory(
    instance: Instance, gpus: Sequence[GpuDevice], processes: Sequence[GpuProcess]
) -> tuple[int | None, bool]:
    """Return the memory in use, and whether a part of it is unknown."""
    if processes:
        known = [used for process in processes if (used := process.gpu_memory_used) is not None]
        return (sum(known) if known else None), len(known) < len(processes)
    whole = instance.machine is not None
    sizes = [
        one.sample.memory_used
        if one.sample is not None and (whole or one.through is not None or len(one.instances) < 2)
        else None
        for one in gpus
    ]
    seen = [size for size in sizes if size is not None]
    return (sum(seen) if seen else None), bool(seen) and len(seen) < len(sizes)
