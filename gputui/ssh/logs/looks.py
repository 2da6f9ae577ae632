"""Looks at a host: short scripts, one at a time, that leave nothing behind.

A look has a time limit there. One that hangs all the same (a file server that does not answer) is not followed by
another: the next one only checks whether its processes are still there, over a new connection as well.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from gputui.errors import LogError, SshError, UnknownOutcomeError, UnreachableError
from gputui.late_dataclasses import dataclass
from gputui.models import SSHTarget
from gputui.ssh import scripts
from gputui.ssh.client import Connection
from gputui.ssh.scripts import Reason

Lease = Callable[[], AbstractAsyncContextManager[Connection]]
"""Leases the connection to the host. Raises GputuiError."""

SECONDS = 15.0
"""The time limit of a look."""
_ERRORS = 2**16
"""Bytes of error messages that are read."""
_BEGIN = (
    "LC_ALL=C; export LC_ALL; read -r g 2>/dev/null </proc/$$/stat; g=${g##*) }; set -- $g; g=${3:-$$}; set --\n"
    'printf "look %s\\n" "$g"\n'
)
_BEGUN = re.compile(rb"look (\d{1,10})\n")


@dataclass(frozen=True, slots=True)
class Look:
    """The outputs of a look, and the exit status of its script."""

    output: bytes
    errors: str
    status: int | None


class Looks:
    """Runs the looks at one log. ``name`` is that of its instance."""

    def __init__(self, lease: Lease, name: str) -> None:
        self._lease = lease
        self._name = name
        self._lock = asyncio.Lock()
        self._group: int | None = None
        """The process group of the last look, while it is not known to have ended."""

    async def look(self, script: str, target: SSHTarget | None, *, limit: int) -> Look:
        """Run a script in sh there; its output is ``limit`` bytes at most. Raises GputuiError."""
        async with self._lock, self._lease() as connection:
            return await self._look(connection, script, target, limit)

    async def _look(self, connection: Connection, script: str, target: SSHTarget | None, limit: int) -> Look:
        output, errors = bytearray(), bytearray()
        check = f"kill -s 0 -- -{self._group} 2>/dev/null && exit 99\n" if self._group is not None else ""

        async def stdout(piece: bytes) -> None:
            first = not output
            output.extend(piece)
            if (first or len(output) < 64) and (begun := _BEGUN.match(output)):
                self._group = int(begun[1])
            if len(output) > limit + 64:
                raise SshError(f"{self._name}: the answer is longer than {limit:,} bytes.")

        async def stderr(piece: bytes) -> None:
            errors.extend(piece[: max(0, _ERRORS - len(errors))])

        try:
            end = await scripts.run(
                connection, check + _BEGIN + script, stdout=stdout, stderr=stderr, target=target, timeout=SECONDS
            )
        except UnknownOutcomeError as error:
            raise UnreachableError(f"The connection to {self._name} was lost.") from error
        if check and end.status == 99 and not output:
            raise LogError(
                f"{self._name}: the last look at the log hangs there; no other one is started while it does.",
                hint="A file server that does not answer is the usual cause.",
            )
        begun = _BEGUN.match(output)
        if begun is not None:
            self._group = int(begun[1]) if end.may_run or end.open else None
        if end.reason is Reason.TIMEOUT or end.may_run:
            raise LogError(f"{self._name}: the log was not read within {SECONDS:.0f} s.")
        if begun is None:
            raise SshError(f"{self._name}: the answer to a look at the log cannot be read.")
        return Look(bytes(output[begun.end() :]), errors.decode("utf-8", "replace"), end.status)
