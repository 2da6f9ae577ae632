"""The commands that were run in instances in this session, whichever view is in front."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from gputui.fleet.remote_run import KEPT_IN_ALL, RemoteRun
from gputui.fleet.signals import Listeners
from gputui.models import Ref

_CLOSE_SECONDS = 3.0
_CANCEL_SECONDS = 2.0
MOST = 50
"""Runs that are kept."""
MOST_BYTES = 2 * KEPT_IN_ALL
"""Bytes of output that are kept of all runs together."""


class Runs:
    """Runs of this session. ``on_failure`` gets what fails inside gputui.

    Of more than :data:`MOST`, or of more output than :data:`MOST_BYTES`, the oldest that have ended are forgotten.
    """

    def __init__(self, on_failure: Callable[[BaseException], None] | None = None) -> None:
        self.listeners: Listeners[RemoteRun] = Listeners(on_failure)
        """Called when a run has started or ended, and when the state of an instance has changed."""
        self._on_failure = on_failure
        self._runs: dict[Ref, RemoteRun] = {}
        self._tasks: dict[asyncio.Task[None], RemoteRun] = {}

    @property
    def all(self) -> Sequence[RemoteRun]:
        """The runs in the order of their last start."""
        return list(self._runs.values())

    @property
    def under_way(self) -> Sequence[RemoteRun]:
        """The runs that have not ended."""
        return list(self._tasks.values())

    def get(self, ref: Ref | None) -> RemoteRun | None:
        """Return a run; None where there is none, or no longer."""
        return None if ref is None else self._runs.get(ref)

    def start(self, run: RemoteRun) -> asyncio.Task[None]:
        """Start a run, or what of it was renewed; returns the task that ends with it."""
        self._runs.pop(run.ref, None)
        self._runs[run.ref] = run
        run.listener = partial(self.listeners.notify, run)
        task = asyncio.create_task(run.run())
        self._tasks[task] = run
        task.add_done_callback(self._ended)
        self._forget_oldest()
        self.listeners.notify(run)
        return task

    async def aclose(self) -> None:
        """End all of them: TERM, and a moment for their ends. What runs then is not awaited; bounded in time."""
        tasks = list(self._tasks)
        for run in self._tasks.values():
            run.stop()
        for seconds in (_CLOSE_SECONDS, _CANCEL_SECONDS):
            tasks = [task for task in tasks if not task.done()]
            if tasks:
                await asyncio.wait(tasks, timeout=seconds)
            for task in tasks:
                task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        run = self._tasks.pop(task)
        self._forget_oldest()
        self.listeners.notify(run)
        if not task.cancelled() and (error := task.exception()) is not None and self._on_failure is not None:
            self._on_failure(error)

    def _forget_oldest(self) -> None:
        """Forget the oldest runs that have ended, but never the last one."""
        number, size = len(self._runs), sum(run.size for run in self._runs.values())
        for ref, run in list(self._runs.items())[:-1]:
            if number <= MOST and size <= MOST_BYTES:
                return
            if run not in self._tasks.values():
                del self._runs[ref]
                number, size = number - 1, size - run.size
