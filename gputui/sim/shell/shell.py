"""The simulated shell: runs command lines inside a simulated container. It never runs anything on this machine."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gputui.sim.world import Host, Pod, World

from .commands import COMMANDS
from .syntax import Command, ShellExitError, ShellSyntaxError, expand, parse

if TYPE_CHECKING:
    from .terminal import Terminal

_CAPTURE_LIMIT = 4 << 20


class _ExpiredError(Exception):
    """The time limit of a captured command has passed."""


@dataclass
class Shell:
    """A shell in a container, or on the host (``pod`` is None). ``emit`` receives its output with "\\n" line ends."""

    host: Host
    pod: Pod | None
    emit: Callable[[str], Awaitable[None]]
    screen: Terminal | None = None
    env: dict[str, str] = field(default_factory=dict)
    name: str = "bash"
    """The beginning of its error messages."""
    budget: float | None = None
    """The remaining world seconds it may sleep, None for no limit."""
    status: int = 0

    def __post_init__(self) -> None:
        self._discard_output = self._discard_errors = False
        self.cwd: str = self.home
        self.env = {
            "USER": self.user,
            "HOME": self.home,
            "SHELL": "/bin/bash",
            "PATH": "/opt/conda/bin:/usr/local/cuda/bin:/usr/local/bin:/usr/bin:/bin",
            "CUDA_VERSION": "12.8.1",
            "NVIDIA_VISIBLE_DEVICES": self._visible_devices(),
            "LANG": "C.UTF-8",
            "HOSTNAME": self.hostname,
            **(self.pod.env if self.pod else {}),
            **self.env,
        }
        self.files = {
            f"{self.home}/.bashrc": "export PS1='\\u@\\h:\\w\\$ '\n",
            f"{self.home}/train.py": "import torch\n\nprint(torch.cuda.device_count())\n",
            f"{self.home}/notes.txt": "Wide: 日本語 한국어 🚀\nAccents: naïve café\n",
            "/workspace/README.md": "Shared with every pod of this user.\n",
            "/workspace/data/shard-000.jsonl": '{"text": "hello"}\n{"text": "world"}\n',
            "/etc/hostname": f"{self.hostname}\n",
            "/etc/os-release": 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\n',
            "/etc/image": f"{self.pod.image if self.pod else 'host'}\n",
            "/dev/null": "",
        }

    @property
    def world(self) -> World:
        """The world of its host."""
        return self.host.world

    @property
    def hostname(self) -> str:
        """The name of the container, or of the host."""
        return self.pod.instance if self.pod else self.host.name

    @property
    def user(self) -> str:
        """The user who is logged in."""
        return self.pod.user if self.pod else "root"

    @property
    def home(self) -> str:
        """The user's home directory."""
        return "/root" if self.user == "root" else f"/home/{self.user}"

    @property
    def prompt(self) -> str:
        """``root@train_a:~# ``"""
        place = self.cwd
        if place == self.home or place.startswith(self.home + "/"):
            place = "~" + place[len(self.home) :]
        return f"{self.user}@{self.hostname}:{place}{'#' if self.user == 'root' else '$'} "

    async def out(self, text: str) -> None:
        """Write output of a command."""
        if not self._discard_output:
            await self.emit(text)

    async def error(self, text: str) -> None:
        """Write an error message of a command; it comes with the output, also without a terminal."""
        if not self._discard_errors:
            await self.out(f"{text}\n")

    async def sleep(self, seconds: float) -> None:
        """Let world seconds pass. Raises _ExpiredError at the end of the budget."""
        if self.budget is not None:
            if seconds > self.budget:
                await self.world.clock.sleep(self.budget)
                raise _ExpiredError
            self.budget -= seconds
        await self.world.clock.sleep(seconds)
        self.world.advance()

    def path(self, name: str) -> str:
        """Return the absolute path of a name as typed."""
        if name == "~" or name.startswith("~/"):
            name = self.home + name[1:]
        return posixpath.normpath(posixpath.join(self.cwd, name))

    def is_directory(self, path: str) -> bool:
        """Return whether a path is a directory of the simulated file system."""
        return path == "/" or any(name.startswith(path + "/") for name in self.files)

    def lookup(self, name: str) -> str:
        """Return the value of a variable, "" for one that is not set."""
        return {"?": str(self.status), "$": "4711", "#": "0", "0": "bash"}.get(name, self.env.get(name, ""))

    async def run(self, line: str) -> int:
        """Run a command line and return its exit status. Raises ShellExitError where it ends the shell."""
        self.world.advance()
        try:
            commands = parse(line)
        except ShellSyntaxError as problem:
            await self.error(f"{self.name}: {problem}")
            self.status = 2
            return self.status
        for command in commands:
            if command.when == ("&&" if self.status else "||"):
                continue
            outer = self._discard_output, self._discard_errors
            try:
                self.status = await self._run(command)
            finally:
                self._discard_output, self._discard_errors = outer
        return self.status

    async def _run(self, command: Command) -> int:
        for operator, target in command.redirections:
            name = expand(target, self.lookup) or ""
            if self.path(name) != "/dev/null":
                problem = "No such file or directory" if operator == "<" else "Read-only file system"
                await self.error(f"{self.name}: {name}: {problem}")
                return 1
            self._discard_output |= operator in (">", ">>")
            self._discard_errors |= operator in ("2>", "2>>")
        words = [text for word in command.words if (text := expand(word, self.lookup)) is not None]
        while words and words[0].partition("=")[0].isidentifier() and "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            self.env[name] = value
        if not words:
            return 0
        program = COMMANDS.get(posixpath.basename(words[0]))
        if program is None:
            await self.error(f"{self.name}: {words[0]}: command not found")
            return 127
        return await program(self, words)

    def _visible_devices(self) -> str:
        if self.pod is None or self.pod.gpu_ids is None:
            return "all"
        return ",".join(str(index) for index in self.pod.gpu_ids) or "void"


async def run_captured(
    host: Host, pod: Pod | None, line: str, *, timeout: float, name: str = "bash"
) -> tuple[int, str]:
    """Run a command line in a new shell without a terminal: its status, and its output with "\\r\\n" line ends.

    The result is (-1, "Timeout") after ``timeout`` world seconds, or when the output has no end.
    """
    written: list[str] = []
    size = 0

    async def hold(text: str) -> None:
        nonlocal size
        written.append(text)
        size += len(text)
        await asyncio.sleep(0)
        if size > _CAPTURE_LIMIT:
            await shell.sleep(float("inf"))

    shell = Shell(host, pod, hold, name=name, budget=timeout)
    try:
        status = await shell.run(line)
    except ShellExitError as ended:
        status = ended.status
    except _ExpiredError:
        return -1, "Timeout"
    return status, "".join(written).replace("\n", "\r\n")
