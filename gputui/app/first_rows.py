"""The first live rows of a session, from the agent: before this process has imported what it takes to ask servers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
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

    def __init__(self, link: Link, first: Fleet) -> None:
        self._link = link
        self._first = first
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Ask the agent, in the loop that runs: while the first frame is made, the agent makes its answers.

        Before the first view is there it is not known which lists are wanted.
        """
        watched = asyncio.Event()
        self._first.polled_lists.listeners.add(lambda _: watched.set())
        self._task = asyncio.create_task(self._take(watched))

    async def wait(self) -> None:
        """Wait until all lists have come that do, but not for slow servers: the session asks those as well."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=SECONDS)

    async def aclose(self) -> BaseException | None:
        """Take no more of them: the session has a fleet of its own. Returns a fault in taking them."""
        if self._task is None:
            return None
        self._task.cancel()
        await asyncio.wait({self._task})
        return None if self._task.cancelled() else self._task.exception()

    async def _take(self, watched: asyncio.Event) -> None:
        with suppress(AgentError):  # the session reads them itself, and the link looks for the agent again
            client = await self._link.open()
            if client is not None:
                await watched.wait()
                wanted = self._first.polled_lists.now | self._first.polled_lists.shown_slowly
                async for found in client.parts("rows", {"lists": sorted(wanted)}):
                    take_rows(self._first, found)
