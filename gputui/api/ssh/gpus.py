"""The GPUs of a host and the processes on them, from the outputs of the tools of all makers. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from gputui.accelerators import amd, ascend
from gputui.accelerators.nvidia.processes import from_ps_or_proc
from gputui.accelerators.nvidia.query import Part, Question
from gputui.accelerators.nvidia.rows import reading as nvidia_reading
from gputui.accelerators.reading import Accelerator, Reading, Use
from gputui.api.ssh.facts import Facts
from gputui.api.ssh.hosts import Host
from gputui.api.ssh.mapping import UP
from gputui.api.ssh.probe import Look
from gputui.errors import SshError
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


def gpu_reading(host: Host, look: Look, question: Question, at: datetime) -> tuple[GpuReading, str, str]:
    """Return the GPUs and processes of a look, why they could not be read, and the version of a driver.

    The first tool that reads a GPU is the one: a machine may have those of other makers installed as well.
    """
    problems = list[str]()
    if "gpus" in look.parts:
        instance = Instance(host.ref, host.name, Phase.RUNNING, UP)
        asked = replace(question, mig="parts" in look.parts)
        try:
            return nvidia_reading(asked, look.parts, instance, at), "", ""
        except SshError as error:
            problems.append(error.message)
    elif "gpus" in look.cut:
        problems.append("the output of nvidia-smi is too long for a list of GPUs")
    for read in (_amd, _ascend):
        try:
            found = read(look)
        except ValueError as error:
            problems.append(str(error))
            continue
        if found is not None:
            return _rows(host, look, found, at), "", found.driver
    return GpuReading(), "; ".join(problems), ""


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


def _rows(host: Host, look: Look, found: Reading, at: datetime) -> GpuReading:
    """Return the rows of accelerators that are no NVIDIA GPUs."""
    nothing = Part("", 0)
    details = from_ps_or_proc(look.parts.get("ps", nothing).text, look.parts.get("proc", nothing).text)
    on = defaultdict[int, dict[int, Use]](dict)
    for use in found.uses:
        on[use.index].setdefault(use.pid, use)
    devices, processes = list[GpuDevice](), list[GpuProcess]()
    for one in found.devices:
        used = on[one.index]
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
