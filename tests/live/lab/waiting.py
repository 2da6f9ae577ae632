"""Waiting for real processes, with a deadline and a say about what was waited for; and their end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

_PAUSE = 0.1


def wait_until(holds: Callable[[], bool], what: str, timeout: float = 30.0) -> None:
    """Wait until ``holds()``; raises TimeoutError that names ``what``."""
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:g} s for {what}")
        time.sleep(_PAUSE)


def end_session(process: subprocess.Popen[bytes], timeout: float = 15.0) -> None:
    """End a process that is the leader of its own session and whatever it left behind in its process group."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # helpers that inherited a handler for SIGTERM outlive it
    process.wait()
