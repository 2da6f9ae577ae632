"""Suspending and resuming the program (SIGTSTP, SIGCONT), for the code that has the terminal at the time."""

from __future__ import annotations

import asyncio
import os
import signal
import termios
from collections.abc import Callable
from types import FrameType, TracebackType

Handler = Callable[[int, FrameType | None], object] | int | None


class JobControl:
    """A context: inside it SIGTSTP and SIGCONT suspend and resume whatever ``leave`` and ``enter`` stand for.

    ``leave`` gives the terminal back as the shell expects it, ``enter`` takes it again and draws. Both are called on
    the event loop, never from inside a signal handler, and always in pairs: however many signals come in whatever
    order, each stop is followed by one ``enter``. SIGSTOP cannot be seen, so a SIGCONT on its own means that the
    terminal may have been another program's meanwhile: leave and enter again. Needs the main thread.
    """

    def __init__(self, terminal: int, leave: Callable[[], None], enter: Callable[[], None]) -> None:
        self._terminal = terminal
        self._leave = leave
        self._enter = enter
        self._asked_to_stop = False
        self._continued = False
        self._before: dict[signal.Signals, Handler] = {}

    def __enter__(self) -> JobControl:
        self._loop = asyncio.get_running_loop()
        for number, handler in ((signal.SIGTSTP, self._on_stop), (signal.SIGCONT, self._on_continue)):
            self._before[number] = signal.getsignal(number)
            signal.signal(number, handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            if handler is not None:
                signal.signal(number, handler)
        self._before.clear()

    def suspend(self) -> bool:
        """Suspend the whole job, as ctrl+z does in a shell; returns after it was resumed.

        False when the system did not stop it: there is no shell that could resume it (a process group of its own
        session, as in a tmux window that runs this program alone).
        """
        self._leave()
        self._continued = False
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.killpg(0, signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, before)
        resumed = self._continued
        self._resume()
        return resumed

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._asked_to_stop = True
        self._wake()

    def _on_continue(self, _number: int, _frame: FrameType | None) -> None:
        self._asked_to_stop = False  # as the system does with a stop that has not taken effect
        self._continued = True
        # Continued in the background: nothing may be drawn before the shell gives the terminal back.
        wait_for_foreground(self._terminal)
        self._wake()

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._act)

    def _act(self) -> None:
        if self._asked_to_stop:
            self._leave()
            if self._asked_to_stop:  # not continued while leaving
                os.kill(os.getpid(), signal.SIGSTOP)
            self._resume()
        elif self._continued:
            self._leave()
            self._resume()

    def _resume(self) -> None:
        wait_for_foreground(self._terminal)
        self._enter()
        self._asked_to_stop = self._continued = False


def wait_for_foreground(terminal: int) -> None:
    """Return when this process may write to its terminal; the system stops it until then.

    Returns at once where there is no terminal, or where no shell is left that could give it back.
    """
    before = signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    try:
        # Setting what is set already changes nothing, and stops a process in the background (SIGTTOU).
        termios.tcsetattr(terminal, termios.TCSANOW, termios.tcgetattr(terminal))
    except termios.error:
        pass
    finally:
        signal.signal(signal.SIGTTOU, before)
