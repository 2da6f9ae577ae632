"""The program: the command line, with ctrl+c in words from the first moment to the last."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # builtin: `signal` itself takes milliseconds to import
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
    try:
        return run()
    finally:
        if heeds_ctrl_c:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # the interpreter's own end has no words for it


def _interrupted(*_: object) -> None:
    start = "\n" if os.isatty(2) else ""  # the terminal has written ^C
    os.write(2, f"{start}gputui: interrupted.\n".encode())
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
