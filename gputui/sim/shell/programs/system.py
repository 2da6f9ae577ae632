"""Programs about the machine, its users, its processes and the shell's own work."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.sim.machines.hosts import ShellProcess
from gputui.sim.machines.proc import load_of, memory_used
from gputui.sim.shell.language.parser import ShellExitError

from .options import parsed

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_TIMED_OUT = 124
_SIGNALS = {"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "TERM": 15}
SURVIVES_TERM = "hangs"
"""A process whose command has this word ends on KILL alone."""


async def hostname(shell: Shell, words: list[str]) -> int:
    await shell.out(f"{shell.hostname}\n")
    return 0


async def uname(shell: Shell, words: list[str]) -> int:
    options = "".join(word[1:] for word in words[1:] if word.startswith("-")) or "s"
    facts = {
        "s": "Linux",
        "n": shell.hostname,
        "r": shell.host.system.kernel,
        "v": "#1 SMP",
        "m": "x86_64",
        "o": "GNU/Linux",
    }
    await shell.out(" ".join(text for letter, text in facts.items() if letter in options or "a" in options) + "\n")
    return 0


async def nproc(shell: Shell, words: list[str]) -> int:
    await shell.out(f"{shell.host.system.cpus}\n")
    return 0


async def getconf(shell: Shell, words: list[str]) -> int:
    values = {"_NPROCESSORS_ONLN": shell.host.system.cpus, "CLK_TCK": 100, "PAGESIZE": 4096, "PAGE_SIZE": 4096}
    if words[-1] not in values:
        await shell.error(f"getconf: Unrecognized variable `{words[-1]}'")
        return 2
    await shell.out(f"{values[words[-1]]}\n")
    return 0


async def id_(shell: Shell, words: list[str]) -> int:
    options, _ = parsed(words, "ungGr")
    number = 0 if shell.user == "root" else 1000
    if "u" in options or "g" in options:
        await shell.out(f"{shell.user if 'n' in options else number}\n")
    else:
        await shell.out(f"uid={number}({shell.user}) gid={number}({shell.user}) groups={number}({shell.user})\n")
    return 0


async def whoami(shell: Shell, words: list[str]) -> int:
    await shell.out(f"{shell.user}\n")
    return 0


async def who(shell: Shell, words: list[str]) -> int:
    now = shell.world.time
    for user in shell.host.system.users if shell.pod is None else ():
        at = datetime.fromtimestamp(now - user.hours * 3600, UTC)
        await shell.out(f"{user.user:<8} {user.terminal:<12} {at:%Y-%m-%d %H:%M} ({user.source})\n")
    return 0


async def uptime(shell: Shell, words: list[str]) -> int:
    now = shell.world.time
    seconds = int(now - shell.host.system.up_since(now))
    days, rest = divmod(seconds, 86_400)
    loads = ", ".join(f"{load:.2f}" for load in load_of(shell.host))
    users = len(shell.host.system.users)
    clock = datetime.fromtimestamp(now, UTC)
    up = f"{f'{days} days, ' if days else ''}{rest // 3600:2}:{rest // 60 % 60:02}"
    await shell.out(f" {clock:%H:%M:%S} up {up},  {users} users,  load average: {loads}\n")
    return 0


async def free(shell: Shell, words: list[str]) -> int:
    options, _ = parsed(words, "bkmgh")
    unit = next((1 << {"b": 0, "m": 20, "g": 30}[letter] for letter in "bmg" if letter in options), 1 << 10)
    total, used = shell.host.system.memory, memory_used(shell.host)
    cached = (total - used) // 3
    sizes = (total, used, total - used - cached, 0, cached, total - used)
    names = ("total", "used", "free", "shared", "buff/cache", "available")
    await shell.out("       " + "".join(f"{name:>12}" for name in names) + "\n")
    await shell.out("Mem:   " + "".join(f"{size // unit:>12}" for size in sizes) + "\n")
    return 0


async def date(shell: Shell, words: list[str]) -> int:
    at = datetime.fromtimestamp(shell.world.time, UTC)
    form = next((word[1:] for word in words[1:] if word.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    facts = {
        "s": str(int(shell.world.time)), "N": "000000000", "Y": f"{at:%Y}", "m": f"{at:%m}", "d": f"{at:%d}",
        "H": f"{at:%H}", "M": f"{at:%M}", "S": f"{at:%S}", "F": f"{at:%Y-%m-%d}", "T": f"{at:%H:%M:%S}",
        "a": f"{at:%a}", "b": f"{at:%b}", "e": f"{at.day:>2}", "Z": "UTC", "z": "+0000", "%": "%", "j": f"{at:%j}",
    }  # fmt: skip
    await shell.out(re.sub("%(.)", lambda found: facts.get(found[1], found[0]), form) + "\n")
    return 0


async def sleep(shell: Shell, words: list[str]) -> int:
    seconds = duration(words[1] if len(words) > 1 else "")
    if seconds is None:
        await shell.error(
            "sleep: missing operand" if len(words) == 1 else f"sleep: invalid time interval '{words[1]}'"
        )
        return 1
    await shell.sleep(seconds)
    return 0


def duration(text: str) -> float | None:
    """Return the seconds of ``10``, ``1.5m`` or ``infinity``; None for what is none."""
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,9})?|infinity)([smhd]?)", text)
    return float(found[1]) * _UNITS[found[2]] if found else None


async def timeout(shell: Shell, words: list[str]) -> int:
    """``timeout [-k SECONDS] [-s SIGNAL] SECONDS COMMAND...``; no limit acts in a frozen world."""
    _, rest = parsed(words, "k:s:v", long={"kill-after": "k:", "signal": "s:"}, stop=True)
    seconds = duration(rest[0]) if rest else None
    if seconds is None or len(rest) < 2:
        await shell.error("timeout: missing operand")
        return 125
    inner = shell.fork()
    if not shell.world.clock.speed or not seconds:
        return await _alone(inner, rest[1:])
    work = asyncio.ensure_future(_alone(inner, rest[1:]))
    limit = asyncio.ensure_future(shell.world.clock.sleep(seconds))
    try:
        await asyncio.wait({work, limit}, return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else _TIMED_OUT
    finally:
        work.cancel()
        limit.cancel()


async def _alone(shell: Shell, words: list[str]) -> int:
    try:
        return await shell.invoke(words, functions=False)
    except ShellExitError as ended:
        return ended.status


async def nice(shell: Shell, words: list[str]) -> int:
    """``nice [-n N] COMMAND...``, ``nohup COMMAND...``, ``setsid COMMAND...``, ``stdbuf -oL COMMAND...``"""
    _, rest = parsed(words, "n:o:e:i:c:", stop=True)
    if not rest:
        await shell.out("0\n")
        return 0
    return await _alone(shell.fork(), rest)


async def env(shell: Shell, words: list[str]) -> int:
    inner = shell.fork()
    rest = words[1:]
    while rest and (rest[0].startswith("-") or "=" in rest[0]):
        name, equals, value = rest.pop(0).partition("=")
        if equals:
            inner.assign(name, value)
            inner.exported.add(name)
    if rest:
        return await _alone(inner, rest)
    await shell.out("".join(f"{name}={value}\n" for name, value in inner.environment().items()))
    return 0


async def kill(shell: Shell, words: list[str]) -> int:
    """``kill [-SIGNAL] PID...``: ends processes and shells of the user, of all users for root; -0 only looks.

    A shell is a process group of its own, which ``-PID`` names.
    """
    signal, rest = _SIGNALS["TERM"], words[1:]
    if rest[:1] == ["-s"]:
        signal, rest = _signal(rest[1] if len(rest) > 1 else ""), rest[2:]
    elif rest and re.fullmatch(r"-(\d{1,2}|[A-Z]+)", rest[0]):
        signal, rest = _signal(rest[0][1:]), rest[1:]
    status = 0
    for word in rest[1:] if rest[:1] == ["--"] else rest:
        pid = int(word.lstrip("-")) if re.fullmatch(r"-?\d{1,9}", word) else 0
        problem = _ended(shell, pid, signal)
        if problem:
            await shell.error(f"{shell.name}: kill: ({word}) - {problem}")
            status = 1
    return status


def _ended(shell: Shell, pid: int, signal: int) -> str:
    """Send a signal to a process; what prevents it, "" for nothing."""
    found = shell.host.processes.get(pid) or shell.host.shells.get(pid)
    if found is None or (shell.pod is not None and found.pod != shell.pod.name):
        return "No such process"
    if shell.user not in ("root", found.user):
        return "Operation not permitted"
    if isinstance(found, ShellProcess):
        if signal:
            found.end(signal)
    elif signal == _SIGNALS["KILL"] or (signal and SURVIVES_TERM not in found.command):
        shell.host.end(found.pid)
    return ""


def _signal(text: str) -> int:
    return int(text) if text.isdecimal() else _SIGNALS.get(text.removeprefix("SIG"), 15)


async def stty(shell: Shell, words: list[str]) -> int:
    """``stty size``: rows and columns of the terminal."""
    if shell.screen is None:
        await shell.error("stty: 'standard input': Inappropriate ioctl for device")
        return 1
    columns, rows = shell.screen.size
    await shell.out(f"{rows} {columns}\n" if "size" in words else "")
    return 0


async def tty(shell: Shell, words: list[str]) -> int:
    await shell.out("/dev/pts/0\n" if shell.screen else "not a tty\n")
    return int(shell.screen is None)
