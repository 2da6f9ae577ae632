"""A thread that writes, so that the app never waits for the file."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_log = logging.getLogger(__name__)


class BackgroundWriter:
    """Calls ``write`` in a thread, one call at a time, after each :meth:`schedule`; the thread begins with the first.

    ``write`` writes all that waits by then. ``report`` gets the exception of each call in the thread, None for none.
    """

    def __init__(
        self, name: str, write: Callable[[], object], report: Callable[[Exception | None], None] | None = None
    ) -> None:
        self._name = name
        self._write = write
        self._report = report or _log_failure
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None

    def schedule(self) -> None:
        """Have what waits written; returns immediately."""
        with self._lock:
            if self._thread is None:
                from concurrent.futures import ThreadPoolExecutor

                self._thread = ThreadPoolExecutor(1, self._name)
            self._thread.submit(self._write_and_report)

    def close(self) -> None:
        """Write what waits; waits for two calls of ``write`` at most, and raises what the last one does."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown(cancel_futures=True)
            self._write()

    def _write_and_report(self) -> None:
        failure: Exception | None = None
        try:
            self._write()
        except Exception as error:  # noqa: BLE001  (no caller reads the Future)
            failure = error
        self._report(failure)


def _log_failure(error: Exception | None) -> None:
    if error is not None:
        _log.error("writing in the background failed", exc_info=error)
