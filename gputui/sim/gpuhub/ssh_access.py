"""SSH access in a simulated cloud: the shell of a running container, its port, its load on the GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hosts import Host

from .entities import Container, Machine

if TYPE_CHECKING:
    from .cloud import Cloud


def open_shell(cloud: Cloud, container: Container) -> None:
    """Open the SSH port of a container and start a process on its GPUs."""
    machine, template = container.machine, container.deployment.order.template
    host = host_of(cloud, machine)
    pod = container.pod = Pod(
        owner="root",
        instance=container.uuid,
        image=template.image,
        container_id=container.uuid,
        created=container.created,
        started=container.started or container.created,
        status="running",
        gpu_ids=list(container.gpu_ids),
        memory_limit=machine.memory * len(container.gpu_ids),
        shm_size=machine.memory // 2,
        password=container.password,
        sees_processes=not container.deployment.unseen,
        env={
            "AutoDLContainerUUID": container.uuid,
            "AutoDLDeploymentUUID": container.deployment.uuid,
            "AutoDLDataCenter": machine.region,
        },
    )
    host.add(pod)
    host.connect(pod)
    used = int(machine.model.memory * cloud.rng.uniform(0.2, 0.9))
    # A sleeping command uses no GPU: another process does.
    command = "python -m ipykernel_launcher" if template.cmd.startswith("sleep") else template.cmd
    host.spawn(pod, command, tuple(container.gpu_ids), used)


def close_shell(container: Container) -> None:
    """Close the port and its sessions; no effect on a container that is closed."""
    if container.pod is not None and container.machine.host is not None:
        container.machine.host.remove(container.pod)
        container.pod = None


def host_of(cloud: Cloud, machine: Machine) -> Host:
    """The host of the shells on a machine."""
    if machine.host is None:
        machine.host = Host(cloud.world, machine.id, cloud=cloud.name, rng=cloud.rng)
        machine.host.add_gpus(machine.gpus, machine.model.name, machine.model.memory)
    return machine.host
