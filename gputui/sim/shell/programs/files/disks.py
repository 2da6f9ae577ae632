"""Programs about the room on disks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gputui.sim.machines.system import Disk
from gputui.sim.shell.programs.options import parsed

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell


async def du(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "sbhka")
    unit = 1 if "b" in options else 1024
    for name in names or ["."]:
        total = sum(node.size for _, node in shell.files.walk(shell.path(name)))
        size = human(total) if "h" in options else str(-(-total // unit))
        await shell.out(f"{size}\t{name}\n")
    return 0


async def df(shell: Shell, words: list[str]) -> int:
    """``df [-Phk] [PATH...]``: what is on the disks of the machine, with the files made here."""
    options, names = parsed(words, "Phkal")
    disks = list(_disks(shell))
    status = 0
    rows = []
    for name in names or [disk.place for disk in disks]:
        path = shell.path(name)
        if not shell.files.exists(path) and path not in [disk.place for disk in disks]:
            await shell.error(f"df: {name}: No such file or directory")
            status = 1
            continue
        rows.append(max((disk for disk in disks if _below(path, disk.place)), key=lambda disk: len(disk.place)))
    heading = "Size  Used Avail Use%" if "h" in options else "1024-blocks Used Available Capacity"
    lines = [f"Filesystem     {heading} Mounted on\n"]
    for disk in dict.fromkeys(rows):
        free = disk.size - disk.used
        sizes = [human(size) if "h" in options else str(size // 1024) for size in (disk.size, disk.used, free)]
        lines.append(f"{disk.device:<14} {' '.join(sizes)} {round(100 * disk.used / disk.size)}% {disk.place}\n")
    if rows:
        await shell.out("".join(lines))
    return status


def _disks(shell: Shell) -> Iterator[Disk]:
    made = shell.files.space.used
    for disk in shell.host.system.disks:
        used = disk.used + (made if disk.place == "/" else 0)
        yield Disk(disk.place, "overlay" if shell.pod and disk.place == "/" else disk.device, disk.size, used)


def _below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place.rstrip('/')}/")


def human(size: float) -> str:
    """Return a size as ``df -h`` does."""
    for unit in ("", "K", "M", "G"):
        if size < 1024:
            return f"{size:.0f}{unit}" if size >= 10 or not unit else f"{size:.1f}{unit}"
        size /= 1024
    return f"{size:.1f}T"
