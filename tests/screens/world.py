"""Two hosts to look at, and the rows of which such hosts are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from gputui.errors import GputuiError
from gputui.models import (
    GpuDevice,
    GpuProcess,
    Image,
    Instance,
    Offer,
    PortMapping,
    Ref,
    Resource,
    SSHTarget,
)
from tests.fleet.fakes import START, FakeBackend, pod

GIB = 1 << 30
ALL_RESOURCES = (Resource.INSTANCES, Resource.GPUS, Resource.PROCESSES, Resource.STOCK, Resource.IMAGES)


def instance(account: str, name: str, status: str = "running", **more: Any) -> Instance:
    """Return an instance with everything a row can show."""
    given: dict[str, Any] = {
        "image": "nvidia/cuda:12.4.1-devel",
        "gpu_indices": (0,),
        "memory_limit": 64 * GIB,
        "host": f"{account}-host",
        "created_at": START.replace(hour=9),
        "raw": f'{{"name": "{account}", "mapped": []}}',
    }
    if status == "running":
        given |= {
            "ports": (PortMapping(23001, 22), PortMapping(23002, 8888)),
            "ssh": SSHTarget("127.0.0.1", 23001, "root"),
        }
    return replace(pod(account, name, status), **(given | more))


def process(account: str, gpu: int, pid: int, owner: str = "", gpu_memory: int | None = 0, **more: Any) -> GpuProcess:
    """Return a process on a GPU; one without ``owner`` is the host's own."""
    return GpuProcess(
        Ref(account, "process", f"{gpu}/{pid}"),
        f"{account}-host",
        gpu,
        pid,
        more.pop("command", f"python train.py --seed {pid}"),
        instance_name=owner,
        instance=Ref(account, "pod", owner) if owner else None,
        uptime=more.pop("uptime", 11_525.0),
        memory_used=more.pop("memory_used", 3 * GIB),
        gpu_memory_used=gpu_memory,
    )


def gpu(account: str, index: int, used: int | None, count: int, *owners: str, **more: Any) -> GpuDevice:
    """Return a GPU of 24 GiB."""
    return GpuDevice(
        Ref(account, "gpu", str(index)),
        f"{account}-host",
        index,
        model=more.pop("model", "RTX 4090"),
        memory_total=more.pop("memory_total", 24 * GIB),
        memory_used=used,
        process_count=count,
        instances=owners,
        **more,
    )


def offer(account: str, model: str, idle: int | None, total: int | None, **more: Any) -> Offer:
    """Return an offer in the account's own host, or in ``region``."""
    region = more.pop("region", account)
    return Offer(Ref(account, "offer", f"{region}/{model}"), model, region, idle=idle, total=total, **more)


def image(account: str, name: str, tag: str = "latest", *, own: bool = False, **more: Any) -> Image:
    """Return an image."""
    return Image(Ref(account, "image", f"{name}:{tag}"), name, tag, own=own, size=more.pop("size", 8 * GIB), **more)


def backend(account: str, rows: Iterable[Instance] = (), **resources: Sequence[Any]) -> FakeBackend:
    """Return a back end that lists everything, with these instances, and what else is named."""
    fake = FakeBackend(account, ALL_RESOURCES)
    fake.rows[Resource.INSTANCES] = list(rows)
    for name, given in resources.items():
        fake.rows[Resource(name)] = list(given)
    return fake


def fail(fake: FakeBackend, error: GputuiError) -> None:
    """Make every question fail."""
    for resource in (*fake.rows, "identify", "fetch"):
        fake.errors[resource] = error


def lab() -> FakeBackend:
    """Return a host with a bit of everything."""
    return backend(
        "lab",
        [
            instance("lab", "train", gpu_indices=(0, 1), gpu_model="RTX 4090"),
            instance("lab", "jupyter", gpu_all=True),
            instance("lab", "eval", "exited", gpu_indices=()),
            instance("lab", "fresh", "created", image="pytorch/pytorch:2.5"),
            instance("lab", "odd", "removing", problem="inspect failed: 500"),
        ],
        gpus=[
            gpu("lab", 0, 23 * GIB, 2, "train"),
            gpu("lab", 1, 6 * GIB, 2, "train", "jupyter"),
            gpu("lab", 2, 0, 0),
            gpu("lab", 3, None, 1),
        ],
        processes=[
            process("lab", 0, 4001, "train", 22 * GIB),
            process("lab", 0, 1200, "", GIB, command="/usr/lib/xorg/Xorg vt2"),
            process("lab", 1, 4002, "train", 2 * GIB),
            process("lab", 1, 5001, "jupyter", 4 * GIB, command="python -m ipykernel_launcher -f kernel.json"),
            process("lab", 3, 6001, "someone-else", None, command="./bench"),
        ],
        stock=[offer("lab", "RTX 4090", 2, 4, gpu_memory=24 * GIB)],
        images=[image("lab", "nvidia/cuda", "12.4.1-devel"), image("lab", "alice-snapshot", "v1", own=True)],
    )


def attic() -> FakeBackend:
    """Return a second host, with one instance."""
    return backend(
        "attic",
        [instance("attic", "render", image="blender:4")],
        gpus=[gpu("attic", 0, 0, 0, model="A100 80G")],
        stock=[offer("attic", "A100 80G", 0, 1, gpu_memory=80 * GIB)],
        images=[image("attic", "blender", "4")],
    )
