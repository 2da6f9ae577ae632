"""The commands of the simulated shell. Each writes to the shell and returns an exit status."""

from __future__ import annotations

import posixpath
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from gputui.sim.machines.system import TOOLS
from gputui.sim.shell.programs.docker import docker
from gputui.sim.shell.programs.files import listing as filetools
from gputui.sim.shell.programs.gpus.amd import amd_smi, rocm_smi
from gputui.sim.shell.programs.gpus.nvidia_smi import nvidia_smi
from gputui.sim.shell.programs.htop import htop
from gputui.sim.shell.programs.ps import ps
from gputui.sim.shell.programs.text import filters as text

from . import builtins, journal, system

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

Program = Callable[["Shell", list[str]], Awaitable[int]]
_OF_THE_HOST = frozenset({"docker", "journalctl", "podman", "systemctl"})
"""Tools that the containers of a machine do not have."""


async def _which(shell: Shell, words: list[str]) -> int:
    """``command -v NAME...`` and ``which NAME...``: where programs are; ``command NAME ...`` runs one."""
    words = words[1:]
    looks = words[:1] in (["-v"], ["-V"])
    names = words[1:] if looks else words
    status = 0 if names else 1
    for name in names:
        if name in shell.functions or name in BUILTINS:
            await shell.out(f"{name}\n")
        elif find_program(shell, name) is not None:
            await shell.out(f"{name if '/' in name else f'/usr/bin/{name}'}\n")
        else:
            status = 1
    return status


async def _command(shell: Shell, words: list[str]) -> int:
    if len(words) > 1 and not words[1].startswith("-"):
        return await shell.invoke(words[1:], functions=False)
    return await _which(shell, words)


async def _help(shell: Shell, words: list[str]) -> int:
    names = sorted({*BUILTINS, *PROGRAMS} - {name for name in TOOLS if find_program(shell, name) is None})
    await shell.out(f"A simulated shell. Its commands: {' '.join(names)}\n")
    return 0


async def _clear(shell: Shell, words: list[str]) -> int:
    await shell.out("\x1b[H\x1b[2J\x1b[3J")
    return 0


BUILTINS: dict[str, Program] = {
    ".": builtins.source,
    ":": builtins.constant(0),
    "[": builtins.test,
    "break": builtins.break_,
    "cd": builtins.cd,
    "command": _command,
    "continue": builtins.break_,
    "echo": builtins.echo,
    "eval": builtins.eval_,
    "exec": builtins.exec_,
    "exit": builtins.exit_,
    "export": builtins.export,
    "false": builtins.constant(1),
    "help": _help,
    "kill": system.kill,
    "local": builtins.local,
    "logout": builtins.exit_,
    "printf": builtins.printf,
    "pwd": builtins.pwd,
    "read": builtins.read,
    "readonly": builtins.export,
    "return": builtins.return_,
    "set": builtins.set_,
    "shift": builtins.shift,
    "source": builtins.source,
    "test": builtins.test,
    "trap": builtins.trap,
    "true": builtins.constant(0),
    "type": _which,
    "ulimit": builtins.trap,
    "umask": builtins.trap,
    "unset": builtins.unset,
    "wait": builtins.constant(0),
}

PROGRAMS: dict[str, Program] = {
    "amd-smi": amd_smi,
    "base64": text.base64_,
    "basename": filetools.basename,
    "bash": builtins.sh,
    "cat": text.cat,
    "chmod": filetools.chmod,
    "clear": _clear,
    "cp": filetools.cp,
    "cut": text.cut,
    "date": system.date,
    "dd": filetools.dd,
    "df": filetools.df,
    "dirname": filetools.dirname,
    "docker": docker,
    "du": filetools.du,
    "env": system.env,
    "find": filetools.find,
    "free": system.free,
    "getconf": system.getconf,
    "grep": text.grep,
    "head": text.head,
    "hostname": system.hostname,
    "htop": htop,
    "id": system.id_,
    "journalctl": journal.journalctl,
    "ln": filetools.ln,
    "ls": filetools.ls,
    "md5sum": text.sums("md5sum", "md5"),
    "mkdir": filetools.mkdir,
    "mktemp": filetools.mktemp,
    "mv": filetools.mv,
    "nice": system.nice,
    "nohup": system.nice,
    "nproc": system.nproc,
    "nvidia-smi": nvidia_smi,
    "ps": ps,
    "readlink": filetools.readlink,
    "realpath": filetools.readlink,
    "rm": filetools.rm,
    "rmdir": filetools.rmdir,
    "rocm-smi": rocm_smi,
    "sed": text.sed,
    "seq": text.seq,
    "setsid": system.nice,
    "sh": builtins.sh,
    "sha1sum": text.sums("sha1sum", "sha1"),
    "sha256sum": text.sums("sha256sum", "sha256"),
    "sleep": system.sleep,
    "sort": text.sort,
    "stat": filetools.stat,
    "stdbuf": system.nice,
    "stty": system.stty,
    "sync": builtins.constant(0),
    "systemctl": journal.systemctl,
    "tail": text.tail,
    "tee": text.tee,
    "timeout": system.timeout,
    "top": htop,
    "touch": filetools.touch,
    "tr": text.tr,
    "truncate": filetools.truncate,
    "tty": system.tty,
    "uname": system.uname,
    "uniq": text.uniq,
    "uptime": system.uptime,
    "wc": text.wc,
    "which": _which,
    "who": system.who,
    "whoami": system.whoami,
    "xargs": text.xargs,
    "yes": text.yes,
}


def find_program(shell: Shell, name: str) -> Program | None:
    """Return a program by its name or path; None where the machine has no such program."""
    directory, base = posixpath.split(name)
    if directory and posixpath.basename(directory) not in ("bin", "sbin"):
        return _script(shell, name)
    if base == "systemctl" and find_program(shell, "journalctl") is None:
        return None
    if base in TOOLS and (base not in shell.host.system.tools or (shell.pod is not None and base in _OF_THE_HOST)):
        return None
    return PROGRAMS.get(base) or (
        BUILTINS.get(base) if base in ("echo", "false", "kill", "printf", "pwd", "test", "true", "[") else None
    )


def _script(shell: Shell, name: str) -> Program | None:
    """A script of the simulated file system."""
    if not shell.files.exists(shell.path(name)) or shell.files.is_directory(shell.path(name)):
        return None

    async def run(shell: Shell, words: list[str]) -> int:
        if not shell.files.find(shell.path(name)).mode & 0o111:
            await shell.error(f"{shell.name}: {name}: Permission denied")
            return 126
        return await builtins.sh(shell, ["sh", name, *words[1:]])

    return run
