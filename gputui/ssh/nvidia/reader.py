"""Probes of the GPUs of an instance, over its SSH connection."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from gputui.accelerators.nvidia import query
from gputui.accelerators.nvidia.cells import gpu_rows
from gputui.accelerators.nvidia.failures import no_answer
from gputui.accelerators.nvidia.query import Answer, Question
from gputui.accelerators.nvidia.rows import is_divided, pids_of, reading, shares_memory
from gputui.accelerators.output import MARK, TIMED_OUT
from gputui.errors import SshError
from gputui.models import GpuReading, Instance
from gputui.ssh.client import Connection
from gputui.ssh.commands import Command, start

_SHELL_SECONDS = 15.0
"""The time limit for a login shell to start a command."""
_OUTPUT_LIMIT = 2**20
_SMALL_OUTPUT = 2**13
"""Bytes up to which parsing in place is cheaper than a thread."""
_MOST_REFUSED = len(query.FIELDS)
_SHELL = re.compile(rb"^%b (\d{1,10})$" % MARK.encode(), re.MULTILINE)
_CHECK_SECONDS = 15.0
_T = TypeVar("_T")


class Unended:
    """The last command in an instance that did not end in time: no other one is started while it runs.

    A process that hangs in the driver cannot be killed, and each probe would add one.
    """

    def __init__(self) -> None:
        self._command: Command | None = None
        self._shell = 0

    def keep(self, command: Command) -> None:
        """Store a command that has not ended in time; its channel stays open to detect its end."""
        found = _SHELL.search(command.output)
        self._command, self._shell = command, int(found[1]) if found else 0

    async def is_there(self, connection: Connection) -> bool:
        """Return whether it still runs, by its channel or by its process over another connection. Raises SshError."""
        if self._command is None:
            return False
        if not self._command.ended:
            if not self._command.connection.closed:
                return True
            if self._shell and await self._is_running(connection):
                return True
        self._command = None
        return False

    async def _is_running(self, connection: Connection) -> bool:
        command = f"sh -c 'grep -c \"{MARK}\" /proc/{self._shell}/cmdline 2>/dev/null'"
        check = await start(connection, command)
        try:
            await check.read(_CHECK_SECONDS)
        finally:
            check.end()
        return check.output.strip().endswith(b"1")


class _Probe:
    """One probe: each query is a separate command; the answers are parsed together."""

    def __init__(self, connection: Connection, instance: Instance, unended: Unended) -> None:
        self._connection = connection
        self._instance = instance
        self._unended = unended
        self._big = False
        self.answer: Answer = {}

    async def ask(self, command: str) -> None:
        """Run one command and add its parts to the answer. Raises SshError."""
        name = self._instance.name
        started = await start(self._connection, command, limit=_OUTPUT_LIMIT)
        kept = False
        try:
            seconds = query.time_limit(command)
            if not await started.read(_SHELL_SECONDS, until=MARK.encode()):
                kept = True
                raise SshError(
                    f"The shell of {name} did not start a command within {_SHELL_SECONDS:.0f}s.",
                    hint=f"{query.START_FILES} Log in with s to look.",
                )
            if not await started.read(seconds):
                kept = True
                raise no_answer(name, seconds)
        finally:
            if kept:
                self._unended.keep(started)
            else:
                started.end()
        if started.overflowed:
            raise SshError(f"The answer of {name} is too long for a list of GPUs.", hint="Log in with s to look.")
        output = bytes(started.output)
        self._big = self._big or len(output) > _SMALL_OUTPUT
        parts = await self.understand(lambda: query.cut(output.decode("utf-8", "replace"), name))
        self.answer = {**self.answer, **parts}

    async def understand(self, read: Callable[[], _T]) -> _T:
        """Parse the answer: in a thread where it is long, so that the app stays responsive."""
        return await asyncio.to_thread(read) if self._big else read()


async def read_gpus(
    connection: Connection,
    instance: Instance,
    question: Question,
    at: Callable[[], datetime],
    unended: Unended | None = None,
) -> tuple[GpuReading, Question]:
    """Read GPUs and processes once; returns them with the query for the next time. Raises SshError.

    This is one command while nothing is new; details of a new driver, process or divided GPU need another one after
    it. ``at`` returns the time of the samples; ``unended`` stores a command that does not end.
    """
    probe = _Probe(connection, instance, unended or Unended())
    for _ in range(_MOST_REFUSED):
        await probe.ask(query.probe_command(question))
        better = query.without_refused(question, probe.answer)
        if better is None:
            break
        question = better
    taken = at()
    if not await probe.understand(lambda: gpu_rows(question, probe.answer)):
        if probe.answer["gpus"].status != TIMED_OUT:
            await probe.ask(query.command(query.OTHERS))
        return await probe.understand(lambda: reading(question, probe.answer, instance, taken)), question
    question = await _ask_for_more(probe, question)
    return await probe.understand(lambda: reading(question, probe.answer, instance, taken)), question


async def _ask_for_more(probe: _Probe, question: Question) -> Question:
    """Query the details of new items in an answer; returns the query with them."""
    if not question.mig and await probe.understand(lambda: is_divided(question, probe.answer)):
        question = replace(question, mig=True)
        await probe.ask(query.command(query.MIG))
    if not question.shared and await probe.understand(lambda: shares_memory(question, probe.answer)):
        question = replace(question, shared=True)
        await probe.ask(query.command(query.MEMORY))
    pids = await probe.understand(lambda: pids_of(question, probe.answer))
    new = not set(pids) <= set(question.pids)
    question = replace(question, pids=pids)
    if new:
        await probe.ask(query.command(query.details(question)))
    if pids and question.ps and query.has_no_ps(probe.answer):
        question = replace(question, ps=False)
        await probe.ask(query.command(query.details(question)))
    return question


class GpuReader:
    """Reads the GPUs of one instance over leased connections, unless a command of an earlier probe still runs."""

    def __init__(
        self, lease: Callable[[Instance], AbstractAsyncContextManager[Connection]], at: Callable[[], datetime]
    ) -> None:
        self._lease = lease
        self._at = at
        self._question = Question()
        self._unended = Unended()

    async def __call__(self, instance: Instance) -> GpuReading:
        """Probe once. Raises GputuiError: SshError, or the errors of the lease."""
        async with self._lease(instance) as connection:
            if await self._unended.is_there(connection):
                raise SshError(
                    f"The last nvidia-smi in {instance.name} has not ended yet: no further one is started.",
                    hint="The driver may hang: log in with s and read dmesg.",
                )
            found, self._question = await read_gpus(connection, instance, self._question, self._at, self._unended)
        return found
