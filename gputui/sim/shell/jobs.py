"""Commands that a shell has started in the background."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

_KILLED = 128


@dataclass
class Job:
    """Commands in the background. ``signal`` is that which ended them, 0 for none."""

    task: asyncio.Task[int]
    signal: int = 0

    @property
    def state(self) -> str:
        """``Running``, ``Terminated`` by a signal, or ``Done``."""
        return "Terminated" if self.signal else "Done" if self.task.done() else "Running"

    def end(self, number: int) -> None:
        """End it with a signal."""
        self.signal = number
        self.task.cancel()

    async def status(self) -> int:
        """Await its end and return its exit status. Raises what it has raised."""
        await asyncio.wait({self.task})
        return _KILLED + self.signal if self.task.cancelled() else self.task.result()
