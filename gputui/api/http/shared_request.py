"""One question that several lists need the answer of: asked once for all who want it at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class SharedRequest(Generic[_T]):
    """The answer of ``ask``, which serves everybody for ``age`` seconds."""

    def __init__(self, ask: Callable[[], Awaitable[_T]], monotonic: Callable[[], float], *, age: float) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._age = age
        self._newest: asyncio.Task[tuple[_T, float]] | None = None
        self._running: set[asyncio.Task[tuple[_T, float]]] = set()

    async def get(self) -> _T:
        """Return an answer that is new enough, the one under way, or a new one; raises what ``ask`` does."""
        task = self._newest
        if task is None or (task.done() and not self._is_fresh(task)):
            return await self.anew()
        return (await asyncio.shield(task))[0]

    async def anew(self) -> _T:
        """Ask now, whatever is known or under way; the answer serves the others too."""
        task = self._newest = asyncio.create_task(self._answered())
        self._running.add(task)
        task.add_done_callback(self._forget)
        return (await asyncio.shield(task))[0]

    def cancel(self) -> None:
        """Stop waiting for answers."""
        for task in self._running:
            task.cancel()

    async def _answered(self) -> tuple[_T, float]:
        answer = await self._ask()
        return answer, self._monotonic()

    def _is_fresh(self, task: asyncio.Task[tuple[_T, float]]) -> bool:
        failed = task.cancelled() or task.exception() is not None
        return not failed and self._monotonic() - task.result()[1] <= self._age

    def _forget(self, task: asyncio.Task[tuple[_T, float]]) -> None:
        self._running.discard(task)
        # Seen even when every caller was cancelled meanwhile.
        _ = task.cancelled() or task.exception()
