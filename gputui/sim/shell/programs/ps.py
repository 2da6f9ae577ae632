"""ps in a simulated container: its short list, and chosen columns with ``-o``."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_LEFT = ("args", "comm", "user", "tty")
"""Columns that align left."""
_DEFAULT = [("pid", "PID"), ("tty", "TTY"), ("time", "TIME"), ("comm", "CMD")]


@dataclass(frozen=True)
class _Row:
    """A process. ``resident`` in bytes, ``age`` and ``used`` in seconds."""

    pid: int
    user: str
    tty: str
    age: int
    used: int
    resident: int
    args: str


_COLUMNS: dict[str, tuple[str, int, Callable[[_Row], str]]] = {
    "pid": ("PID", 7, lambda row: str(row.pid)),
    "user": ("USER", 8, lambda row: row.user),
    "tty": ("TT", 8, lambda row: row.tty),
    "etimes": ("ELAPSED", 7, lambda row: str(row.age)),
    "time": ("TIME", 8, lambda row: f"{row.used // 3600:02}:{row.used // 60 % 60:02}:{row.used % 60:02}"),
    "rss": ("RSS", 6, lambda row: str(row.resident // 1024)),
    "comm": ("COMMAND", 15, lambda row: posixpath.basename(row.args.split(" ")[0]).strip(":-")[:15]),
    "args": ("COMMAND", 27, lambda row: row.args),
}


async def ps(shell: Shell, words: list[str]) -> int:
    """``ps [-o pid=,etimes=,rss=,args=] [-p 1,2,3]``; exit status 1 where there is no such process."""
    columns, pids, problem = _options(words[1:])
    if problem:
        await shell.error(f"error: {problem}\n\nUsage:\n ps [options]")
        return 1
    rows = [row for row in _rows(shell) if pids is None or row.pid in pids]
    await shell.out(_table(columns or _DEFAULT, rows))
    return 0 if rows else 1


def _options(words: list[str]) -> tuple[list[tuple[str, str]], set[int] | None, str]:
    """Return columns with their headings, pids (None for all), and the error in the options."""
    columns: list[tuple[str, str]] = []
    pids: set[int] | None = None
    rest = iter(words)
    for word in rest:
        flag, value = next(
            ((flag, word[len(flag) :]) for flag in ("--format", "--pid", "-o", "-p") if word.startswith(flag)),
            ("", ""),
        )
        if not flag:
            continue
        value = value.removeprefix("=") or next(rest, "")
        parts = [part for part in value.replace(",", " ").split() if part]
        if flag in ("--pid", "-p"):
            if not parts or not all(part.isdecimal() for part in parts):
                return [], None, "process ID list syntax error"
            pids = (pids or set()) | {int(part) for part in parts}
            continue
        for part in parts:
            name, equals, heading = part.partition("=")
            if name not in _COLUMNS:
                return [], None, f'unknown user-defined format specifier "{name}"'
            columns.append((name, heading if equals else _COLUMNS[name][0]))
    return columns, pids, ""


def _rows(shell: Shell) -> list[_Row]:
    now, pod = shell.world.time, shell.pod
    up = int(now - (pod.started if pod else shell.host.system.up_since(now)))
    rows = [
        _Row(1, "root", "?", up, 1, 9_216_000, "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"),
        *(
            _Row(pid - 1, other.user, "?", int(now - other.started), 0, 9_216_000, other.login)
            for pid, other in shell.host.shells.items()
            if other.login and (pod is None or other.pod == pod.name)
        ),
        *(
            _Row(pid, other.user, "pts/0", int(now - other.started), 0, 4_096_000, "-bash")
            for pid, other in shell.host.shells.items()
            if pod is None or other.pod == pod.name
        ),
    ]
    for process in shell.host.processes.values():
        if pod is None or process.pod == pod.name:
            age = int(now - process.started)
            used, memory = int(age * process.load), process.memory_at(now)
            rows.append(_Row(process.pid, process.user, "?", age, used, memory, process.command))
    return rows


def _table(columns: list[tuple[str, str]], rows: list[_Row]) -> str:
    lines = [_cells(columns, [heading for _, heading in columns])] if any(heading for _, heading in columns) else []
    lines += [_cells(columns, [_COLUMNS[name][2](row) for name, _ in columns]) for row in rows]
    return "".join(f"{line.rstrip(' ')}\n" for line in lines)


def _cells(columns: list[tuple[str, str]], texts: list[str]) -> str:
    return " ".join(
        text.ljust(_COLUMNS[name][1]) if name in _LEFT else text.rjust(_COLUMNS[name][1])
        for (name, _), text in zip(columns, texts, strict=True)
    )
