"""The rate limits of the simulated Yotta for requests about tasks, as documented."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from .validation import LIMITED, RefusedError

OF_ONE, OF_ALL = 40, 200
"""Requests in a second: for the tasks of one endpoint, and of all together."""


class TaskLimits:
    """Counts the requests of each second. ``monotonic`` is in real seconds: a frozen world has limits too."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._second = -1
        self._counts: Counter[int] = Counter()

    def count(self, endpoint: int) -> None:
        """Count a request for the tasks of an endpoint; raises RefusedError where it is one too many."""
        second = int(self._monotonic())
        if second != self._second:
            self._second = second
            self._counts.clear()
        if self._counts[endpoint] >= OF_ONE or self._counts.total() >= OF_ALL:
            raise RefusedError(LIMITED, f"Too many requests: {OF_ONE} a second for an endpoint, {OF_ALL} in all")
        self._counts[endpoint] += 1
