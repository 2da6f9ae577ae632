"""Commands over a connection, run to their end."""

from __future__ import annotations

from typing import NamedTuple

from gputui.ssh.client import Connection
from gputui.ssh.commands import start


class Ended(NamedTuple):
    """How a command ended, and its output."""

    exit_code: int | None
    output: str
    timed_out: bool


async def run(connection: Connection, command: str, timeout: float | None = None) -> Ended:
    """Run a command until it ends, or for so many seconds."""
    started = await start(connection, command)
    try:
        in_time = await started.read(timeout)
        return Ended(started.status, started.output.decode(), not in_time)
    finally:
        started.end()
