"""The garbage collector where there are thousands of rows: no key is answered while it looks at all objects."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

_ALL_SECONDS = 3600.0
_OLDEST = 2
_REST_SECONDS = 60.0
"""The time without a key after which the user does not wait for an answer, in seconds."""


class SurvivorsAside:
    """Sets what has survived a full collection aside: the next one looks at what has come since.

    An old row that nothing refers to is freed nevertheless. Objects that refer to each other, as the widgets of a
    dialog do, are found by a look at all of them: once an hour, where no key is pressed.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._input_at = self._looked_at = now()

    def begin(self) -> None:
        """Let the collector work, by this rule."""
        gc.callbacks.append(self._collected)
        gc.enable()

    def end(self) -> None:
        """Let the collector work as usual."""
        if self._collected in gc.callbacks:
            gc.callbacks.remove(self._collected)
            gc.unfreeze()
        gc.enable()

    def input_came(self) -> None:
        """Note a key or a click."""
        self._input_at = self._now()

    def tick(self) -> None:
        """Look at all objects where that is due: to be called about once a minute."""
        now = self._now()
        if now - self._looked_at >= _ALL_SECONDS and now - self._input_at >= _REST_SECONDS:
            self._looked_at = now
            gc.unfreeze()
            gc.collect()

    def _collected(self, phase: str, info: Mapping[str, Any]) -> None:
        if phase == "stop" and info["generation"] == _OLDEST:
            gc.freeze()
