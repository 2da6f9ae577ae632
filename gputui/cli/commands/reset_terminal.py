"""``gputui --reset-terminal``: reset a terminal that a killed program left garbled."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress


def reset_terminal() -> int:
    """Write the sequences that reset a terminal, and set its line discipline to sane values."""
    if sys.stdin.isatty():
        with suppress(OSError):  # a system without stty
            subprocess.run(["stty", "sane"], check=False)  # noqa: S607  (the user's own PATH)
    if sys.stdout.isatty():
        from gputui.ssh.terminal_modes import AT_REST

        sys.stdout.write(f"{AT_REST.decode()}\r\n")
        sys.stdout.flush()
    return 0
