"""The program: the command line, with ctrl+c in words from the first moment to the last."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # builtin: `signal` itself takes milliseconds to import
import atexit
import os
import sys
import warnings

INTERRUPTED = 130


def main() -> int:
    """Run the command line of this process and return its exit status."""
    if not sys.warnoptions:
        # Libraries warn their developers (a cipher that will go) on stderr, which is the terminal the app draws on.
        warnings.simplefilter("ignore")
    heeds_ctrl_c = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeds_ctrl_c:
        # Importing takes longest, nothing is under way yet, and an exception in the midst of it would be a traceback.
        signal.signal(signal.SIGINT, _interrupted)
    from gputui.cli import main as run

    if heeds_ctrl_c:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    status = INTERRUPTED
    try:
        status = run()
    finally:
        _keep_status(int(status))
    return status


def _keep_status(status: int) -> None:
    """Let a signal that comes while the interpreter ends change nothing of how the program ended.

    It ends at once a wait for threads. The interpreter resets handlers to the default, which would kill, after the
    functions that run at exit; ignored signals stay ignored.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handled = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]

    def ignore() -> None:
        for number in handled:
            signal.signal(number, signal.SIG_IGN)

    atexit.register(ignore)
    for number in handled:
        signal.signal(number, lambda *_: os._exit(status))


def _interrupted(*_: object) -> None:
    start = "\n" if os.isatty(2) else ""  # the terminal has written ^C
    os.write(2, f"{start}gputui: interrupted.\n".encode())
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
