"""Runs the scripts of back ends over the SSH connections of the fleet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from gputui.errors import SshError, UnknownOutcomeError, UnreachableError
from gputui.formatting import format_bytes
from gputui.models import Instance, Phase, RemoteOutput, SSHTarget

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet


class FleetRemote:
    """The :class:`gputui.api.capabilities.Remote` of the back ends of a fleet. Asks no question."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def run(self, target: SSHTarget, script: str, *, timeout: float, limit: int = 2**20) -> RemoteOutput:
        """Run a script at ``target.host_row``; see the protocol. Raises SshError."""
        from gputui.ssh import scripts

        if target.host_row is None:
            raise SshError(f"{target.alias or target.host} is not the address of a row.")
        row = Instance(target.host_row, target.host_row.id, Phase.RUNNING, "", ssh=target)
        output, errors = bytearray(), bytearray()
        was_open = self._fleet.connections.is_open(row)
        async with self._fleet.connections.lease(row) as connection:
            try:
                ended = await scripts.run(
                    connection,
                    script,
                    stdout=_into(output, limit, row.name),
                    stderr=_into(errors, limit, row.name),
                    timeout=timeout,
                )
            except UnknownOutcomeError:
                return RemoteOutput(None, bytes(output), bytes(errors), lost=True)
            except SshError as error:
                if not connection.closed:
                    raise
                if not was_open:
                    raise UnreachableError(f"The connection to {row.name} was lost.") from error
                # It was lost since it was used last: nothing was run yet.
                return await self.run(target, script, timeout=timeout, limit=limit)
        late = ended.reason is scripts.Reason.TIMEOUT
        return RemoteOutput(None if late else ended.status, bytes(output), bytes(errors), ended.signal)


def _into(output: bytearray, limit: int, name: str) -> Callable[[bytes], Awaitable[None]]:
    """Return the function that adds to an output, up to a limit."""

    async def write(chunk: bytes) -> None:
        output.extend(chunk)
        if len(output) > limit:
            raise SshError(f"{name} prints more than {format_bytes(limit)}.", hint="Log in with s to look.")

    return write
