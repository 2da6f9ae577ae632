"""``/proc`` of a simulated machine, load and memory as it has them, and the files of AMD's driver."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from functools import partial

from .containers import Pod
from .hardware import Gpu
from .hosts import Host
from .nodes import Computed, Directory, Node

TICKS = 100
"""Clock ticks a second, in which ``/proc`` counts."""


def amd_key(gpu: Gpu) -> int:
    """Return the number that the kernel driver has for an AMD GPU, the tools' ``GUID``."""
    return zlib.crc32(gpu.uuid.encode()) % 60_000 + 1000


def proc_entries(host: Host, pod: Pod | None) -> Mapping[str, Node]:
    """Return the entries of ``/proc``: the machine, and its processes as far as the container sees them."""
    found: dict[str, Node] = {
        "uptime": Computed(content=lambda: _uptime(host)),
        "loadavg": Computed(content=lambda: _load(host)),
        "meminfo": Computed(content=lambda: _memory(host)),
        "version": Computed(content=lambda: f"Linux version {host.system.kernel} (gcc) #1 SMP\n"),
        "sys": Directory(
            children={
                "kernel": Directory(
                    children={
                        "hostname": Computed(content=lambda: f"{host.system.name or host.name}\n"),
                        "osrelease": Computed(content=lambda: f"{host.system.kernel}\n"),
                        "random": Directory(
                            children={"boot_id": Computed(content=lambda: f"{host.system.boot_id}\n")}
                        ),
                    }
                )
            }
        ),
    }
    for pid, process in host.processes.items():
        if pod is None or process.pod == pod.name:
            arguments, user, pages = process.command, process.user, process.memory_at(host.world.time) // 4096
            found[str(pid)] = _process(
                host, pid, arguments, user, process.started, pages, _container(host, process.pod)
            )
    for pid, shell in host.shells.items():
        if pod is None or shell.pod == pod.name:
            found[str(pid)] = _process(host, pid, "-bash", shell.user, shell.started, 1000, None)
    return found


def _container(host: Host, pod: str | None) -> str | None:
    return host.pods[pod].container_id if pod is not None and pod in host.pods else None


def _process(
    host: Host, pid: int, arguments: str, user: str, started: float, pages: int, container: str | None
) -> Directory:
    name = arguments.partition(" ")[0].rpartition("/")[2][:15]
    began = max(0, int((started - host.system.up_since(host.world.time)) * TICKS))
    stat = f"{pid} ({name}) S 1 {pid} {pid} 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 {began} {pages * 6000} {pages} 0\n"
    uid = 0 if user == "root" else 1000
    ids = "\t".join([str(uid)] * 4)
    status = f"Name:\t{name}\nState:\tS (sleeping)\nPid:\t{pid}\nPPid:\t1\nUid:\t{ids}\nVmRSS:\t{pages * 4:>8} kB\n"
    group = (
        f"/system.slice/docker-{container}.scope" if container else f"/user.slice/user-{uid}.slice/session-4.scope"
    )
    contents = {
        "stat": stat,
        "status": status,
        "cmdline": arguments.replace(" ", "\0") + "\0",
        "cgroup": f"0::{group}\n",
    }
    return Directory(
        user,
        0o555,
        started,
        {entry: Computed(user, content=partial(str, text)) for entry, text in contents.items()},
    )


def _uptime(host: Host) -> str:
    seconds = host.world.time - host.system.up_since(host.world.time)
    return f"{seconds:.2f} {seconds * host.system.cpus * 0.8:.2f}\n"


def load_of(host: Host) -> tuple[float, float, float]:
    """Return the load averages of the last minute, five and fifteen."""
    base = host.system.base_load + sum(process.load for process in host.processes.values()) * 2.5
    now = host.world.time
    return base * (1 + 0.1 * math.sin(now / 61)), base * (1 + 0.05 * math.sin(now / 301)), base


def _load(host: Host) -> str:
    one, five, fifteen = load_of(host)
    total = 400 + len(host.processes) + len(host.shells)
    return f"{one:.2f} {five:.2f} {fifteen:.2f} {max(1, round(one))}/{total} {max(host.shells, default=4711)}\n"


def memory_used(host: Host) -> int:
    """Return the bytes of main memory in use."""
    now = host.world.time
    used = (6 << 30) + sum(process.memory_at(now) for process in host.processes.values())
    return min(used, host.system.memory * 95 // 100)


def _memory(host: Host) -> str:
    total, used = host.system.memory, memory_used(host)
    cached = (total - used) // 3
    rows = (("MemTotal", total), ("MemFree", total - used - cached), ("MemAvailable", total - used - total // 50),
            ("Buffers", cached // 20), ("Cached", cached), ("SwapTotal", 0), ("SwapFree", 0))  # fmt: skip
    return "".join(f"{name + ':':<16}{size // 1024:>9} kB\n" for name, size in rows)


def kfd_entries(host: Host) -> Mapping[str, Node]:
    """Return those of ``/sys/class/kfd/kfd/proc``: the bytes that each process has on each GPU, by the GPU's key."""
    found: dict[str, Node] = {}
    now = host.world.time
    for pid, process in host.processes.items():
        entries: dict[str, Node] = {}
        for gpu in host.gpus:
            used = (process.gpu_memory_at(now) or 0) if gpu.index in process.gpus else 0
            entries[f"vram_{amd_key(gpu)}"] = Computed(content=partial(str, f"{used}\n"))
        found[str(pid)] = Directory(children=entries, modified=now)
    return found
