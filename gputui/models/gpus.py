"""GPUs: those of a host with their processes, and those that can be had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gputui.models.values import Money, Ref


@dataclass(frozen=True, slots=True)
class GpuSample:
    """One reading of one GPU. Utilisation and fan in percent, power in watts, temperature in degrees Celsius."""

    at: datetime
    utilization: float | None = None
    memory_used: int | None = None
    power: float | None = None
    temperature: float | None = None
    fan: float | None = None


@dataclass(frozen=True, slots=True)
class GpuDevice:
    """A GPU of a host. ``memory_used`` is what its processes hold, where no sensor says more."""

    ref: Ref
    host: str
    index: int
    model: str | None = None
    memory_total: int | None = None
    memory_used: int | None = None
    process_count: int | None = None
    instances: tuple[str, ...] = ()
    sample: GpuSample | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that uses a GPU. ``instance`` is None for a process of the host (``instance_name`` is empty then).

    ``instance_name`` is the back end's own name of the instance; ``instance`` its Ref when it is one of ours.
    """

    ref: Ref
    host: str
    gpu_index: int
    pid: int
    command: str
    instance_name: str = ""
    instance: Ref | None = None
    uptime: float | None = None
    memory_used: int | None = None
    gpu_memory_used: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """GPUs that can be had in one place: single cards, which may sit in several machines.

    ``available`` is for back ends that say only yes or no. ``vendor_name`` is the model as the back end writes it,
    where ``gpu_model`` is the label. ``problem`` says why this could not be read anew, figures are then the last
    ones; a region that never could be read is one offer without ``gpu_model``.
    """

    ref: Ref
    gpu_model: str
    region: str
    idle: int | None = None
    total: int | None = None
    available: bool | None = None
    gpu_memory: int | None = None
    price_from: Money | None = None
    price_to: Money | None = None
    vendor_name: str = ""
    problem: str | None = None
