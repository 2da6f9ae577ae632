"""From the look at a host to models: its row, its containers, its stock. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gputui.api.common.docker import FROZEN, PHASES
from gputui.api.ssh.facts import Container, Facts
from gputui.api.ssh.hosts import Host
from gputui.late_dataclasses import dataclass
from gputui.models import (
    GpuDevice,
    GpuProcess,
    Instance,
    Machine,
    Offer,
    Phase,
    PortMapping,
    Ref,
    SSHTarget,
)

UP, UNREACHABLE, UNREAD = "up", "unreachable", "unknown"
"""The states of a host: it answered; nothing answers at its address; it was not read for another reason."""
_PHASES = {
    **PHASES,
    "configured": Phase.STOPPED,
    "initialized": Phase.STOPPED,
    "stopped": Phase.STOPPED,
    "stopping": Phase.STOPPING,
}
"""The phases of docker's states and of those that podman has in addition."""
IDLE_UTILIZATION = 5.0
"""Below it a GPU is without load, in percent."""
IDLE_MEMORY = 2**30
"""Bytes in use on a GPU without processes, by drivers and desktops."""
_BOOT_SPREAD = timedelta(seconds=30)
"""How far the times of one boot, each from the uptime of a look, lie apart at most."""


@dataclass(frozen=True, slots=True)
class HostRows:
    """The rows of one host."""

    instance: Instance
    containers: tuple[Instance, ...] = ()
    gpus: tuple[GpuDevice, ...] = ()
    processes: tuple[GpuProcess, ...] = ()


# --- instances ----------------------------------------------------------------------------------------------------


def through(host: Host) -> SSHTarget:
    """Return the target for scripts at a host: with the row whose connection is used."""
    return replace(host.target, host_row=host.ref)


def to_host(
    host: Host,
    facts: Facts,
    gpus: Sequence[GpuDevice],
    problem: str,
    at: datetime,
    last: Instance | None,
    *,
    complete: bool,
) -> Instance:
    """Return the row of a host that was read. ``last`` is the row before, for what stays the same between looks.

    ``complete``: no GPU was unreadable.
    """
    whole = [row for row in gpus if not row.mig]
    before = last.machine if last is not None else None
    same_boot = before is not None and before.boot_id == facts.boot_id
    models = {row.model for row in whole if row.model}
    known = last.gpu_count if last is not None and same_boot else None
    lost = sum(row.problem is not None and "is lost" in row.problem for row in whole)
    if complete:
        # A GPU that has disappeared is still one of the machine: it is reported as lost.
        gpu_count: int | None = max(len(whole), known or 0)
        lost += max(0, (known or 0) - len(whole))
    else:
        gpu_count = known
        lost = max(lost, before.gpus_lost if before is not None and same_boot else 0, int("has lost" in problem))
    started = None if facts.uptime is None else (at - timedelta(seconds=facts.uptime)).replace(microsecond=0)
    if started is not None and last is not None and last.started_at is not None and same_boot:
        # Two looks at one boot differ by the time that they took: the row would change with each.
        started = last.started_at if abs(started - last.started_at) < _BOOT_SPREAD else started
    memories = [row.memory_total for row in whole if not row.memory_shared]
    return Instance(
        ref=host.ref,
        name=host.name,
        phase=Phase.RUNNING,
        status=UP,
        aliases=(facts.name,) if facts.name and facts.name != host.name else (),
        gpu_model=next(iter(models)) if len(models) == 1 else ", ".join(sorted(models)) or None,
        gpu_count=gpu_count,
        gpu_memory=sum(size for size in memories if size is not None) or None if None not in memories else None,
        cpu_count=facts.cpus,
        memory_limit=facts.memory_total,
        disk_size=facts.root.size if facts.root else None,
        host=host.name,
        started_at=started,
        ssh=host.target,
        machine=Machine(
            reachable=True,
            boot_id=facts.boot_id,
            kernel=facts.kernel,
            driver=facts.driver,
            cuda=facts.cuda,
            load=facts.load,
            memory_used=facts.memory_used,
            disk_used=facts.root.used if facts.root else None,
            home_size=facts.home.size if facts.home else None,
            home_used=facts.home.used if facts.home else None,
            users=facts.users,
            gpus_lost=lost,
            containers_problem="; ".join(dict.fromkeys(facts.unlisted.values())),
        ),
        problem=problem or None,
    )


def not_read(host: Host, problem: str, last: Instance | None, *, reachable: bool | None) -> Instance:
    """Return the row of a host that could not be read; ``reachable`` is None where that is unknown.

    Of the row before it keeps what a machine does not lose: its GPUs, processors, sizes, and its last boot.
    """
    before = last.machine if last is not None else None
    kept = last if last is not None else Instance(host.ref, host.name, Phase.UNKNOWN, UNREAD, ssh=host.target)
    blank = before or Machine(None)
    machine = Machine(reachable, blank.boot_id, blank.kernel, blank.driver, blank.cuda, gpus_lost=blank.gpus_lost)
    return replace(
        kept,
        phase=Phase.UNKNOWN,
        status=UNREACHABLE if reachable is False else UNREAD,
        ssh=host.target,
        machine=machine,
        problem=problem,
    )


def unlisted(facts: Facts, last: Sequence[Instance]) -> Iterator[Instance]:
    """Yield the containers of the last look whose engine lists none now: they are unknown, and not gone."""
    for row in last:
        engine = row.ssh.enter[0] if row.ssh is not None else ""
        if (reason := facts.unlisted.get(engine)) is not None:
            yield _unread_container(row, f"{row.name} was not listed: {reason}")


def _unread_container(row: Instance, problem: str) -> Instance:
    return replace(row, phase=Phase.UNKNOWN, status=UNREAD, frozen=False, problem=problem)


def to_containers(host: Host, facts: Facts, gpus: Sequence[GpuDevice]) -> dict[str, Instance]:
    """Return the rows of the containers by id."""
    rows = dict[str, Instance]()
    taken = set[str]()
    for one in facts.containers:
        name = one.name if one.name not in taken else f"{one.engine}:{one.name}"
        taken.add(name)
        rows[one.id] = _container(host, one, name, gpus)
    return rows


def _container(host: Host, one: Container, name: str, gpus: Sequence[GpuDevice]) -> Instance:
    places = {row.uuid: row.index for row in gpus if row.uuid} | {str(row.index): row.index for row in gpus}
    indices = [places[gpu] for gpu in one.gpus if gpu in places] if one.gpus is not None else None
    if indices is not None and one.gpus is not None and len(indices) != len(one.gpus):
        indices = None
    models = {row.model for row in gpus if row.model and (one.all_gpus or row.index in (indices or ()))}
    phase = _PHASES.get(one.status.lower(), Phase.UNKNOWN)
    return Instance(
        ref=Ref(host.ref.account, "container", f"{host.ref.id}/{name}"),
        name=f"{host.name}/{name}",  # sorted, it is under its host; containers of several hosts may share a name
        aliases=(one.name,),
        phase=phase,
        status=one.status or "unknown",
        parent=host.ref,
        frozen=one.status.lower() == FROZEN,
        image=one.image or None,
        gpu_model=next(iter(models)) if len(models) == 1 else None,
        gpu_count=len(one.gpus) if one.gpus is not None else None,
        gpu_indices=tuple(sorted(indices)) if indices is not None else None,
        gpu_all=one.all_gpus,
        host=host.name,
        ports=tuple(PortMapping(*port) for port in one.ports),
        created_at=one.created,
        started_at=one.started,
        stopped_at=None if phase is Phase.RUNNING else one.finished,
        ssh=replace(host.target, enter=(one.engine, one.id), host_row=host.ref),
        container_id=one.id,
    )


# --- stock --------------------------------------------------------------------------------------------------------


def is_idle(device: GpuDevice) -> bool:
    """Return whether a GPU has neither processes nor load. One whose processes are unknown is not idle."""
    sample = device.sample
    if device.problem is not None or device.process_count != 0 or sample is None:
        return False
    return (sample.utilization or 0.0) < IDLE_UTILIZATION and (device.memory_used or 0) < IDLE_MEMORY


def to_offers(rows: Sequence[HostRows]) -> Iterator[Offer]:
    """Yield the stock: the GPUs of each host by their model, and those of them that are certainly idle."""
    for one in rows:
        name, problem = one.instance.name, one.instance.problem
        by_model = defaultdict[str, list[GpuDevice]](list)
        for device in one.gpus:
            if not device.mig:
                by_model[device.model or "GPU"].append(device)
        for model, devices in by_model.items():
            unseen = all(device.process_count is None for device in devices)
            yield Offer(
                Ref(one.instance.ref.account, "offer", f"{one.instance.ref.id}/{model}"),
                gpu_model=model,
                region=name,
                idle=sum(map(is_idle, devices)),
                total=len(devices),
                gpu_memory=devices[0].memory_total,
                problem=problem or ("their processes are unknown, so that none counts as idle" if unseen else None),
            )


def outdated(rows: HostRows, instance: Instance) -> HostRows:
    """Return the last rows of a host that could not be read now: each with the reason.

    A sample is of a moment: those that were read before are no current figures.
    """
    problem = instance.problem or ""
    return HostRows(
        instance,
        tuple(_unread_container(row, problem) for row in rows.containers),
        tuple(
            replace(row, problem=row.problem or problem, sample=None, last=row.sample or row.last)
            for row in rows.gpus
        ),
        tuple(replace(row, problem=row.problem or problem) for row in rows.processes),
    )
