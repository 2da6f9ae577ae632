"""The commands of the simulated shell. Each writes to the shell and returns an exit status."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice, repeat
from typing import TYPE_CHECKING

from .htop import htop
from .nvidia_smi import nvidia_smi
from .ps import ps
from .syntax import ShellExitError

if TYPE_CHECKING:
    from .shell import Shell

Program = Callable[["Shell", list[str]], Awaitable[int]]
_CHUNK_LINES = 4096


def _constant(status: int) -> Program:
    async def program(shell: Shell, words: list[str]) -> int:
        return status

    return program


def _text(text: Callable[[Shell], str]) -> Program:
    async def program(shell: Shell, words: list[str]) -> int:
        await shell.out(text(shell))
        return 0

    return program


async def _test(shell: Shell, words: list[str]) -> int:
    """``[ A = B ]``, ``[ A != B ]``, ``[ A ]``."""
    terms = words[1:-1]
    if len(terms) == 3 and terms[1] in ("=", "!="):
        return int((terms[0] == terms[2]) != (terms[1] == "="))
    return int(not (terms and terms[0]))


async def _exit(shell: Shell, words: list[str]) -> int:
    text = words[1] if len(words) > 1 else str(shell.status)
    if not re.fullmatch(r"-?\d{1,18}", text):
        await shell.error(f"{shell.name}: exit: {text}: numeric argument required")
        raise ShellExitError(2)
    raise ShellExitError(int(text) % 256)


async def _echo(shell: Shell, words: list[str]) -> int:
    await shell.out(" ".join(words[1:]) + "\n")
    return 0


async def _export(shell: Shell, words: list[str]) -> int:
    shell.env |= {name: value for name, equals, value in (word.partition("=") for word in words[1:]) if equals}
    return 0


async def _cd(shell: Shell, words: list[str]) -> int:
    path = shell.path(words[1] if len(words) > 1 else shell.home)
    if not shell.is_directory(path):
        problem = "Not a directory" if path in shell.files else "No such file or directory"
        await shell.error(f"{shell.name}: cd: {words[1]}: {problem}")
        return 1
    shell.cwd = path
    return 0


async def _ls(shell: Shell, words: list[str]) -> int:
    """``ls [-adl] [PATH...]``"""
    flags = "".join(word[1:] for word in words[1:] if word.startswith("-"))
    status = 0
    for name in [word for word in words[1:] if not word.startswith("-")] or ["."]:
        path = shell.path(name)
        if path in shell.files or ("d" in flags and shell.is_directory(path)):
            await shell.out(_listing(shell, [(name, path)], flags))
        elif shell.is_directory(path):
            await shell.out(_listing(shell, _entries(shell, path, "a" in flags), flags))
        else:
            await shell.error(f"ls: cannot access '{name}': No such file or directory")
            status = 2
    return status


async def _cat(shell: Shell, words: list[str]) -> int:
    status = 0
    for name in words[1:]:
        path = shell.path(name)
        if path in shell.files:
            await shell.out(shell.files[path])
            continue
        problem = "Is a directory" if shell.is_directory(path) else "No such file or directory"
        await shell.error(f"cat: {name}: {problem}")
        status = 1
    return status


async def _stty(shell: Shell, words: list[str]) -> int:
    """``stty size``: rows and columns of the terminal."""
    if shell.screen is None:
        await shell.error("stty: 'standard input': Inappropriate ioctl for device")
        return 1
    columns, rows = shell.screen.size
    await shell.out(f"{rows} {columns}\n" if "size" in words else "")
    return 0


async def _yes(shell: Shell, words: list[str]) -> int:
    await _write(shell, repeat("y"))
    return 0


async def _seq(shell: Shell, words: list[str]) -> int:
    """``seq LAST`` or ``seq FIRST LAST``"""
    if not words[1:] or not all(re.fullmatch(r"-?\d{1,12}", word) for word in words[1:]):
        await shell.error("seq: missing or invalid operand")
        return 1
    first, last = (["1", *words[1:]])[-2:]
    await _write(shell, map(str, range(int(first), int(last) + 1)))
    return 0


async def _sleep(shell: Shell, words: list[str]) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?|infinity)([smhd]?)", words[1] if len(words) > 1 else "")
    if not found:
        await shell.error(
            "sleep: missing operand" if len(words) == 1 else f"sleep: invalid time interval '{words[1]}'"
        )
        return 1
    await shell.sleep(float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]])
    return 0


async def _sh(shell: Shell, words: list[str]) -> int:
    """``sh -c LINE``"""
    if "-c" not in words[:-1]:
        return 0
    try:
        return await shell.run(words[words.index("-c") + 1])
    except ShellExitError as ended:
        return ended.status


async def _command(shell: Shell, words: list[str]) -> int:
    """``command -v NAME...``: where programs are."""
    names = [word for word in words[1:] if not word.startswith("-")]
    found = [name for name in names if name in COMMANDS]
    await shell.out("".join(f"/usr/bin/{name}\n" for name in found))
    return 0 if found and len(found) == len(names) else 1


COMMANDS: dict[str, Program] = {
    "[": _test,
    "bash": _sh,
    "cat": _cat,
    "cd": _cd,
    "clear": _text(lambda shell: "\x1b[H\x1b[2J\x1b[3J"),
    "command": _command,
    "echo": _echo,
    "env": _text(lambda shell: "".join(f"{name}={value}\n" for name, value in shell.env.items())),
    "exit": _exit,
    "export": _export,
    "false": _constant(1),
    "help": _text(lambda shell: f"A simulated shell. Its commands: {' '.join(sorted(COMMANDS))}\n"),
    "hostname": _text(lambda shell: f"{shell.hostname}\n"),
    "htop": htop,
    "logout": _exit,
    "ls": _ls,
    "nvidia-smi": nvidia_smi,
    "ps": ps,
    "pwd": _text(lambda shell: f"{shell.cwd}\n"),
    "seq": _seq,
    "sh": _sh,
    "sleep": _sleep,
    "stty": _stty,
    "top": htop,
    "true": _constant(0),
    "which": _command,
    "whoami": _text(lambda shell: f"{shell.user}\n"),
    "yes": _yes,
}


async def _write(shell: Shell, lines: Iterable[str]) -> None:
    """Write lines in blocks and yield to other tasks between them, so that megabytes do not block the loop."""
    iterator = iter(lines)
    while block := list(islice(iterator, _CHUNK_LINES)):
        await shell.out("\n".join(block) + "\n")
        await asyncio.sleep(0)


def _entries(shell: Shell, directory: str, hidden: bool) -> list[tuple[str, str]]:
    prefix = directory.rstrip("/") + "/"
    names = {path[len(prefix) :].split("/")[0] for path in shell.files if path.startswith(prefix)}
    return [(name, prefix + name) for name in sorted(names) if hidden or not name.startswith(".")]


def _listing(shell: Shell, entries: list[tuple[str, str]], flags: str) -> str:
    colour = shell.screen is not None
    shown = []
    for name, path in entries:
        directory = shell.is_directory(path)
        label = f"\x1b[01;34m{name}\x1b[0m" if directory and colour else name
        if "l" in flags:
            size = 4096 if directory else len(shell.files[path].encode())
            mode, owner = "drwxr-xr-x" if directory else "-rw-r--r--", f"{shell.user} {shell.user}"
            label = f"{mode} 1 {owner} {size:>8} Jul  1 09:12 {label}"
        shown.append(label)
    return "".join(f"{label}\n" for label in shown) if "l" in flags or not colour else "  ".join(shown) + "\n"
