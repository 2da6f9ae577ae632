"""The builtins and programs of the shell. Each writes to the shell and returns an exit status."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gputui.sim.machines.system import TOOLS

from . import builtins, conditions, journal, printing, processes, system
from .builtins import Program
from .docker import docker
from .files import changing, disks, listing, paths
from .gpus.amd import amd_smi, rocm_smi
from .gpus.nvidia_smi import nvidia_smi
from .htop import htop
from .ps import ps
from .text import filters, generating, grep, reading, sed

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

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
    "[": conditions.test,
    "break": builtins.break_,
    "cd": builtins.cd,
    "command": _command,
    "continue": builtins.break_,
    "echo": printing.echo,
    "eval": builtins.eval_,
    "exec": builtins.exec_,
    "exit": builtins.exit_,
    "export": builtins.export,
    "false": builtins.constant(1),
    "help": _help,
    "kill": processes.kill,
    "local": builtins.local,
    "logout": builtins.exit_,
    "printf": printing.printf,
    "pwd": builtins.pwd,
    "read": builtins.read,
    "readonly": builtins.export,
    "return": builtins.return_,
    "set": builtins.set_,
    "shift": builtins.shift,
    "source": builtins.source,
    "test": conditions.test,
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
    "base64": filters.base64_,
    "basename": paths.basename,
    "bash": builtins.sh,
    "cat": reading.cat,
    "chmod": changing.chmod,
    "clear": _clear,
    "cp": changing.cp,
    "cut": filters.cut,
    "date": system.date,
    "dd": changing.dd,
    "df": disks.df,
    "dirname": paths.dirname,
    "docker": docker,
    "du": disks.du,
    "env": processes.env,
    "find": listing.find,
    "free": system.free,
    "getconf": system.getconf,
    "grep": grep.grep,
    "head": reading.head,
    "hostname": system.hostname,
    "htop": htop,
    "id": system.id_,
    "journalctl": journal.journalctl,
    "ln": changing.ln,
    "ls": listing.ls,
    "md5sum": filters.sums("md5sum", "md5"),
    "mkdir": changing.mkdir,
    "mktemp": changing.mktemp,
    "mv": changing.mv,
    "nice": processes.nice,
    "nohup": processes.nice,
    "nproc": system.nproc,
    "nvidia-smi": nvidia_smi,
    "ps": ps,
    "readlink": paths.readlink,
    "realpath": paths.readlink,
    "rm": changing.rm,
    "rmdir": changing.rmdir,
    "rocm-smi": rocm_smi,
    "sed": sed.sed,
    "seq": generating.seq,
    "setsid": processes.nice,
    "sh": builtins.sh,
    "sha1sum": filters.sums("sha1sum", "sha1"),
    "sha256sum": filters.sums("sha256sum", "sha256"),
    "sleep": processes.sleep,
    "sort": filters.sort,
    "stat": listing.stat,
    "stdbuf": processes.nice,
    "stty": system.stty,
    "sync": builtins.constant(0),
    "systemctl": journal.systemctl,
    "tail": reading.tail,
    "tee": filters.tee,
    "timeout": processes.timeout,
    "top": htop,
    "touch": changing.touch,
    "tr": filters.tr,
    "truncate": changing.truncate,
    "tty": system.tty,
    "uname": system.uname,
    "uniq": filters.uniq,
    "uptime": system.uptime,
    "wc": filters.wc,
    "which": _which,
    "who": system.who,
    "whoami": system.whoami,
    "xargs": filters.xargs,
    "yes": generating.yes,
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
