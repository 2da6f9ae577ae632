"""The simulated shell: runs scripts in a simulated machine or container. It never runs anything on this machine."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gputui.sim.machines.containers import Pod
from gputui.sim.machines.filesystem import FileSystem
from gputui.sim.machines.hosts import Host
from gputui.sim.machines.world import World
from gputui.sim.shell.language.errors import IncompleteError, LoopError, ReturnError, ShellExitError, ShellSyntaxError
from gputui.sim.shell.language.expansion import LARGEST, fields_of, pattern_of, text_of
from gputui.sim.shell.language.parser import parse, parse_line
from gputui.sim.shell.language.patterns import matches
from gputui.sim.shell.language.tree import (
    AndOr,
    Case,
    Command,
    For,
    Function,
    Group,
    If,
    Loop,
    Pipeline,
    Redirection,
    Simple,
)

from .programs import BUILTINS, find_program
from .streams import BrokenPipe, Capture, FileStream, Given, Pipe, Stream

if TYPE_CHECKING:
    from gputui.sim.shell.server.terminal import Terminal

    from .streams import Buffered

CAPTURE_LIMIT = 4 << 20
"""Bytes of output that are kept of one command."""
_DEEPEST = 40
_STEPS = 32
"""Commands between two moments in which other tasks run."""
_MANY_STEPS = 20_000
_PAUSE_SECONDS = 0.01
_BROKEN_PIPE = 141
Streams = dict[int, Stream]


class ExpiredError(Exception):
    """The time limit of a captured command has passed."""


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


@dataclass
class Shell:
    """A shell, or a subshell of it. ``name`` begins its error messages."""

    session: Session
    streams: Streams
    name: str = "bash"
    variables: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    functions: dict[str, Command] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    cwd: str = ""
    status: int = 0
    substituted: int = 0
    """The status of the last command substitution of a command."""
    locals: list[dict[str, str | None]] = field(default_factory=list)
    """Of each function that runs: the variables that it has made its own, with their values before."""
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

    def path(self, name: str) -> str:
        """Return the absolute path of a name as typed."""
        return posixpath.normpath(posixpath.join(self.cwd, name))

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
                return "bash"
            case "@" | "*":
                return " ".join(self.arguments)
            case "-" | "!":
                return ""
            case _ if name.isdecimal():
                return self.arguments[int(name) - 1] if int(name) <= len(self.arguments) else ""
            case _:
                return self.variables.get(name, "")

    def is_set(self, name: str) -> bool:
        """Return whether a parameter has a value, also an empty one."""
        if name.isdecimal():
            return int(name) <= len(self.arguments)
        return name in self.variables or (name in ("@", "*") and bool(self.arguments)) or name in ("?", "$", "#")

    def environment(self) -> dict[str, str]:
        """Return the variables that programs get."""
        return {name: self.variables[name] for name in sorted(self.exported) if name in self.variables}

    def fork(self, streams: Streams | None = None) -> Shell:
        """Return a subshell: it begins with all of this and changes nothing here."""
        return replace(
            self,
            streams=dict(streams or self.streams),
            variables=dict(self.variables),
            exported=set(self.exported),
            functions=dict(self.functions),
            arguments=list(self.arguments),
            locals=[],
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
        return await self.execute(commands)

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
            await self.execute(commands)

    async def subshell(self, commands: Sequence[AndOr], streams: Streams | None = None) -> int:
        """Run commands in a subshell and return their status."""
        return await self.fork(streams).ended(commands)

    async def ended(self, commands: Sequence[AndOr]) -> int:
        """Run commands as the last ones of this shell."""
        try:
            return await self.execute(commands)
        except ShellExitError as end:
            return end.status
        except (ReturnError, LoopError):
            return self.status

    async def captured(self, commands: Sequence[AndOr]) -> str:
        """Run commands in a subshell and return what they write."""
        captured = Capture(CAPTURE_LIMIT)
        try:
            self.substituted = await self.subshell(commands, {**self.streams, 1: captured})
        except BrokenPipe:
            self.substituted = _BROKEN_PIPE
        return captured.data.replace(b"\0", b"").decode("utf-8", "surrogateescape")

    async def execute(self, commands: Sequence[AndOr]) -> int:
        """Run commands in this shell."""
        for pipelines in commands:
            for number, pipeline in enumerate(pipelines):
                if pipeline.when and pipeline.when == ("&&" if self.status else "||"):
                    continue
                looked_at = number < len(pipelines) - 1 or pipeline.negated
                self.tested += looked_at
                try:
                    self.status = await self._pipeline(pipeline)
                finally:
                    self.tested -= looked_at
                if self.status and "e" in self.options and not self.tested and not looked_at:
                    raise ShellExitError(self.status)
        return self.status

    async def _pipeline(self, pipeline: Pipeline) -> int:
        commands = pipeline.commands
        status = await (self.command(commands[0]) if len(commands) == 1 else self._joined(commands))
        return int(not status) if pipeline.negated else status

    async def _joined(self, commands: Sequence[Command]) -> int:
        """Run commands at the same time, each with the output of the one before as its input."""
        pipes = [Pipe() for _ in commands[1:]]

        async def one(number: int, command: Command) -> int:
            streams = dict(self.streams)
            if number:
                streams[0] = pipes[number - 1]
            if number < len(pipes):
                streams[1] = pipes[number]
            shell = self.fork(streams)
            try:
                return await shell.ended(((Pipeline((command,)),),))
            except BrokenPipe:
                return _BROKEN_PIPE
            finally:
                if number:
                    pipes[number - 1].desert()
                if number < len(pipes):
                    pipes[number].close()

        tasks = [asyncio.ensure_future(one(number, command)) for number, command in enumerate(commands)]
        try:
            return (await asyncio.gather(*tasks))[-1]
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError, Exception):
                    await task

    async def command(self, command: Command) -> int:
        """Run one command with its redirections."""
        self.session.steps += 1
        if self.session.steps % _STEPS == 0:
            await self._yield()
        if self.depth > _DEEPEST:
            await self.error(f"{self.name}: maximum nesting level exceeded")
            raise ShellExitError(1)
        outer = self.streams
        try:
            self.streams = await self._redirected(command.redirections)
            return await self._dispatch(command)
        except OSError as problem:
            self.streams = outer
            await self.error(f"{self.name}: {problem.filename}: {problem.strerror}")
            return 1
        finally:
            if not (isinstance(command.what, Simple) and _is_exec(command.what)):
                self.streams = outer

    async def _yield(self) -> None:
        """Let other tasks run; a script without an end gets less and less of the time, or ends with its budget."""
        many = self.session.steps > _MANY_STEPS
        if many and self.session.budget is not None:
            raise ExpiredError
        await asyncio.sleep(_PAUSE_SECONDS if many else 0)

    async def _redirected(self, redirections: Sequence[Redirection]) -> Streams:
        streams = dict(self.streams)
        for redirection in redirections:
            if redirection.document is not None:
                body = await text_of(self, redirection.document.body)
                streams[redirection.fd] = Given(body.encode("utf-8", "surrogateescape"))
                continue
            name = await text_of(self, redirection.word)
            if redirection.operator in (">&", "<&"):
                if name == "-":
                    streams[redirection.fd] = Stream()
                elif name.isdecimal() and int(name) in streams:
                    streams[redirection.fd] = streams[int(name)]
                else:
                    raise OSError(9, "Bad file descriptor", name)
                continue
            streams[redirection.fd] = self._opened(name, redirection.operator)
        return streams

    def _opened(self, name: str, operator: str) -> Stream:
        path = self.path(name)
        if path == "/dev/null":
            return Stream()
        if path in ("/dev/stdout", "/dev/stderr", "/dev/tty"):
            return self.streams[2 if path == "/dev/stderr" else 1]
        try:
            write = operator != "<"
            truncate = operator in (">", ">|")
            file = self.files.open(path, self.user, write=write, create=write, truncate=truncate)
        except OSError as problem:
            problem.filename = name
            raise
        return FileStream(self.files, file, append=operator == ">>")

    async def _dispatch(self, command: Command) -> int:
        match command.what:
            case Simple():
                return await self._simple(command.what)
            case Group(commands, subshell):
                return await (self.subshell(commands) if subshell else self.execute(commands))
            case If(branches, otherwise):
                for condition, body in branches:
                    if await self._test(condition) == 0:
                        return await self.execute(body)
                self.status = 0
                return await self.execute(otherwise)
            case Loop():
                return await self._loop(command.what)
            case For(name, words, body):
                values = (
                    self.arguments
                    if words is None
                    else [text for word in words for text in await fields_of(self, word)]
                )
                return await self._for(name, list(values), body)
            case Case(word, items):
                text = await text_of(self, word)
                for patterns, body in items:
                    for pattern in patterns:
                        if matches(await pattern_of(self, pattern), text):
                            self.status = 0
                            return await self.execute(body)
                return 0
            case Function(name, body):
                self.functions[name] = body
                return 0

    async def _test(self, condition: Sequence[AndOr]) -> int:
        self.tested += 1
        try:
            return await self.execute(condition)
        finally:
            self.tested -= 1

    async def _loop(self, loop: Loop) -> int:
        status = 0
        while ((await self._test(loop.condition)) == 0) == loop.wanted:
            try:
                status = await self.execute(loop.body)
            except LoopError as jump:
                if _goes_on(jump):
                    continue
                break
        return status

    async def _for(self, name: str, values: Sequence[str], body: Sequence[AndOr]) -> int:
        status = 0
        for value in values:
            self.assign(name, value)
            try:
                status = await self.execute(body)
            except LoopError as jump:
                if not _goes_on(jump):
                    break
        return status

    def assign(self, name: str, value: str) -> None:
        """Set a variable. Raises ShellExitError for a value that is too large."""
        if len(value) > LARGEST:
            raise ShellExitError(2)
        self.variables[name] = value

    async def _simple(self, simple: Simple) -> int:
        self.substituted = 0
        words = [text for word in simple.words for text in await fields_of(self, word)]
        assigned = [(name, await text_of(self, word)) for name, word in simple.assignments]
        if not words:
            for name, value in assigned:
                self.assign(name, value)
            return self.substituted
        saved: dict[str, str | None] = {name: self.variables.get(name) for name, _ in assigned}
        was_exported = set(self.exported)
        for name, value in assigned:
            self.assign(name, value)
            self.exported.add(name)
        try:
            return await self.invoke(words)
        finally:
            self.exported = was_exported if assigned else self.exported
            self._restore(saved)

    def _restore(self, saved: dict[str, str | None]) -> None:
        for name, old in saved.items():
            if old is None:
                self.variables.pop(name, None)
            else:
                self.variables[name] = old

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
        self.depth += 1
        self.locals.append({})
        try:
            return await self.command(body)
        except ReturnError:
            return self.status
        finally:
            self.arguments = outer
            self.depth -= 1
            self._restore(self.locals.pop())


def home_of(user: str) -> str:
    """Return a user's home directory."""
    return "/root" if user == "root" else f"/home/{user}"


def _is_exec(simple: Simple) -> bool:
    """Whether it is an ``exec`` without a program: its redirections are those of the shell from then on."""
    return len(simple.words) == 1 and len(simple.words[0]) == 1 and getattr(simple.words[0][0], "text", "") == "exec"


def _goes_on(jump: LoopError) -> bool:
    """Whether this loop continues after a jump; raises one for the loop around it."""
    if jump.levels > 1:
        raise LoopError(jump.levels - 1, again=jump.again)
    return jump.again
