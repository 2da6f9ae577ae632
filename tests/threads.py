"""Threads that are busy with something else, as on a slow machine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def no_thread_is_free() -> Iterator[threading.Event]:
    """Let the threads of the running loop begin nothing until the event is set, which the end of the block does."""
    free = threading.Event()
    threads = ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(threads)
    threads.submit(free.wait)
    try:
        yield free
    finally:
        free.set()
