"""How to start gputui again where it is not installed: from the archive or the binary of ``make dist``."""

from __future__ import annotations

import os
import sys


def packed_program() -> tuple[str, ...]:
    """Return the words that start this archive or binary again, from any directory; empty if it is installed."""
    if getattr(sys, "frozen", False):
        return (sys.executable,)
    archive = getattr(getattr(sys.modules["__main__"], "__loader__", None), "archive", "")
    return (sys.executable, os.path.abspath(archive)) if archive else ()  # noqa: PTH100  (the name that was used)
