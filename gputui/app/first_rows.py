"""The first live rows of a session, from the agent: before this process has imported what it takes to ask servers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from gputui.agent.rows import take_rows
from gputui.errors import AgentError

if TYPE_CHECKING:
    from gputui.agent.link import Link
    from gputui.fleet import Fleet

SECONDS = 0.6
"""How long the session waits for the lists of the agent before it begins to open its own back ends."""


class FirstRows:
    """Puts the rows that the agent has of the lists on the screen into the fleet of the first frame, as they come."""

    def __init__(self, link: Link, first: Fleet, on_failure: Callable[[BaseException], None]) -> None:
        self._link = link
        self._first = first
        self._on_failure = on_failure
        self._task = asyncio.create_task(self._take())

    async def wait(self) -> None:
        """Wait until all lists have come that do, but not for slow servers: the session asks those as well."""
        await asyncio.wait({self._task}, timeout=SECONDS)

    async def aclose(self) -> None:
        """Take no more of them: the session has a fleet of its own."""
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _take(self) -> None:
        try:
            client = await self._link.open()
            if client is not None:
                wanted = self._first.watching.now | self._first.watching.shown_slowly
                async for found in client.parts("rows", {"lists": sorted(wanted)}):
                    take_rows(self._first, found)
        except AgentError:
            pass  # the session reads them itself, and the link looks for the agent again
        except Exception as error:  # noqa: BLE001  (a fault here must not prevent the session's own lists)
            self._on_failure(error)
