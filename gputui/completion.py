"""Work that is completed where its caller is cancelled meanwhile: at the end of a session, with a closed dialog."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import ParamSpec, TypeVar

_log = logging.getLogger(__name__)

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def complete(work: Awaitable[_T]) -> _T:
    """Await work to its end. A cancellation of the caller is raised after it, and its failure is logged then.

    So whatever comes next, or waits for the caller to end, comes after the work. A second cancellation does not wait.
    """
    running = asyncio.ensure_future(work)
    try:
        await asyncio.wait({running})  # asyncio.shield would report a failure too, to the loop, from Python 3.14 on
    except asyncio.CancelledError:
        await asyncio.wait({running})
        if not running.cancelled() and (error := running.exception()) is not None:
            _log.error("work that was not awaited any more failed", exc_info=error)
        raise
    return running.result()


async def write_in_thread(work: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Run blocking work in a thread and :func:`complete` it.

    ``asyncio.to_thread``, for what only reads, drops work that no thread has begun when its caller is cancelled, and
    leaves work that one has begun to end after whatever the caller does next.
    """
    # No task: those that are left are cancelled where the loop ends, which waits for what threads have to do.
    return await complete(asyncio.get_running_loop().run_in_executor(None, partial(work, *args, **kwargs)))
