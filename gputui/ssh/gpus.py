"""A look at the GPUs of an instance, over its SSH connection."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime

from gputui.errors import SshError
from gputui.models import GpuReading, Instance
from gputui.ssh import nvidia
from gputui.ssh.client import Connection, run
from gputui.ssh.nvidia import Answer, Question
from gputui.ssh.nvidia_rows import is_divided, pids_of, reading

LOOK_SECONDS = 15.0
"""A driver that has to wake its GPUs takes seconds; one that hangs never answers."""
_MOST_REFUSED = len(nvidia.FIELDS)


async def read_gpus(
    connection: Connection, instance: Instance, question: Question, at: Callable[[], datetime]
) -> tuple[GpuReading, Question]:
    """Read GPUs and processes once; returns them with the question to ask the next time. Raises SshError.

    That is one command, as long as nothing is new: what is not known of a driver, a process or a divided GPU yet is
    asked for by another one, after it. ``at`` tells the time that the samples get.
    """
    answer: Answer = {}
    for _ in range(_MOST_REFUSED):
        answer = await _ask(connection, instance, nvidia.look(question))
        better = nvidia.without_refused(question, answer)
        if better is None:
            break
        question = better
    taken = at()
    if is_divided(question, answer) and not question.mig:
        question = replace(question, mig=True)
        answer = {**answer, **await _ask(connection, instance, nvidia.look_at_parts())}
    pids = pids_of(question, answer)
    new = not set(pids) <= set(question.pids)
    question = replace(question, pids=pids)
    if new:
        answer = {**answer, **await _ask(connection, instance, nvidia.look_at_processes(question))}
    if pids and question.ps and nvidia.has_no_ps(answer):
        question = replace(question, ps=False)
        answer = {**answer, **await _ask(connection, instance, nvidia.look_at_processes(question))}
    return reading(question, answer, instance, taken), question


async def _ask(connection: Connection, instance: Instance, command: str) -> Answer:
    result = await run(connection, command, LOOK_SECONDS)
    if result.timed_out:
        raise SshError(
            f"nvidia-smi in {instance.name} gives no answer within {LOOK_SECONDS:.0f}s.",
            hint="Its driver may hang: log in with s to look.",
        )
    return nvidia.cut(result.output, instance.name)


class GpuReader:
    """Reads the GPUs of one instance, look after look, each over a connection that ``lease`` lends for it."""

    def __init__(
        self, lease: Callable[[Instance], AbstractAsyncContextManager[Connection]], at: Callable[[], datetime]
    ) -> None:
        self._lease = lease
        self._at = at
        self._question = Question()

    async def __call__(self, instance: Instance) -> GpuReading:
        """Look once. Raises GputuiError: SshError, or what the lease raises."""
        async with self._lease(instance) as connection:
            found, self._question = await read_gpus(connection, instance, self._question, self._at)
        return found
