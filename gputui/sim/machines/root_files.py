"""The files of a simulated machine or container: what an image has, ``/proc`` from the world, logs that grow."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from gputui.sim.machines.files import (
    FILE_LIMIT,
    Computed,
    ComputedDirectory,
    Device,
    Directory,
    FileSystem,
    Growing,
    Node,
    Space,
)
from gputui.sim.machines.world import Gpu, Host, Pod, World

TICKS = 100
"""Clock ticks a second, in which ``/proc`` counts."""
LOG_SECONDS = 4.0
"""World seconds between two lines of a log."""
_LOG_AGE = 3600.0
_LOG_LINES = 4000


def files_of(host: Host, pod: Pod | None, user: str) -> FileSystem:
    """Return the files of a container, or of the host, made when they are first used, with the user's home."""
    owner = pod or host
    if owner.files is None:
        owner.files = _made(host, pod)
    home = "/root" if user == "root" else f"/home/{user}"
    if not owner.files.is_directory(home):
        _add_home(host.world, owner.files, home, user)
    return owner.files


def _made(host: Host, pod: Pod | None) -> FileSystem:
    world, system = host.world, host.system
    files = FileSystem(lambda: world.time, Space(FILE_LIMIT, world.space))
    hostname = pod.instance if pod else system.name or host.name
    version = system.distribution.split()[1] if " " in system.distribution else ""
    release = (
        f'PRETTY_NAME="{system.distribution}"\nNAME="{system.distribution.split()[0]}"\nVERSION_ID="{version[:5]}"\n'
    )
    files.put("/etc/hostname", f"{hostname}\n")
    files.put("/etc/os-release", release)
    files.put("/etc/image", f"{pod.image if pod else 'host'}\n")
    files.put("/workspace/README.md", "Shared with every pod of this user.\n")
    files.put("/workspace/data/shard-000.jsonl", '{"text": "hello"}\n{"text": "world"}\n')
    for place in ("/workspace", "/workspace/data", "/tmp"):  # noqa: S108  (of the simulated machine)
        if not files.is_directory(place):
            files.make_directory(place, "root")
        files.find(place).mode = 0o777
    files.mount("/dev/null", Device())
    files.mount("/dev/zero", Device(fill=b"\0"))
    files.mount("/proc", ComputedDirectory(content=lambda: _proc(host, pod)))
    files.mount("/var/log/train.log", Growing(modified=world.time, content=lambda: training_log(world)))
    if "rocm-smi" in system.tools and pod is None:
        files.mount("/sys/class/kfd/kfd/proc", ComputedDirectory(content=lambda: _kfd(host)))
    return files


def _add_home(world: World, files: FileSystem, home: str, user: str) -> None:
    files.make_directories(home, "root")
    directory = files.find(home)
    directory.owner, directory.mode = user, 0o750
    for name, content in (
        (".bashrc", "export PS1='\\u@\\h:\\w\\$ '\n"),
        ("train.py", "import torch\n\nprint(torch.cuda.device_count())\n"),
        ("notes.txt", "Wide: 日本語 한국어 🚀\nAccents: naïve café\n"),
    ):
        files.put(f"{home}/{name}", content, owner=user)


def training_log(world: World) -> str:
    """Return the lines of a training's log: an hour of them is there from the start, then one after the other."""
    start = math.floor(world.started - _LOG_AGE)
    count = min(_LOG_LINES, int((world.time - start) / LOG_SECONDS) + 1)
    lines = []
    for step in range(count):
        at = datetime.fromtimestamp(start + step * LOG_SECONDS, UTC)
        loss = 1.7 + 2.4 * math.exp(-step / 400) + 0.03 * math.sin(step * 1.7)
        problem = step % 97 == 96
        text = (
            "ERROR dataloader worker died, restarted" if problem else f"INFO step {step} loss {loss:.4f} lr 2.0e-05"
        )
        lines.append(f"{at:%Y-%m-%d %H:%M:%S} {text}\n")
    return "".join(lines)


def amd_key(gpu: Gpu) -> int:
    """Return the number that the kernel driver has for an AMD GPU, the tools' ``GUID``."""
    return zlib.crc32(gpu.uuid.encode()) % 60_000 + 1000


def _proc(host: Host, pod: Pod | None) -> Mapping[str, Node]:
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


def _kfd(host: Host) -> Mapping[str, Node]:
    """``/sys/class/kfd/kfd/proc``: the bytes that each process has on each GPU, by the GPU's key."""
    found: dict[str, Node] = {}
    now = host.world.time
    for pid, process in host.processes.items():
        entries: dict[str, Node] = {}
        for gpu in host.gpus:
            used = (process.gpu_memory_at(now) or 0) if gpu.index in process.gpus else 0
            entries[f"vram_{amd_key(gpu)}"] = Computed(content=partial(str, f"{used}\n"))
        found[str(pid)] = Directory(children=entries, modified=now)
    return found
