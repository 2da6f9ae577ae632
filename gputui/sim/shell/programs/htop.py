"""The full-screen program of the simulated shell: a process monitor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gputui.sim.machines.hardware import MIB

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J", "\x1b[?25h\x1b[?1049l"
_QUIT = ("q", "Q", "\x03", "\x1b[21~")
_REFRESH_SECONDS = 1.5


async def htop(shell: Shell, words: list[str]) -> int:
    """Show load and GPU processes, redrawn at an interval, on keys and on a new window size; q quits."""
    if shell.screen is None:
        await shell.error("Error opening terminal: unknown.")
        return 1
    screen = shell.screen
    await screen.write(_ENTER)
    try:
        cursor = 0
        while True:
            shell.world.advance()
            rows = _process_rows(shell)
            cursor = max(0, min(cursor, len(rows) - 1))
            await screen.write(_monitor(shell, rows, cursor, screen.size))
            key = await screen.key(_REFRESH_SECONDS)
            if key is not None and key.startswith(_QUIT):
                return 0
            cursor += {"j": 1, "\x1b[B": 1, "\x1bOB": 1, "k": -1, "\x1b[A": -1, "\x1bOA": -1}.get(key or "", 0)
    finally:
        await screen.write(_LEAVE)


def _process_rows(shell: Shell) -> list[str]:
    now = shell.world.time
    rows = []
    for process in shell.host.processes.values():
        if shell.pod is None or process.pod == shell.pod.name:
            used = process.gpu_memory_at(now)
            cpu = process.load * 100 * (1 + 0.1 * math.sin(now + process.phase))
            gpu_memory = "-" if used is None else f"{used // MIB}M"
            memory = f"{process.memory_at(now) // MIB}M"
            rows.append(f"{process.pid:>7} root {cpu:>6.1f} {memory:>7} {gpu_memory:>8}  {process.command}")
    rows.append(f"{max(shell.host.shells, default=4711):>7} root {0.3:>6.1f} {'5M':>7} {'-':>8}  -bash")
    rows.append(f"{1:>7} root {0.0:>6.1f} {'9M':>7} {'-':>8}  /usr/sbin/sshd -D")
    return rows


def _monitor(shell: Shell, rows: list[str], cursor: int, size: tuple[int, int]) -> str:
    columns, height = size
    now = shell.world.time
    width = max(10, columns - 16)
    lines = []
    for core in range(min(4, max(0, height - 4))):
        share = 0.5 + 0.4 * math.sin(now / (3 + core) + core)
        filled = round(width * share)
        lines.append(f"{core:>3} \x1b[32m[{'|' * filled}{' ' * (width - filled)}]\x1b[0m {share * 100:5.1f}%")
    place = f"{shell.hostname}, {columns}x{height}"
    title = f"{'PID':>7} {'USER':<4} {'CPU%':>6} {'RES':>7} {'GPUMEM':>8}  Command   ({place})"
    lines.append(f"\x1b[30;42m{title[:columns]:<{columns}}\x1b[0m")
    room = max(0, height - len(lines) - 1)
    for number, row in enumerate(rows[:room]):
        text = f"{row[:columns]:<{columns}}"
        lines.append(f"\x1b[30;46m{text}\x1b[0m" if number == cursor else text)
    lines += [""] * (height - 1 - len(lines))
    footer = "F10 q Quit   j k Move"[:columns]
    return "\x1b[H" + "".join(f"{line}\x1b[K\r\n" for line in lines[: height - 1]) + f"{footer}\x1b[K"
