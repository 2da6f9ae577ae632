"""The GPUs of a host and the processes on them, from the outputs of the tools of all makers. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from gputui.accelerators import amd, ascend
from gputui.accelerators.nvidia.processes import from_ps_or_proc
from gputui.accelerators.nvidia.query import Question
from gputui.accelerators.nvidia.rows import reading as nvidia_reading
from gputui.accelerators.output import Part
from gputui.accelerators.reading import Accelerator, Reading, Use
from gputui.api.ssh.facts import Facts
from gputui.api.ssh.hosts import Host
from gputui.api.ssh.mapping import UP
from gputui.api.ssh.probe import Look
from gputui.errors import SshError
from gputui.formatting import counted
from gputui.late_dataclasses import dataclass
from gputui.models import (
    GpuDevice,
    GpuProcess,
    GpuReading,
    GpuSample,
    Instance,
    Phase,
    Ref,
    gpu_label,
)
from gputui.redaction import redact
from gputui.text import join_reasons


@dataclass(frozen=True, slots=True)
class HostGpus:
    """The GPUs of a look with the processes on them, of all makers.

    ``problem`` is why some of them could not be read. ``complete``: none is missing. ``driver`` are the versions of
    the drivers, except NVIDIA's, whose GPUs do not say it.
    """

    reading: GpuReading
    problem: str
    complete: bool
    driver: str


def gpu_reading(host: Host, look: Look, question: Question, at: datetime) -> HostGpus:
    """Return the GPUs of a look.

    The numbers of each maker's GPUs follow those of the maker before. A tool that finds no GPU is no problem where
    the machine has none of its maker.
    """
    pci = _pci(look)
    devices, processes = list[GpuDevice](), list[GpuProcess]()
    problems, failures, drivers = list[str](), list[str](), list[str]()
    first = 0
    for maker in _MAKERS:
        there = sum(vendor == maker.vendor and kind[:6] in maker.classes for vendor, kind in pci or ())
        try:
            found, driver = _read(maker, host, look, question, at, first)
        except (SshError, ValueError) as error:
            said = error.message if isinstance(error, SshError) else str(error)
            if there:
                problems.append(said)
            elif pci is None or any(vendor in (maker.vendor, _WSL) for vendor, _ in pci):
                failures.append(said)
        else:
            if found is not None:
                devices += found.devices
                processes += found.processes
                drivers.append(driver)
            elif there and look.gpus:
                problems.append(f"{host.name} has {counted(there, maker.noun)}, but {maker.lacks}")
        # By the devices of the machine, so that the numbers stay the same while a driver fails.
        first = max([first + there, *(device.index + 1 for device in devices)])
    if not devices:
        problems += failures
    reading = GpuReading(tuple(devices), tuple(processes))
    return HostGpus(reading, join_reasons(problems), not problems and look.gpus, ", ".join(filter(None, drivers)))


def _pci(look: Look) -> list[tuple[str, str]] | None:
    """Return the PCI devices that may be accelerators, by vendor and class; None where they are unknown."""
    part = look.parts.get("pci")
    if part is None or part.status:
        return None
    return [(vendor, kind) for vendor, _, kind in (line.partition(" ") for line in part.text.splitlines())]


def _read(
    maker: _Maker, host: Host, look: Look, question: Question, at: datetime, first: int
) -> tuple[GpuReading | None, str]:
    """Return the GPUs of one maker, numbered from ``first``, and the version of a driver; None without a tool."""
    if maker.read is None:
        return _nvidia(host, look, question, at), ""
    found = maker.read(look)
    return (None, "") if found is None else (_rows(host, look, found, at, first), found.driver)


def _nvidia(host: Host, look: Look, question: Question, at: datetime) -> GpuReading | None:
    if "gpus" in look.cut:
        raise ValueError("the output of nvidia-smi is too long for a list of GPUs")
    if "gpus" not in look.parts:
        return None
    instance = Instance(host.ref, host.name, Phase.RUNNING, UP)
    return nvidia_reading(replace(question, mig="parts" in look.parts), look.parts, instance, at)


def _amd(look: Look) -> Reading | None:
    if (listed := look.parts.get("rocm")) is not None:
        return amd.from_rocm(listed, look.parts.get("kfd"))
    if (metric := look.parts.get("amdmetric")) is not None:
        return amd.from_amd_smi(look.parts.get("amdlist"), metric, look.parts.get("amdprocess"))
    if look.cut & {"rocm", "amdmetric"}:
        raise ValueError("the output of AMD's tool is too long for a list of GPUs")
    return None


def _ascend(look: Look) -> Reading | None:
    if "npu" in look.cut:
        raise ValueError("the output of npu-smi is too long for a list of accelerators")
    part = look.parts.get("npu")
    return None if part is None else ascend.from_npu_smi(part)


@dataclass(frozen=True, slots=True)
class _Maker:
    """A maker of accelerators.

    ``vendor`` and ``classes`` are those of its devices on PCI. ``lacks`` says that its tools are missing. ``read`` is
    None for NVIDIA, whose tool names the processes together with the GPUs.
    """

    noun: str
    vendor: str
    classes: tuple[str, ...]
    lacks: str
    read: Callable[[Look], Reading | None] | None = None


_MAKERS = (
    _Maker("NVIDIA GPU", "0x10de", ("0x0300", "0x0302"), "no nvidia-smi"),
    # 0300 is also the class of the graphics in AMD's processors and on Huawei's boards.
    _Maker("AMD GPU", "0x1002", ("0x0380", "0x1200"), "neither rocm-smi nor amd-smi", _amd),
    _Maker("Ascend accelerator", "0x19e5", ("0x1200",), "no npu-smi", _ascend),
)
_WSL = "0x1414"
"""The vendor of the device that represents the GPUs of a Windows machine, of any maker."""


def _rows(host: Host, look: Look, found: Reading, at: datetime, first: int) -> GpuReading:
    """Return the rows of accelerators that are no NVIDIA GPUs, numbered from ``first``."""
    nothing = Part("", 0)
    details = from_ps_or_proc(look.parts.get("ps", nothing).text, look.parts.get("proc", nothing).text)
    on = defaultdict[int, dict[int, Use]](dict)
    for use in found.uses:
        on[use.index].setdefault(use.pid, use)
    devices, processes = list[GpuDevice](), list[GpuProcess]()
    for each in found.devices:
        used = on[each.index]
        one = replace(each, index=each.index + first)
        unseen = found.silence or ("" if used else _busy(one))
        devices.append(_device(host, one, len(used), unseen, at))
        for pid, use in used.items():
            known = details.get(pid)
            processes.append(
                GpuProcess(
                    Ref(host.ref.account, "process", f"{host.ref.id}:{one.index}:{pid}"),
                    host.name,
                    one.index,
                    pid,
                    redact((known.command if known else "") or use.name),
                    uptime=known.uptime if known else None,
                    memory_used=known.memory if known else None,
                    gpu_memory_used=use.memory,
                )
            )
        if unseen:
            processes.append(GpuProcess.unknown(host.ref, host.name, unseen, one.index, str(one.index)))
    return GpuReading(tuple(devices), tuple(processes))


def _device(host: Host, one: Accelerator, count: int, unseen: str, at: datetime) -> GpuDevice:
    return GpuDevice(
        Ref(host.ref.account, "gpu", f"{host.ref.id}:{one.index}"),
        host.name,
        one.index,
        model=gpu_label(one.model, one.memory_total) if one.model else None,
        memory_total=one.memory_total,
        memory_used=one.memory_used,
        process_count=None if unseen else count,
        sample=GpuSample(at, one.utilization, one.memory_used, one.power, one.temperature, one.fan),
        uuid=one.uuid,
        problem=one.problem,
    )


def _busy(one: Accelerator) -> str:
    """Return the signs of work without a listed process; '' where there are none."""
    if one.utilization is None and one.memory_used is None:
        return "the driver gives no figures of the GPU"
    return f"none is listed, though it is {one.utilization:.0f} % busy" if (one.utilization or 0) > 0 else ""


def owned(host: Host, found: GpuReading, facts: Facts, containers: Mapping[str, Instance]) -> GpuReading:
    """Return GPUs and processes with the user of each process, and with the container that it runs in."""
    inside, owners = facts.inside or {}, facts.owners or {}
    processes = list[GpuProcess]()
    names = defaultdict[int | None, set[str]](set)
    for row in found.processes:
        if row.pid is None:
            processes.append(replace(row, inside=False))
            continue
        holder = containers.get(inside.get(row.pid, ""))
        name, ref = (host.name, host.ref) if holder is None else (holder.name, holder.ref)
        names[row.gpu_index].add(name)
        user = owners.get(row.pid, "")
        processes.append(replace(row, inside=False, instance_name=name, instance=ref, user=user))
    devices = [
        # What a part of a divided GPU does is its own: the names of the whole are those of all its parts.
        replace(row, through=None, instances=tuple(sorted(names[row.index])) if row.instances or not row.mig else ())
        for row in found.devices
    ]
    return GpuReading(tuple(devices), tuple(processes))
