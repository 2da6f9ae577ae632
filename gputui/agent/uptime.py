"""The time since the start of this machine."""

from __future__ import annotations

import time
import uuid
from pathlib import Path


def uptime() -> float:
    """Return seconds since the machine has started, with those that it slept, where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Uptime:
    """The time since the start of the machine, with the time that it slept where the system counts it."""

    def __init__(self) -> None:
        self._begun = 0.0
        try:
            self.boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        except (OSError, ValueError):
            # Each run of the agent counts as a start of the machine then.
            self.boot, self._begun = str(uuid.uuid4()), uptime()

    def __call__(self) -> float:
        """Return it in seconds."""
        return uptime() - self._begun
