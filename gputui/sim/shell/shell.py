"""The simulated shell: runs command lines inside a pretend pod. Nothing of it ever reaches the host."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from gputui.sim.world import Host, Pod, World

from .syntax import Command, ShellSyntaxError, Step, parse

_PIPE_LIMIT = 16 << 20
_CAPTURE_LIMIT = 4 << 20
BIG_LINES = 1_000_000


class Screen(Protocol):
    """The terminal a full-screen program draws on."""

    size: tuple[int, int]
    """Columns and rows, as the client last said."""

    async def write(self, text: str) -> None:
        """Send text as it is."""

    async def key(self, timeout: float) -> str | None:
        """The next keys typed, "" after a change of the window's size, None after ``timeout`` real seconds."""


class ShellExitError(Exception):
    """The shell ends with a status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _ExpiredError(Exception):
    """The time a captured command may take is over."""


class _PipeFullError(Exception):
    """What a pipe's reader will ever look at has been written."""


Program = Callable[["Shell", list[str]], Awaitable[int]]


@dataclass
class Shell:
    """One shell in a pod (or, without a pod, on the shared port's host). ``emit`` gets its output with "\\n" ends."""

    host: Host
    pod: Pod | None
    emit: Callable[[str], Awaitable[None]]
    programs: dict[str, Program]
    screen: Screen | None = None
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    cwd: str = ""
    """Where it is; where it starts is its user's home."""
    status: int = 0
    stdin: str | None = None
    voice: str = "bash"
    """How it introduces its complaints."""
    budget: float | None = None
    """World seconds it may still sleep, None for ever."""

    def __post_init__(self) -> None:
        self._sink: list[str] | None = None
        self._held = 0
        self.cwd = self.cwd or self.home
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
        self.files = {**_files(self), **self.files}

    @property
    def world(self) -> World:
        """The world the pod lives in."""
        return self.host.world

    @property
    def hostname(self) -> str:
        """Docker names a container's host by the first digits of its id; people set the pod's name."""
        return self.pod.instance if self.pod else self.host.name

    @property
    def user(self) -> str:
        """Who is logged in."""
        return self.pod.user if self.pod else "root"

    @property
    def home(self) -> str:
        """The user's home directory."""
        return "/root" if self.user == "root" else f"/home/{self.user}"

    @property
    def big_file(self) -> str:
        """A file of BIG_LINES lines that are made when it is read."""
        return f"{self.home}/big.log"

    @property
    def prompt(self) -> str:
        """``root@train_a:~# ``"""
        place = self.cwd
        if place == self.home or place.startswith(self.home + "/"):
            place = "~" + place[len(self.home) :]
        return f"{self.user}@{self.hostname}:{place}{'#' if self.user == 'root' else '$'} "

    async def out(self, text: str) -> None:
        """Write text, to the terminal or into the pipe or file the command's output goes to."""
        if self._sink is None:
            await self.emit(text)
            return
        self._sink.append(text)
        self._held += len(text)
        if self._held > _PIPE_LIMIT:
            raise _PipeFullError

    async def sleep(self, seconds: float) -> None:
        """Let world seconds pass, as many as the shell has left."""
        if self.budget is not None:
            if seconds > self.budget:
                await self.world.clock.sleep(self.budget)
                raise _ExpiredError
            self.budget -= seconds
        await self.world.clock.sleep(seconds)
        self.world.advance()

    def path(self, name: str) -> str:
        """An absolute path from one typed."""
        if name == "~" or name.startswith("~/"):
            name = self.home + name[1:]
        return posixpath.normpath(posixpath.join(self.cwd, name))

    def is_directory(self, path: str) -> bool:
        """Whether a path is a directory of the pretend file system."""
        return path == "/" or any(name.startswith(path + "/") for name in self.files)

    def lookup(self, name: str) -> str:
        """A variable's value, "" when it is not set."""
        if name == "?":
            return str(self.status)
        return {"$": "4711", "#": "0", "0": "bash"}.get(name, self.env.get(name, ""))

    async def run(self, line: str) -> int:
        """Run a command line; its exit status. Raises ShellExitError where it ends the shell."""
        self.world.advance()
        try:
            steps = parse(line, self.lookup)
        except ShellSyntaxError as problem:
            await self.out(f"{self.voice}: {problem}\n")
            self.status = 2
            return self.status
        for number, step in enumerate(steps):
            if (step.when == "&&" and self.status != 0) or (step.when == "||" and self.status == 0):
                continue
            # Variables are replaced while parsing: parse again for what the steps before have set.
            current = parse(line, self.lookup)[number] if number else step
            self.status = await self._pipeline(current)
        return self.status

    async def _pipeline(self, step: Step) -> int:
        status, carried = 0, None
        outer_input, outer_sink, outer_held = self.stdin, self._sink, self._held
        try:
            for command in step.pipeline:
                last = command is step.pipeline[-1]
                self.stdin = carried if carried is not None else outer_input
                gather = not last or command.to_file is not None
                self._sink, self._held = ([], 0) if gather else (outer_sink, outer_held)
                try:
                    status = await self._simple(command)
                except _PipeFullError:
                    status = 141
                if gather:
                    text = "".join(self._sink or ())
                    carried = "" if command.to_file is not None else text
                    self._store(command, text)
        finally:
            self.stdin, self._sink, self._held = outer_input, outer_sink, outer_held
        return status

    def _store(self, command: Command, text: str) -> None:
        if command.to_file is None or command.to_file == "/dev/null":
            return
        path = self.path(command.to_file)
        self.files[path] = self.files.get(path, "") + text if command.append else text

    async def _simple(self, command: Command) -> int:
        words = list(command.words)
        while words and "=" in words[0] and words[0].split("=", 1)[0].isidentifier():
            name, value = words.pop(0).split("=", 1)
            self.env[name] = value
        if not words:
            return 0
        if command.from_file is not None:
            path = self.path(command.from_file)
            if path not in self.files:
                await self.out(f"{self.voice}: {command.from_file}: No such file or directory\n")
                return 1
            self.stdin = self.files[path]
        program = self.programs.get(posixpath.basename(words[0]))
        if program is None:
            if not command.quiet:
                await self.out(f"{self.voice}: {words[0]}: command not found\n")
            return 127
        return await program(self, words)

    def _visible_devices(self) -> str:
        if self.pod is None or self.pod.gpu_ids is None:
            return "all"
        return ",".join(str(index) for index in self.pod.gpu_ids) or "void"


async def run_captured(shell: Shell, line: str, *, timeout: float) -> tuple[int, str]:
    """Run a command line to its end as pody's exec does: its status and its output with "\\r\\n" ends.

    What takes longer than ``timeout`` world seconds, or never stops writing, is (-1, "Timeout").
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

    shell.emit, shell.budget = hold, timeout
    try:
        status = await shell.run(line)
    except ShellExitError as ended:
        status = ended.status
    except _ExpiredError:
        return -1, "Timeout"
    return status, "".join(written).replace("\n", "\r\n")


def _files(shell: Shell) -> dict[str, str]:
    image = shell.pod.image if shell.pod else "host"
    return {
        f"{shell.home}/.bashrc": "export PS1='\\u@\\h:\\w\\$ '\n",
        f"{shell.home}/train.py": "import torch\n\nprint(torch.cuda.device_count())\n",
        f"{shell.home}/notes.txt": "Wide: 日本語 한국어 🚀\nAccents: naïve café\n",
        shell.big_file: "",
        "/workspace/README.md": "Shared with every pod of this user.\n",
        "/workspace/data/shard-000.jsonl": '{"text": "hello"}\n{"text": "world"}\n',
        "/etc/hostname": f"{shell.hostname}\n",
        "/etc/os-release": 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\n',
        "/etc/image": f"{image}\n",
        "/tmp/.keep": "",  # noqa: S108  a path of the pretend file system
        "/dev/null": "",
    }
