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

SECONDS = 2.0
"""How long the session waits for the agent's rows before it asks the servers by itself."""


async def show_first_rows(link: Link, first: Fleet) -> None:
    """Put the rows that the agent has of the lists on the screen into the fleet of the first frame, as they come."""
    with suppress(AgentError, TimeoutError):
        async with asyncio.timeout(SECONDS):
            client = await link.open()
            if client is None:
                return
            wanted = first.watched | first.watched_slowly
            async for found in client.parts("rows", {"lists": sorted(wanted)}):
                take_rows(first, found)
