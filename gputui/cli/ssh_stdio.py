"""``gputui ssh --stdio``: stdin and stdout connected to the SSH server of an instance, as a ProxyCommand."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from gputui.cli import refs, session, ssh_login
from gputui.cli.output import report_error
from gputui.errors import ConfigError, ExitCode, GputuiError, SshError
from gputui.models import Action, Ref, Resource
from gputui.presentation.refusals import only_text

if TYPE_CHECKING:
    from gputui.config.loader import Account
    from gputui.fleet import Fleet
    from gputui.ssh.stream import Stream

_T = TypeVar("_T")
_CHUNK = 2**16
_STDIN, _STDOUT = 0, 1
_WAY = "GPUTUI_SSH_WAY"
"""The environment variable with the instances that this process is a part of the way to."""


def run(accounts: Mapping[str, Account], text: str, *, failed: int) -> int:
    """Connect until both sides have ended; ``failed`` is the exit status without a connection or after its loss."""
    if sys.stdout.isatty():
        raise ConfigError(
            "ssh --stdio writes the bytes of the connection to stdout, which is a terminal.",
            hint=f"It is for ProxyCommand; log in with gputui ssh {text}, or see gputui ssh-config.",
        )
    return asyncio.run(_run(accounts, text, failed))


async def _run(accounts: Mapping[str, Account], text: str, failed: int) -> int:
    async with session.open_fleet(accounts) as fleet:
        ref = await _find(fleet, text)
        try:
            _refuse_circle(ref)
            async with ssh_login.open_stream(fleet, ref) as stream:
                await carry(stream, _STDIN, _STDOUT)
        except GputuiError as error:
            report_error(error)
            return failed
    return ExitCode.OK


def _refuse_circle(ref: Ref) -> None:
    """Raise SshError where this process is a part of the way to the instance that it is to connect to.

    Its own jump host, or a ProxyCommand on the way, may be a host that is reached through gputui.
    """
    way = os.environ.get(_WAY, "").splitlines()
    if str(ref) in way:
        raise SshError(
            f"The way to {ref} goes in a circle: {' → '.join((*way, str(ref)))}.",
            hint="Correct jump in the configuration, or ProxyJump and ProxyCommand in that of OpenSSH.",
        )
    os.environ[_WAY] = "\n".join((*way, str(ref)))


async def _find(fleet: Fleet, text: str) -> Ref:
    """Return the instance that the text names; of a full Ref no list is read."""
    ref = refs.full_ref(fleet, text)
    if ref is not None and fleet.resource_of(ref) is Resource.INSTANCES:
        return ref
    matches, _ = await refs.find(fleet, [text], [Resource.INSTANCES], only=only_text(Action.SSH, "instances"))
    refs.report_shortened(matches)
    return matches[0].ref


async def carry(stream: Stream, source: int, sink: int) -> None:
    """Carry bytes from and to descriptors, which may be pipes, sockets or files, and end the output at its end.

    Raises SshError where the connection is lost; BrokenPipeError where the output is not read.
    """
    reader, writer = _Worker("stdin"), _Worker("stdout")

    def write(data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(sink, rest) :]

    def end() -> None:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sink)  # closed, and the number is not used for something else
        os.close(nothing)

    await stream.carry(
        lambda: reader.do(partial(os.read, source, _CHUNK)), lambda data: writer.do(partial(write, data)), end
    )


class _Worker:
    """Does blocking work, in order, in a thread that the program does not wait for at its end."""

    def __init__(self, name: str) -> None:
        self._work = SimpleQueue[Callable[[], None]]()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def do(self, work: Callable[[], _T]) -> _T:
        """Return the result of work done in the thread; where it is not awaited any more, the result is dropped."""
        outcome = Future[_T]()
        outcome.set_running_or_notify_cancel()

        def carry_out() -> None:
            try:
                outcome.set_result(work())
            except BaseException as error:  # noqa: BLE001  (it is raised where it is awaited)
                outcome.set_exception(error)

        self._work.put(carry_out)
        return await asyncio.wrap_future(outcome)

    def _run(self) -> None:
        while True:
            self._work.get()()
