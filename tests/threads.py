"""The threads of a loop: whether they have something to do, and those that a test keeps busy."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

_held = 0


def at_work() -> bool:
    """Return whether a thread of the running loop works or has work waiting; False while a test holds them."""
    loop: Any = asyncio.get_running_loop()
    # Executors have no public count of what they do. A thread counts as idle after its result has been delivered.
    threads = loop._default_executor
    if threads is None or _held:
        return False
    return not threads._work_queue.empty() or threads._idle_semaphore._value < len(threads._threads)


@contextmanager
def held_threads() -> Iterator[None]:
    """Let nothing wait for the threads of the loop: the test decides when they continue."""
    global _held  # noqa: PLW0603
    _held += 1
    try:
        yield
    finally:
        _held -= 1


@contextmanager
def no_thread_is_free() -> Iterator[threading.Event]:
    """Let the threads of the running loop begin nothing until the event is set, which the end of the block does."""
    free = threading.Event()
    threads = ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(threads)
    threads.submit(free.wait)
    with held_threads():
        try:
            yield free
        finally:
            free.set()
