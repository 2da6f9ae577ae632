"""SSH access in a simulated Yotta: each VM and pod is a machine with its rented GPUs."""

from __future__ import annotations

import random

from gputui.sim.loopback import LOOPBACK
from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hardware import GIB
from gputui.sim.machines.hosts import Host, hexadecimal
from gputui.sim.machines.world import World

from .entities import Rental

SSH = 22
_COMMANDS = (
    "python train.py --config configs/base.yaml --bf16",
    "/opt/conda/bin/python -m vllm.entrypoints.openai.api_server --model Qwen/Qwen3-8B --port 8000",
    "/opt/conda/bin/python -m ipykernel_launcher -f /tmp/kernel-5f2c.json",
)


class _Machine(Host):
    own_ports = True


def open_shell(world: World, rng: random.Random, name: str, rental: Rental) -> None:
    """Open the SSH port of a VM or pod that starts to run, and start a process on its GPUs."""
    order = rental.order
    if rental.shell is None or rental.host is None:
        host = rental.host = _Machine(world, f"{name}-{rental.id}", rng=rng)
        host.add_gpus(order.gpus, order.kind.name, order.kind.memory * GIB)
        rental.shell = Pod(
            owner="",
            instance=order.name,
            image=order.image or "ubuntu-22.04",
            container_id=hexadecimal(host.rng, 64),
            created=rental.created,
            started=rental.created,
            gpu_ids=list(range(order.gpus)),
            env=dict(order.env),
        )
        host.add(rental.shell)
    rental.host.start(rental.shell)
    if order.gpus:
        used = int(order.kind.memory * GIB * rng.uniform(0.2, 0.9))
        rental.host.spawn(rental.shell, rng.choice(_COMMANDS), tuple(range(order.gpus)), used)


def close_shell(rental: Rental) -> None:
    """Close the port and its sessions; no effect on one that is closed."""
    if rental.host is not None and rental.shell is not None and rental.shell.running:
        rental.host.stop(rental.shell)


def login(rental: Rental) -> str:
    """The login command, "" while it does not run."""
    port = rental.shell.host_ports.get(SSH) if rental.shell is not None else None
    return f"ssh root@{LOOPBACK} -p {port}" if port else ""
