"""Who wants to hear of what."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

_News = TypeVar("_News")
_log = logging.getLogger(__name__)


class Listeners(Generic[_News]):
    """Functions called with each piece of news. One that fails is logged and keeps no other from hearing it."""

    def __init__(self) -> None:
        self._listeners: dict[object, Callable[[_News], None]] = {}

    def add(self, listener: Callable[[_News], None]) -> Callable[[], None]:
        """Add a listener and return the function that removes it again."""
        key = object()
        self._listeners[key] = listener

        def remove() -> None:
            self._listeners.pop(key, None)

        return remove

    def tell(self, news: _News) -> None:
        """Call every listener."""
        for listener in tuple(self._listeners.values()):
            try:
                listener(news)
            except Exception:  # noqa: BLE001  (the failure of one consumer is not the news of another)
                _log.exception("a listener failed")
