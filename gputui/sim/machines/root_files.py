"""The files of a simulated machine or container: what an image has, ``/proc`` from the world, logs that grow."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from .containers import Pod
from .filesystem import FileSystem
from .hosts import Host
from .nodes import FILE_LIMIT, ComputedDirectory, Device, Growing, Space
from .proc import kfd_entries, proc_entries
from .world import World

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
    files.mount("/proc", ComputedDirectory(content=lambda: proc_entries(host, pod)))
    files.mount("/var/log/train.log", Growing(modified=world.time, content=lambda: training_log(world)))
    if "rocm-smi" in system.tools and pod is None:
        files.mount("/sys/class/kfd/kfd/proc", ComputedDirectory(content=lambda: kfd_entries(host)))
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
