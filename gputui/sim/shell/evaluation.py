"""The evaluation of commands in a shell: pipelines, redirections, conditions and loops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from .jobs import Job
from .language.errors import ExpiredError, LoopError, ShellExitError
from .language.expansion import fields_of, pattern_of, text_of
from .language.patterns import matches
from .language.tree import (
    AndOr,
    Background,
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
from .streams import BrokenPipe, Capture, FileStream, Given, Pipe, Stream, Streams

if TYPE_CHECKING:
    from .shell import Shell

CAPTURE_LIMIT = 4 << 20
"""Bytes of output that are kept of one command."""
_DEEPEST = 40
_MOST_JOBS = 100
_STEPS = 32
"""Commands between two moments in which other tasks run."""
_MANY_STEPS = 20_000
_PAUSE_SECONDS = 0.01
_BROKEN_PIPE = 141


async def execute(shell: Shell, commands: Sequence[AndOr]) -> int:
    """Run commands in a shell and return the status of the last one."""
    for pipelines in commands:
        for number, pipeline in enumerate(pipelines):
            if pipeline.when and pipeline.when == ("&&" if shell.status else "||"):
                continue
            looked_at = number < len(pipelines) - 1 or pipeline.negated
            shell.tested += looked_at
            try:
                shell.status = await _pipeline(shell, pipeline)
            finally:
                shell.tested -= looked_at
            if shell.status and "e" in shell.options and not shell.tested and not looked_at:
                raise ShellExitError(shell.status)
    return shell.status


async def _subshell(shell: Shell, commands: Sequence[AndOr], streams: Streams) -> int:
    """Run commands as the only ones of a subshell."""
    return await _ended(shell.fork(streams), commands)


async def _ended(shell: Shell, commands: Sequence[AndOr]) -> int:
    try:
        return await shell.finish(execute(shell, commands))
    except BrokenPipe:
        return _BROKEN_PIPE


async def captured(shell: Shell, commands: Sequence[AndOr]) -> str:
    """Run commands in a subshell and return what they write."""
    output = Capture(CAPTURE_LIMIT)
    shell.substituted = await _subshell(shell, commands, {**shell.streams, 1: output})
    return output.data.replace(b"\0", b"").decode("utf-8", "surrogateescape")


async def _pipeline(shell: Shell, pipeline: Pipeline) -> int:
    commands = pipeline.commands
    status = await (run_command(shell, commands[0]) if len(commands) == 1 else _joined(shell, commands))
    return int(not status) if pipeline.negated else status


async def _joined(shell: Shell, commands: Sequence[Command]) -> int:
    """Run commands at the same time, each with the output of the one before as its input."""
    pipes = [Pipe() for _ in commands[1:]]

    async def one(command: Command, source: Pipe | None, target: Pipe | None) -> int:
        streams = {**shell.streams, **({0: source} if source else {}), **({1: target} if target else {})}
        try:
            return await _subshell(shell, ((Pipeline((command,)),),), streams)
        finally:
            if source:
                source.desert()
            if target:
                target.close()

    ends = zip(commands, [None, *pipes], [*pipes, None], strict=True)
    tasks = [asyncio.ensure_future(one(*end)) for end in ends]
    try:
        statuses = await asyncio.gather(*tasks)
        failed = [status for status in statuses if status] if "pipefail" in shell.options else []
        return failed[-1] if failed else statuses[-1]
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError, Exception):
                await task


async def run_command(shell: Shell, command: Command) -> int:
    """Run one command with its redirections."""
    shell.session.steps += 1
    if shell.session.steps % _STEPS == 0:
        await _yield(shell)
    if shell.depth > _DEEPEST:
        await shell.error(f"{shell.name}: maximum nesting level exceeded")
        raise ShellExitError(1)
    outer = shell.streams
    try:
        shell.streams = await _redirected(shell, command.redirections)
        return await _evaluate(shell, command)
    except OSError as problem:
        shell.streams = outer
        await shell.error(f"{shell.name}: {problem.filename}: {problem.strerror}")
        return 1
    finally:
        if not (isinstance(command.what, Simple) and _is_exec(command.what)):
            shell.streams = outer


async def _yield(shell: Shell) -> None:
    """Let other tasks run; a script without an end gets less and less of the time, or ends with its budget."""
    many = shell.session.steps > _MANY_STEPS
    if many and shell.session.budget is not None:
        raise ExpiredError
    await asyncio.sleep(_PAUSE_SECONDS if many else 0)


async def _redirected(shell: Shell, redirections: Sequence[Redirection]) -> Streams:
    streams = dict(shell.streams)
    for redirection in redirections:
        if redirection.document is not None:
            body = await text_of(shell, redirection.document.body)
            streams[redirection.fd] = Given(body.encode("utf-8", "surrogateescape"))
            continue
        name = await text_of(shell, redirection.word)
        if redirection.operator not in (">&", "<&"):
            streams[redirection.fd] = _opened(shell, name, redirection.operator)
        elif name == "-":
            streams[redirection.fd] = Stream()
        elif name.isdecimal() and int(name) in streams:
            streams[redirection.fd] = streams[int(name)]
        else:
            raise OSError(9, "Bad file descriptor", name)
    return streams


def _opened(shell: Shell, name: str, operator: str) -> Stream:
    path = shell.path(name)
    if path == "/dev/null":
        return Stream()
    if path in ("/dev/stdout", "/dev/stderr", "/dev/tty"):
        return shell.streams[2 if path == "/dev/stderr" else 1]
    file = shell.open(name, write=operator != "<", truncate=operator in (">", ">|"))
    return FileStream(shell.files, file, append=operator == ">>")


async def _evaluate(shell: Shell, command: Command) -> int:
    match command.what:
        case Simple():
            return await _simple(shell, command.what)
        case Group(commands, subshell):
            return await (_subshell(shell, commands, shell.streams) if subshell else execute(shell, commands))
        case Background(commands):
            return await _start(shell, commands)
        case If():
            return await _if(shell, command.what)
        case Loop():
            return await _loop(shell, command.what)
        case For():
            return await _for(shell, command.what)
        case Case():
            return await _case(shell, command.what)
        case Function(name, body):
            shell.functions[name] = body
            return 0


async def _simple(shell: Shell, simple: Simple) -> int:
    shell.substituted = 0
    words = [text for word in simple.words for text in await fields_of(shell, word)]
    with shell.variables.restoring([name for name, _ in simple.assignments] if words else ()):
        for name, word in simple.assignments:
            value = await text_of(shell, word, assigned=True)
            await shell.assign(name, value, export=bool(words))
        return await shell.invoke(words) if words else shell.substituted


async def _start(shell: Shell, commands: Sequence[AndOr]) -> int:
    """Start commands in a subshell of their own process, without input."""
    jobs = shell.session.jobs
    if len(jobs) >= _MOST_JOBS:
        for pid in [pid for pid, job in jobs.items() if job.task.done()]:
            del jobs[pid]
    if len(jobs) >= _MOST_JOBS:
        await shell.fail("fork: retry: Resource temporarily unavailable", 254)
    pid = shell.host.open_shell(shell.user, shell.pod)

    def ended(task: asyncio.Task[int]) -> None:
        shell.host.close_shell(pid)
        if not task.cancelled():
            task.exception()  # so that asyncio does not report it: a shell may never wait for its jobs

    inner = shell.fork({**shell.streams, 0: Stream()})
    job = jobs[pid] = Job(asyncio.ensure_future(_ended(inner, commands)))
    shell.host.shells[pid].end = job.end
    job.task.add_done_callback(ended)
    shell.last_job = pid
    if shell.screen is not None:
        await shell.error(f"[{len(jobs)}] {pid}")
    return 0


async def _if(shell: Shell, choice: If) -> int:
    for condition, body in choice.branches:
        if await _test(shell, condition) == 0:
            return await execute(shell, body)
    return await execute(shell, choice.otherwise) if choice.otherwise else 0


async def _test(shell: Shell, condition: Sequence[AndOr]) -> int:
    shell.tested += 1
    try:
        return await execute(shell, condition)
    finally:
        shell.tested -= 1


async def _case(shell: Shell, choice: Case) -> int:
    text = await text_of(shell, choice.word)
    for patterns, body in choice.items:
        for pattern in patterns:
            if matches(await pattern_of(shell, pattern), text):
                shell.status = 0
                return await execute(shell, body)
    return 0


async def _loop(shell: Shell, loop: Loop) -> int:
    async def ready() -> bool:
        return (await _test(shell, loop.condition) == 0) == loop.wanted

    return await _repeated(shell, ready, loop.body)


async def _for(shell: Shell, loop: For) -> int:
    words = loop.words
    values = iter(
        list(shell.arguments) if words is None else [text for word in words for text in await fields_of(shell, word)]
    )

    async def ready() -> bool:
        value = next(values, None)
        if value is not None:
            await shell.assign(loop.name, value)
        return value is not None

    return await _repeated(shell, ready, loop.body)


async def _repeated(shell: Shell, ready: Callable[[], Awaitable[bool]], body: Sequence[AndOr]) -> int:
    """Run the body of a loop as long as it is ready for another round."""
    status = 0
    shell.loops += 1
    try:
        while True:
            try:
                if not await ready():
                    return status
                status = await execute(shell, body)
            except LoopError as jump:
                if jump.levels > 1:
                    raise LoopError(jump.levels - 1, again=jump.again) from None
                if not jump.again:
                    return 0
                status = 0
    finally:
        shell.loops -= 1


def _is_exec(simple: Simple) -> bool:
    """Whether it is an ``exec`` without a program: its redirections are those of the shell from then on."""
    return len(simple.words) == 1 and len(simple.words[0]) == 1 and getattr(simple.words[0][0], "text", "") == "exec"
