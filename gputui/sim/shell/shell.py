"""The simulated shell: runs scripts in a simulated machine or container. It never runs anything on this machine."""

from __future__ import annotations

import posixpath
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NoReturn

from gputui.sim.machines.containers import Pod
from gputui.sim.machines.filesystem import FileSystem
from gputui.sim.machines.hosts import Host
from gputui.sim.machines.nodes import File
from gputui.sim.machines.world import World

from .evaluation import captured, execute, run_command
from .jobs import Job
from .language.errors import (
    AbandonedError,
    ExpiredError,
    IncompleteError,
    LoopError,
    ReturnError,
    ShellExitError,
    ShellSyntaxError,
)
from .language.parser import parse, parse_line
from .language.tree import AndOr, Command
from .programs import BUILTINS, find_program
from .streams import Streams
from .variables import Variables

if TYPE_CHECKING:
    from .server.terminal import Terminal
    from .streams import Buffered

_HANGUP = 1


@dataclass
class Session:
    """The common part of the shells of one login.

    ``pid`` is that of the first one; ``budget`` are the world seconds that its programs may still sleep, None for no
    limit.
    """

    host: Host
    pod: Pod | None
    files: FileSystem
    user: str
    pid: int
    screen: Terminal | None = None
    budget: float | None = None
    steps: int = 0
    jobs: dict[int, Job] = field(default_factory=dict)
    """Those in the background, also ended ones until they are waited for, by process id."""

    def close(self) -> None:
        """End the shell and what it started."""
        for job in self.jobs.values():
            job.end(_HANGUP)
        self.host.close_shell(self.pid)


@dataclass
class Shell:
    """A shell, or a subshell of it. ``name`` begins its error messages."""

    session: Session
    streams: Streams
    name: str = "bash"
    variables: Variables = field(default_factory=Variables)
    functions: dict[str, Command] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    cwd: str = ""
    status: int = 0
    substituted: int = 0
    """The status of the last command substitution of a command."""
    locals: list[dict[str, str | None]] = field(default_factory=list)
    """Of each function that runs: the variables that it has made its own, with their values before."""
    traps: dict[str, str] = field(default_factory=dict)
    """Commands by the signal, or EXIT, that they wait for."""
    loops: int = 0
    """How many loops run, in the function that runs."""
    sources: int = 0
    """How many files run with ``.``, which ``return`` ends."""
    last_job: int = 0
    """The process id of what was last started in the background, 0 for none."""
    umask: int = 0o022
    script: str = "bash"
    """``$0``"""
    options: set[str] = field(default_factory=set)
    depth: int = 0
    tested: int = 0
    """Above 0 while the status of a command is looked at, so that ``set -e`` does not act."""

    def __post_init__(self) -> None:
        self.cwd = self.cwd or self.home

    # Who and where

    @property
    def host(self) -> Host:
        """The machine."""
        return self.session.host

    @property
    def pod(self) -> Pod | None:
        """The container, None on the machine itself."""
        return self.session.pod

    @property
    def world(self) -> World:
        """The world of its host."""
        return self.host.world

    @property
    def screen(self) -> Terminal | None:
        """The terminal, None without one."""
        return self.session.screen

    @property
    def files(self) -> FileSystem:
        """The files of the machine or container."""
        return self.session.files

    @property
    def hostname(self) -> str:
        """The name of the container, or of the host."""
        return self.pod.instance if self.pod else self.host.system.name or self.host.name

    @property
    def user(self) -> str:
        """The user who is logged in."""
        return self.session.user

    @property
    def home(self) -> str:
        """The user's home directory."""
        return home_of(self.user)

    @property
    def prompt(self) -> str:
        """``root@train_a:~# ``"""
        place = self.cwd
        if place == self.home or place.startswith(self.home + "/"):
            place = "~" + place[len(self.home) :]
        return f"{self.user}@{self.hostname}:{place}{'#' if self.user == 'root' else '$'} "

    # For programs

    async def out(self, text: str) -> None:
        """Write output of a command."""
        await self.streams[1].write(text.encode("utf-8", "surrogateescape"))

    async def error(self, text: str) -> None:
        """Write an error message of a command."""
        await self.streams[2].write(f"{text}\n".encode("utf-8", "surrogateescape"))

    async def sleep(self, seconds: float) -> None:
        """Let world seconds pass. Raises ExpiredError at the end of the budget."""
        budget = self.session.budget
        if budget is not None:
            if seconds > budget:
                await self.world.clock.sleep(budget)
                raise ExpiredError
            self.session.budget = budget - seconds
        await self.world.clock.sleep(seconds)
        self.world.advance()

    async def fail(self, text: str, status: int = 1) -> NoReturn:
        """Write an error message and end the script, or the line at a prompt."""
        await self.error(f"{self.name}: {text}")
        raise AbandonedError(status)

    def path(self, name: str) -> str:
        """Return the absolute path of a name as typed."""
        return posixpath.normpath(posixpath.join(self.cwd, name))

    def open(self, name: str, *, write: bool = False, truncate: bool = False) -> File:
        """Return a file, made where it is to be written. Raises OSError with the name as typed."""
        try:
            path, mode = self.path(name), 0o666 & ~self.umask
            return self.files.open(path, self.user, write=write, create=write, truncate=truncate, mode=mode)
        except OSError as problem:
            problem.filename = name
            raise

    def lookup(self, name: str) -> str:
        """Return the value of a parameter, "" for one that is not set."""
        match name:
            case "?":
                return str(self.status)
            case "$":
                return str(self.session.pid)
            case "#":
                return str(len(self.arguments))
            case "0":
                return self.script
            case "@":
                return " ".join(self.arguments)
            case "*":
                return self.variables.get("IFS", " ")[:1].join(self.arguments)
            case "!":
                return str(self.last_job or "")
            case "-":
                return "".join(sorted(option for option in self.options if len(option) == 1))
            case _ if name.isdecimal():
                return self.arguments[int(name) - 1] if int(name) <= len(self.arguments) else ""
            case _:
                return self.variables.get(name, "")

    def is_set(self, name: str) -> bool:
        """Return whether a parameter has a value, also an empty one."""
        if name.isdecimal():
            return int(name) <= len(self.arguments)
        return name in self.variables or (name in ("@", "*") and bool(self.arguments)) or name in ("?", "$", "#")

    def fork(self, streams: Streams | None = None) -> Shell:
        """Return a subshell: it begins with all of this and changes nothing here."""
        return replace(
            self,
            streams=dict(streams or self.streams),
            variables=self.variables.copied(),
            functions=dict(self.functions),
            arguments=list(self.arguments),
            locals=[],
            traps={},
            options=set(self.options),
            depth=self.depth + 1,
        )

    # Running

    async def run(self, text: str) -> int:
        """Run a script and return its exit status. Raises ShellExitError where it ends the shell."""
        self.world.advance()
        try:
            commands = parse(text)
        except ShellSyntaxError as problem:
            await self.error(f"{self.name}: {problem}")
            self.status = 2
            return self.status
        return await execute(self, commands)

    async def run_stream(self, source: Buffered) -> int:
        """Run a script as it arrives, each command as soon as it is complete; what follows it is its input."""
        text = ""
        while True:
            try:
                line = (await source.line()).decode("utf-8", "surrogateescape")
                text += line
                commands, place = parse_line(text)
            except IncompleteError as problem:
                more = source.take().decode("utf-8", "surrogateescape")
                text += more
                if line or more:
                    continue
                await self.error(f"{self.name}: {problem}")
                raise ShellExitError(2) from None
            except ShellSyntaxError as problem:
                await self.error(f"{self.name}: {problem}")
                raise ShellExitError(2) from None
            source.put_back(text[place:].encode("utf-8", "surrogateescape"))
            text = ""
            if not line and not commands:
                return self.status
            self.world.advance()
            await execute(self, commands)

    async def captured(self, commands: Sequence[AndOr]) -> str:
        """Run commands in a subshell and return what they write."""
        return await captured(self, commands)

    async def finish(self, work: Awaitable[int]) -> int:
        """Await the last work of this shell; return its status, after what it traps its end with."""
        try:
            self.status = await work
        except ShellExitError as end:
            self.status = end.status
        except (ReturnError, LoopError):
            pass
        if not (action := self.traps.pop("EXIT", "")):
            return self.status
        status = self.status
        try:
            await self.run(action)
        except ShellExitError as end:
            return end.status
        return status

    async def assign(self, name: str, value: str, *, export: bool = False) -> None:
        """Set a variable; the script ends where that is not possible."""
        try:
            self.variables.assign(name, value, export=export)
        except ValueError as problem:
            await self.fail(str(problem))

    async def invoke(self, words: Sequence[str], *, functions: bool = True) -> int:
        """Run a function, a builtin or a program."""
        name = words[0]
        if functions and name in self.functions:
            return await self._call(self.functions[name], list(words[1:]))
        if builtin := BUILTINS.get(name):
            return await builtin(self, list(words))
        program = find_program(self, name)
        if program is None:
            if "/" in name:
                await self.error(f"{self.name}: {name}: No such file or directory")
            else:
                await self.error(f"{self.name}: {name}: command not found")
            return 127
        try:
            return await program(self, list(words))
        except OSError as problem:
            base = posixpath.basename(name)
            where = f" {problem.filename}:" if problem.filename else ""
            await self.error(f"{base}:{where} {problem.strerror}")
            return 1

    async def _call(self, body: Command, arguments: list[str]) -> int:
        outer, self.arguments = self.arguments, arguments
        loops, self.loops = self.loops, 0
        self.depth += 1
        self.locals.append({})
        try:
            return await run_command(self, body)
        except ReturnError:
            return self.status
        finally:
            self.arguments, self.loops = outer, loops
            self.depth -= 1
            self.variables.restore(self.locals.pop())


def home_of(user: str) -> str:
    """Return a user's home directory."""
    return "/root" if user == "root" else f"/home/{user}"
