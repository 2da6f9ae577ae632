"""Background work whose failures are always shown, whichever screen or widget started it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.worker import Worker, WorkerState
from textual.worker_manager import WorkerManager

AWAITED_GROUP = "awaited"
"""The group of workers whose starter awaits them, and shows what they raise."""


class Workers(WorkerManager):
    """Calls ``on_failure`` with every worker that raised.

    Textual posts a worker's state to the node that started it and no further: with ``exit_on_error=False`` a failure
    in a screen or widget would end in silence.
    """

    def __init__(self, app: App[Any], on_failure: Callable[[Worker[Any]], None]) -> None:
        super().__init__(app)
        self._on_failure = on_failure

    def _remove_worker(self, worker: Worker[Any]) -> None:
        super()._remove_worker(worker)
        if worker.state is WorkerState.ERROR and not worker.exit_on_error:
            self._on_failure(worker)
