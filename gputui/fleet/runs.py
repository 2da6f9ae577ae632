"""The commands that run in instances, whichever view is in front."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from gputui.fleet.remote_run import RemoteRun

_CLOSE_SECONDS = 3.0


class Runs:
    """Runs of this session. ``on_failure`` gets what fails inside gputui."""

    def __init__(self, on_failure: Callable[[BaseException], None] | None = None) -> None:
        self.last: RemoteRun | None = None
        """The run that was started last."""
        self._on_failure = on_failure
        self._tasks: dict[asyncio.Task[None], RemoteRun] = {}

    @property
    def under_way(self) -> Sequence[RemoteRun]:
        """The runs that have not ended."""
        return list(self._tasks.values())

    def start(self, run: RemoteRun) -> asyncio.Task[None]:
        """Start a run, or what of it was renewed; returns the task that ends with it."""
        self.last = run
        task = asyncio.create_task(run.run())
        self._tasks[task] = run
        task.add_done_callback(self._ended)
        return task

    async def aclose(self) -> None:
        """End all of them: TERM, and a moment for their ends. What runs then is not awaited."""
        for run in self._tasks.values():
            run.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSE_SECONDS)
        for task in tuple(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and (error := task.exception()) is not None and self._on_failure is not None:
            self._on_failure(error)
