"""A request whose answer several lists need: sent once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from gputui.models.questions import sharing

_T = TypeVar("_T")


class SharedRequest(Generic[_T]):
    """The answer of ``ask``, shared for ``age`` seconds from its request on: it is no newer than that."""

    def __init__(self, ask: Callable[[], Awaitable[_T]], monotonic: Callable[[], float], *, age: float) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._age = age
        self._newest: asyncio.Task[tuple[_T, float]] | None = None
        self._running: set[asyncio.Task[tuple[_T, float]]] = set()

    async def get(self, age: float | None = None) -> _T:
        """Return an answer that is new enough, the one under way, or a new one; raises what ``ask`` does.

        ``age`` is how old an answer may be, where another limit than the usual one applies.
        """
        task = self._newest
        if task is None or (task.done() and not self._is_fresh(task, self._age if age is None else age)):
            return await self.renew()
        return (await asyncio.shield(task))[0]

    async def renew(self) -> _T:
        """Send a new request, whatever is known or under way; the answer serves the others too."""
        task = self._newest = asyncio.create_task(self._answered())
        self._running.add(task)
        task.add_done_callback(self._forget)
        return (await asyncio.shield(task))[0]

    def forget(self) -> None:
        """Send a new request the next time: what was answered, or is under way, is out of date."""
        self._newest = None

    def cancel(self) -> None:
        """Stop waiting for answers, and forget the last."""
        self.forget()
        for task in self._running:
            task.cancel()

    async def _answered(self) -> tuple[_T, float]:
        # From its end on, slow answers would still be new at the next tick of a poller, which would get no new one.
        at = self._monotonic()
        answer = await self._ask()
        shared = sharing.get()
        if shared is not None and shared.age:  # another process has had it for a while
            at = min(at, self._monotonic() - shared.age)
        return answer, at

    def _is_fresh(self, task: asyncio.Task[tuple[_T, float]], age: float) -> bool:
        failed = task.cancelled() or task.exception() is not None
        return not failed and self._monotonic() - task.result()[1] <= age

    def _forget(self, task: asyncio.Task[tuple[_T, float]]) -> None:
        self._running.discard(task)
        # Seen even when every caller was cancelled meanwhile.
        _ = task.cancelled() or task.exception()
