"""Captions of the GPUs view: facts of the host, and why GPUs or processes are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gputui.fleet import Fleet
from gputui.formatting import format_bytes
from gputui.models import GpuDevice, GpuProcess, HostInfo, Instance, Ref, Resource
from gputui.screens.base.session import Session


def name_of_gpu(device: GpuDevice) -> str:
    """Return the name of a GPU, or of a part of one: ``h07 GPU 3 1g.10gb #7``."""
    return f"{device.host} GPU {device.index} {device.mig}".rstrip()


def is_on(process: GpuProcess, device: GpuDevice) -> bool:
    """Return whether a process is on a GPU, or on the part of one that is a row of its own."""
    if device.mig:
        return process.ref.account == device.ref.account and process.ref.id.rpartition(":")[0] == device.ref.id
    return (process.ref.account, process.host, process.gpu_index) == (device.ref.account, device.host, device.index)


def host_facts(device: GpuDevice, hosts: Iterable[HostInfo], machine: Instance | None) -> list[str]:
    """Return facts of the host of a GPU: ``RAM 181G/256G``, ``64 cores``; none of one that is seen from inside.

    ``machine`` is the instance that the host itself is, if it is one.
    """
    if device.through is not None:
        return []
    known = [row for row in hosts if row.ref.account == device.ref.account]
    host = next((row for row in known if row.name == device.host or len(known) == 1), None)
    if machine is not None and machine.machine is not None:
        cores, memory, used = machine.cpu_count, machine.memory_limit, machine.machine.memory_used
    elif host is not None:
        cores, memory, free = host.cpu_count, host.memory_total, host.memory_available
        used = None if memory is None or free is None else max(0, memory - free)
    else:
        return []
    facts = [f"RAM {format_bytes(used) or '?'}/{format_bytes(memory)}"] if memory is not None else []
    return [*facts, *([f"{cores} cores"] if cores is not None else [])]


def no_gpus(session: Session) -> str:
    """Return why no GPU is listed: there is none, or the back ends of the accounts shown do not list any."""
    has_list = session.has_list(Resource.GPUS)
    return "There is no GPU on the hosts shown." if has_list else "No account shown lists GPUs."


def no_processes(session: Session, devices: Sequence[GpuDevice]) -> str:
    """Return why no process of these GPUs is listed: none is there, or they are unknown on all or some of them."""
    unknown = [device for device in devices if device.process_count is None]
    if not devices and not session.has_list(Resource.PROCESSES):
        return "No account shown lists GPU processes."
    if not unknown:
        return "No process is on a GPU now."
    hosts = ", ".join(dict.fromkeys(device.host for device in unknown))
    others = "" if len(unknown) == len(devices) else " No process is on the other GPUs."
    probe, instances = session.key_of("processes-of"), session.key_of("view.instances")
    return f"{hosts} reports no GPU processes. {probe} on an instance ({instances}) inspects it over SSH.{others}"


def unseen(fleet: Fleet, scope: Ref, devices: Sequence[GpuDevice]) -> str:
    """Return why the processes of an instance that is probed are unknown; '' where they are not."""
    if not fleet.is_probed(scope):
        return ""
    if problem := fleet.probe_problem(scope):
        return problem
    seen = [device for device in devices if device.through == scope]
    if not seen and fleet.runtime(scope.account).uses_probes(Resource.GPUS):
        return "Connecting …"
    if any(device.process_count is None for device in seen):
        return "The processes on its GPUs are unknown: nvidia-smi lists none in there."
    return ""
