"""The objects in answers of the DeepDock API: images, containers, host and GPUs, in the document's notation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gputui.sim.http.answers import docker_time
from gputui.sim.machines.containers import Image, Pod
from gputui.sim.machines.hardware import MIB

from .host import SSH, DockHost, image_id

SHORT_ID = 12


def image_shape(image: Image) -> dict[str, Any]:
    """An image of the list; an untagged one has no tag."""
    return {
        "id": image_id(image),
        "tag": image.name or None,
        "digest": image.digest,
        "size_mb": size_mb(image),
    }


def container_shape(host: DockHost, pod: Pod, *, tells_port: bool = True) -> dict[str, Any]:
    """A container of the list, with the present tags of its image."""
    image = host.image(pod.image)
    return {
        "id": pod.container_id[:SHORT_ID],
        "name": pod.name,
        "status": pod.status,
        "image": [image.name] if image else [],
        "created": docker_time(pod.created, int(pod.container_id[-3:], 16) % 1000),
        "ssh-port": ssh_port(pod) if tells_port else None,
        "gpus": [str(index) for index in pod.gpu_ids or ()],
    }


def host_shape(host: DockHost, gpus: int) -> dict[str, Any]:
    """The resources of the host, total and free."""
    return {
        "gpu_count": gpus,
        "ram_total_mb": host.machine.ram // MIB,
        "ram_available_mb": host.ram_available() // MIB,
        "cpu_cores": host.machine.cores,
    }


def series_json(series: Iterable[tuple[int, Iterable[str]]]) -> bytes:
    """The samples of all GPUs, by index, out of samples that are JSON already."""
    return ("{" + ", ".join(f'"{index}": [{", ".join(samples)}]' for index, samples in series) + "}").encode()


def ssh_port(pod: Pod) -> int | None:
    """The SSH port of a running container."""
    return pod.host_ports.get(SSH)


def size_mb(image: Image) -> float:
    """An image's size in MiB, to two digits."""
    return round(image.size / MIB, 2)
