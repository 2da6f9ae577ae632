"""The files of rules, read again by a service of the agent when one has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gputui.rules.files import RuleFiles, RulesRead


class RuleReader:
    """Has ``take`` follow the rules in ``files`` whenever one of these has changed."""

    def __init__(self, files: RuleFiles, take: Callable[[RulesRead], Awaitable[None]]) -> None:
        self._files = files
        self._take = take
        self._taken: object = None
        """The fingerprint of the files that were taken."""
        self._reading = asyncio.Lock()

    async def read(self) -> None:
        """Read the files again where one has changed. Raises ConfigError where the directory cannot be used."""
        async with self._reading:  # an earlier answer of the disk must not come after a later one
            found = await asyncio.to_thread(self._files.fingerprint)
            if found != self._taken:
                await self._take(await asyncio.to_thread(self._files.read))
                self._taken = found

    @property
    def is_current(self) -> bool:
        """Whether no file has changed since the rules were taken."""
        return self._files.fingerprint() == self._taken
