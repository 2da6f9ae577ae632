"""The program: the command line, in which Ctrl+C never causes a traceback, from the first import to the end."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # builtin: `signal` itself takes milliseconds to import
import atexit
import gc
import os
import sys
import warnings

INTERRUPTED = 130


def main() -> int:
    """Run the command line of this process and return its exit status."""
    if not sys.warnoptions:
        # Libraries print warnings for developers on stderr, which is the terminal of the app.
        warnings.simplefilter("ignore")
    # Imports leave next to no garbage, and searching for it takes a tenth of their time. gputui.cli enables it.
    gc.disable()
    # pydantic would read the metadata of all installed packages for its extensions, none of which is for gputui.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    heeds_ctrl_c = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeds_ctrl_c:
        # During the imports nothing is in progress yet, and an exception would be a traceback.
        signal.signal(signal.SIGINT, _interrupted)
    from gputui.cli import main as run

    if heeds_ctrl_c:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    status = INTERRUPTED
    try:
        status = run()
    except KeyboardInterrupt:
        pass  # a second one, while the command that the first has ended returned
    finally:
        # A third one may come before the handlers are set.
        try:  # noqa: SIM105  (contextlib would have to be imported before the handlers are set)
            _keep_status(int(status))
        except KeyboardInterrupt:
            pass
    return status


def _keep_status(status: int) -> None:
    """Keep the exit status when a signal comes while the interpreter ends; it ends a wait for threads immediately.

    After the functions at exit, the interpreter resets handlers to the default, which would kill; ignored signals
    stay ignored.
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
    start = "\n" if os.isatty(2) else ""  # the terminal shows ^C
    os.write(2, f"{start}gputui: interrupted.\n".encode())
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
