"""The rows of hosts as a test asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gputui.api.ssh.backend import SshBackend
from gputui.models import (
    Instance,
    Ref,
)
from tests.fleet.fakes import FakeClock


async def host_of(backend: SshBackend, name: str = "gpu01") -> Instance:
    backend.forget()
    return next(row for row in await backend.instances() if row.ref == Ref("own", "host", name))


async def waited_for(backend: SshBackend, clock: FakeClock) -> Sequence[Instance]:
    """The list when the time for slow hosts is over."""
    listed = asyncio.ensure_future(backend.instances())
    while not clock.sleeping:  # noqa: ASYNC110  (the thread that reads the configuration has no event)
        await asyncio.sleep(0)
    await clock.advance(8)
    return await listed
