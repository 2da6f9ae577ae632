"""The builtins and programs of the shell. Each writes to the shell and returns an exit status."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gputui.sim.machines.system import TOOLS
from gputui.sim.shell.language.words import RESERVED_WORDS

from . import builtins, conditions, journal, printing, processes, system
from .builtins import Program
from .docker import docker
from .files import changing, disks, listing, paths
from .files.find import find
from .gpus.amd import amd_smi, rocm_smi
from .gpus.ascend import npu_smi
from .gpus.nvidia_smi import nvidia_smi
from .htop import htop
from .ps import ps
from .text import filters, generating, grep, reading, sed
from .text.sort import sort

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_OF_THE_HOST = frozenset({"docker", "journalctl", "podman", "systemctl"})
"""Tools that the containers of a machine do not have."""
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
_ALSO_PROGRAMS = ("[", "echo", "false", "kill", "printf", "pwd", "test", "true")
"""Builtins that are programs as well."""


async def _which(shell: Shell, words: list[str]) -> int:
    """``command -v NAME...`` and ``which NAME...``: where programs are; ``command NAME ...`` runs one."""
    words = words[1:]
    looks = words[:1] in (["-v"], ["-V"])
    names = words[1:] if looks else words
    status = 0 if names else 1
    for name in names:
        if name in shell.functions or name in BUILTINS or name in RESERVED_WORDS:
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
    names = sorted({*BUILTINS, *PROGRAMS} - {name for name in TOOLS if not _installed(shell, name)})
    await shell.out(f"A simulated shell. Its commands: {' '.join(names)}\n")
    return 0


async def _sftp_server(shell: Shell, words: list[str]) -> int:
    # Only here is asyncssh needed: an API may run commands without SSH.
    from gputui.sim.shell.server.piped_sftp import serve

    return await serve(shell)


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
    "hash": builtins.constant(0),
    "help": _help,
    "kill": processes.kill,
    "jobs": processes.jobs,
    "local": builtins.local,
    "logout": builtins.exit_,
    "printf": printing.printf,
    "pwd": builtins.pwd,
    "read": builtins.read,
    "readonly": builtins.readonly,
    "return": builtins.return_,
    "set": builtins.set_,
    "shift": builtins.shift,
    "source": builtins.source,
    "test": conditions.test,
    "trap": builtins.trap,
    "true": builtins.constant(0),
    "type": _which,
    "ulimit": builtins.constant(0),
    "umask": builtins.umask,
    "unset": builtins.unset,
    "wait": processes.wait,
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
    "find": find,
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
    "npu-smi": npu_smi,
    "nvidia-smi": nvidia_smi,
    "printenv": processes.printenv,
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
    "sha512sum": filters.sums("sha512sum", "sha512"),
    "sha256sum": filters.sums("sha256sum", "sha256"),
    "sleep": processes.sleep,
    "sort": sort,
    "stat": listing.stat,
    "stdbuf": processes.nice,
    "stty": system.stty,
    "sync": builtins.constant(0),
    "systemctl": journal.systemctl,
    "tac": reading.tac,
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
    if name == SFTP_SERVER:
        return _sftp_server
    if not directory:
        return _installed(shell, base) or _script_in_path(shell, base)
    return _installed(shell, base) if posixpath.basename(directory) in ("bin", "sbin") else _script(shell, name)


def installed_programs(shell: Shell) -> list[str]:
    """Return the names of the programs of the machine."""
    return [name for name in sorted({*PROGRAMS, *_ALSO_PROGRAMS}) if _installed(shell, name)]


def _installed(shell: Shell, name: str) -> Program | None:
    if name == "systemctl" and not _installed(shell, "journalctl"):
        return None
    if name in TOOLS and (name not in shell.host.system.tools or (shell.pod is not None and name in _OF_THE_HOST)):
        return None
    return PROGRAMS.get(name) or (BUILTINS[name] if name in _ALSO_PROGRAMS else None)


def _script_in_path(shell: Shell, name: str) -> Program | None:
    """A script in one of the directories of PATH."""
    places = [f"{directory}/{name}" for directory in shell.lookup("PATH").split(":")]
    return next((found for place in places if (found := _script(shell, place))), None)


def _script(shell: Shell, name: str) -> Program | None:
    """A script of the simulated file system."""
    if not shell.files.exists(shell.path(name)):
        return None

    async def run(shell: Shell, words: list[str]) -> int:
        if shell.files.is_directory(shell.path(name)):
            await shell.error(f"{shell.name}: {name}: Is a directory")
            return 126
        if not shell.files.find(shell.path(name)).mode & 0o111:
            await shell.error(f"{shell.name}: {name}: Permission denied")
            return 126
        return await builtins.sh(shell, ["sh", name, *words[1:]])

    return run
