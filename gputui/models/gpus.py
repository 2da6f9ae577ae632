"""GPUs: those of a host with their processes, and those available to rent."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from gputui.late_dataclasses import dataclass
from gputui.models.values import Money, Ref

GPU_LOST, GPU_NEEDS_RESET = "is lost", "needs a reset"
"""The beginnings of the problems of GPUs whose hardware or driver has failed."""


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
    """A GPU of a host. ``memory_used`` is the memory of its processes, where no sensor reports more.

    ``memory_shared``: it has no memory of its own, both sizes are the whole machine's. ``process_count`` is None
    where it is unknown: no process that is seen does not mean that there is none.

    ``last`` is the newest reading where it is too old to be the current ``sample``.
    ``sample`` is the newest reading; ``series`` is what the back end gave with it, oldest first. ``through`` is the
    instance over whose SSH connection it was seen: ``index`` is then the one it has in there. ``mig`` names a part of
    a divided GPU, a row of its own (``1g.10gb #7``). ``ecc_errors`` are the uncorrected errors of its memory since
    its driver was loaded: None where it has no ECC, or that is off or not reported.
    """

    ref: Ref
    host: str
    index: int
    model: str | None = None
    memory_total: int | None = None
    memory_used: int | None = None
    process_count: int | None = None
    instances: tuple[str, ...] = ()
    sample: GpuSample | None = None
    last: GpuSample | None = None
    uuid: str = ""
    mig: str = ""
    memory_shared: bool = False
    through: Ref | None = None
    problem: str | None = None
    ecc_errors: int | None = None
    series: tuple[GpuSample, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that uses a GPU. ``instance`` is None for a process of the host (``instance_name`` is empty then).

    ``instance_name`` is the back end's own name of the instance; ``instance`` its Ref when it is one of ours.
    ``inside``: it was seen from within its container, where process ids are other ones than on the host.

    ``processes`` is the number of processes in the row: 1. It is None in the row of a GPU whose
    processes are unknown, and so is ``pid``; ``problem`` is the reason then. ``gpu_index`` is None where not even the
    GPUs are known. ``user`` is the name of its user, '' where that is not reported.
    """

    ref: Ref
    host: str
    gpu_index: int | None
    pid: int | None
    command: str
    instance_name: str = ""
    instance: Ref | None = None
    uptime: float | None = None
    memory_used: int | None = None
    gpu_memory_used: int | None = None
    inside: bool = False
    processes: int | None = 1
    problem: str | None = None
    user: str = ""

    @classmethod
    def unknown(
        cls, instance: Ref, name: str, problem: str, gpu_index: int | None = None, place: str = ""
    ) -> GpuProcess:
        """Return the row for the processes that a probe could not list: on one GPU (``place``), or on all."""
        ref = Ref(instance.account, "process", ":".join(filter(None, (instance.id, place, "unknown"))))
        return cls(ref, name, gpu_index, None, "", name, instance, inside=True, processes=None, problem=problem)


@dataclass(frozen=True, slots=True)
class GpuReading:
    """The rows of one look at GPUs."""

    devices: tuple[GpuDevice, ...] = ()
    processes: tuple[GpuProcess, ...] = ()


@dataclass(frozen=True, slots=True)
class HostInfo:
    """A machine that a back end runs on. ``clock_ahead`` is how far its clock is ahead of ours, in seconds."""

    ref: Ref
    name: str
    gpu_count: int | None = None
    cpu_count: int | None = None
    memory_total: int | None = None
    memory_available: int | None = None
    clock_ahead: float | None = None
    raw: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Offer:
    """GPUs available in one place: single GPUs, possibly of several machines.

    ``region_name`` is what people call the region, where that is another text.
    ``available`` is for back ends that say only yes or no. ``vendor_name`` is the model as the back end writes it,
    where ``gpu_model`` is the label, ``type_id`` what a machine with it is ordered by, where that is another thing,
    and ``machine_price`` what an hour of such a machine costs.
    ``remark`` says what the figures do not promise.
    ``problem`` says why this could not be read again, figures are then the last
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
    region_name: str = ""
    vendor_name: str = ""
    type_id: str = ""
    machine_price: Money | None = None
    remark: str = ""
    problem: str | None = None
