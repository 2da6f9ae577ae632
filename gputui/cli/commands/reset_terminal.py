"""``gputui --reset-terminal``: reset a terminal that a killed program left garbled."""

from __future__ import annotations

import subprocess
import sys

from gputui.cli.output import notify
from gputui.errors import ExitCode


def reset_terminal() -> int:
    """Write the sequences that reset a terminal, and set its line discipline to sane values."""
    status = ExitCode.OK
    if sys.stdin.isatty():
        try:
            subprocess.run(["stty", "sane"], check=True)  # noqa: S607  (the user's own PATH)
        except (OSError, subprocess.CalledProcessError):
            notify("gputui: stty cannot be run: the line settings of the terminal are not reset.")
            status = ExitCode.REFUSED
    if sys.stdout.isatty():
        from gputui.ssh.terminal_modes import AT_REST

        sys.stdout.write(f"{AT_REST.decode()}\r\n")
        sys.stdout.flush()
    return status
