"""Programs that run others, wait for them and end processes."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from gputui.sim.machines.hosts import ShellProcess
from gputui.sim.shell.variables import Variables

from .options import parsed

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_TIMED_OUT = 124
_SIGNALS = {"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "TERM": 15}
SURVIVES_TERM = "hangs"
"""A process whose command has this word ends on KILL alone."""


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
        return await inner.finish(inner.invoke(rest[1:], functions=False))
    work = asyncio.ensure_future(inner.finish(inner.invoke(rest[1:], functions=False)))
    limit = asyncio.ensure_future(shell.world.clock.sleep(seconds))
    try:
        await asyncio.wait({work, limit}, return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else _TIMED_OUT
    finally:
        work.cancel()
        limit.cancel()


async def nice(shell: Shell, words: list[str]) -> int:
    """``nice [-n N] COMMAND...``, ``nohup COMMAND...``, ``setsid COMMAND...``, ``stdbuf -oL COMMAND...``"""
    _, rest = parsed(words, "n:o:e:i:c:", stop=True)
    if not rest:
        await shell.out("0\n")
        return 0
    inner = shell.fork()
    return await inner.finish(inner.invoke(rest, functions=False))


async def env(shell: Shell, words: list[str]) -> int:
    """``env [-i] [NAME=VALUE...] [COMMAND...]``"""
    inner = shell.fork()
    rest = words[1:]
    if rest[:1] in (["-i"], ["-"]):
        inner.variables = Variables()
    while rest and (rest[0].startswith("-") or "=" in rest[0]):
        name, equals, value = rest.pop(0).partition("=")
        if equals:
            await inner.assign(name, value, export=True)
    if rest:
        return await inner.finish(inner.invoke(rest, functions=False))
    await shell.out("".join(f"{name}={value}\n" for name, value in inner.variables.environment().items()))
    return 0


async def printenv(shell: Shell, words: list[str]) -> int:
    """``printenv [NAME...]``"""
    values = shell.variables.environment()
    if not words[1:]:
        await shell.out("".join(f"{name}={value}\n" for name, value in values.items()))
    for name in words[1:]:
        await shell.out(f"{values[name]}\n" if name in values else "")
    return int(any(name not in values for name in words[1:]))


async def wait(shell: Shell, words: list[str]) -> int:
    """``wait [PID...]``: until jobs have ended; the status is that of the last one named."""
    waiting, status = shell.session.jobs, 0
    for word in words[1:] or list(map(str, waiting)):
        job = waiting.pop(int(word), None) if word.isdecimal() and len(word) < 10 else None
        ended = 127 if job is None else await job.status()
        status = ended if words[1:] else 0
    return status


async def jobs(shell: Shell, words: list[str]) -> int:
    for number, (pid, job) in enumerate(shell.session.jobs.items(), 1):
        await shell.out(f"[{number}]  {pid} {job.state}\n")
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
