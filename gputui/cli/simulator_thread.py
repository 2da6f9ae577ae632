"""The simulator on a thread and event loop of its own."""

from __future__ import annotations

import asyncio
import queue
import threading
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


class SimulatorThread:
    """A simulator on a thread and loop of its own, on free ports, so that it never holds up the screen's loop."""

    def __init__(self, *, size: str, seed: int) -> None:
        self._size = size
        self._seed = seed
        self._started: queue.SimpleQueue[str | Exception] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    def __enter__(self) -> SimulatorThread:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is None:
            return
        if self._loop is not None and self._end is not None:
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(timeout=5)

    def start(self) -> str:
        """Start it, wait until it serves, and return a configuration for it. Raises what keeps it from starting."""
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._thread.start()
        answer = self._started.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001  (told to whoever waits in start)
            self._started.put(error)

    async def _serve(self) -> None:
        from gputui.sim.server import running_simulator

        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        async with running_simulator(size=self._size, seed=self._seed) as running:
            self._started.put(running.config_toml())
            await self._end.wait()
