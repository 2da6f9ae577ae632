"""A thread that writes, so that the app never waits for the file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


class BackgroundWriter:
    """Calls ``write`` in a thread, one call at a time, after each :meth:`schedule`; the thread begins with the first.

    ``write`` writes all that waits by then.
    """

    def __init__(self, name: str, write: Callable[[], object]) -> None:
        self._name = name
        self._write = write
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None

    def schedule(self) -> None:
        """Have what waits written; returns immediately."""
        with self._lock:
            if self._thread is None:
                from concurrent.futures import ThreadPoolExecutor

                self._thread = ThreadPoolExecutor(1, self._name)
            self._thread.submit(self._write)

    def close(self) -> None:
        """Write what waits; waits for two calls of ``write`` at most."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown(cancel_futures=True)
            self._write()
