"""Listeners to changes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

_Change = TypeVar("_Change")
_log = logging.getLogger(__name__)


class Listeners(Generic[_Change]):
    """Functions called with each change. A failure goes to ``on_failure`` or the log; the others are called."""

    def __init__(self, on_failure: Callable[[BaseException], None] | None = None) -> None:
        self._on_failure = on_failure
        self._listeners: dict[object, Callable[[_Change], None]] = {}

    def add(self, listener: Callable[[_Change], None]) -> Callable[[], None]:
        """Add a listener and return the function that removes it again."""
        key = object()
        self._listeners[key] = listener

        def remove() -> None:
            self._listeners.pop(key, None)

        return remove

    def notify(self, change: _Change) -> None:
        """Call every listener."""
        for listener in tuple(self._listeners.values()):
            try:
                listener(change)
            except Exception as error:  # noqa: BLE001  (the failure of one does not affect the others)
                self._report(error)

    def _report(self, error: Exception) -> None:
        if self._on_failure is None:
            _log.error("a listener failed", exc_info=error)
            return
        try:
            self._on_failure(error)
        except Exception:  # noqa: BLE001  (the report may fail as well)
            _log.exception("a listener's failure could not be reported")
