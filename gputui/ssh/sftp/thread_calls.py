"""Blocking calls made in threads, many in one go: a thread for each would cost as much as the call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

_T = TypeVar("_T")
Call = tuple[Callable[[], Any], asyncio.Future[Any]]
"""The work, and the future of who waits for it."""

_A_GO = 8
"""Calls that one thread makes in one go before another thread is used as well."""
_GOES = 4
"""The most threads for the calls of one turn of the loop."""


def make_in_thread(calls: Sequence[Call], after: Callable[[], None] = lambda: None) -> None:
    """Make calls one after the other in one go of a thread; ``after`` is called once all have their outcome."""

    def deliver(made: asyncio.Future[list[object]]) -> None:
        for (_, future), outcome in zip(calls, made.result(), strict=True):
            if future.done():  # it is no longer awaited
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        after()

    asyncio.get_running_loop().run_in_executor(None, _make, calls).add_done_callback(deliver)


def _make(calls: Sequence[Call]) -> list[object]:
    """Make calls, in a thread; returns what each returns, or its error."""
    outcomes = list[object]()
    for work, _ in calls:
        try:
            outcomes.append(work())
        except Exception as error:  # noqa: BLE001  (whoever waits for it gets it)
            outcomes.append(error)
    return outcomes


class ThreadCalls:
    """Short calls that do not depend on each other: those of one turn of the loop share the goes of few threads."""

    def __init__(self) -> None:
        self._waiting: list[Call] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def soon(self, work: Callable[[], _T]) -> asyncio.Future[_T]:
        """Make a call in a thread, soon."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # that of before has ended, and whoever waited there with it
            self._loop, self._waiting = loop, []
        if not self._waiting:
            loop.call_soon(self._make_waiting)
        future: asyncio.Future[_T] = loop.create_future()
        self._waiting.append((work, future))
        return future

    def _make_waiting(self) -> None:
        calls, self._waiting = self._waiting, []
        goes = min(_GOES, -(-len(calls) // _A_GO))
        for first in range(goes):
            make_in_thread(calls[first::goes])
