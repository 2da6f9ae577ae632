"""Suspending and resuming the program (SIGTSTP, SIGCONT), for the code that has the terminal at the time."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import termios
import time
from collections.abc import Callable
from types import FrameType, TracebackType

Handler = Callable[[int, FrameType | None], object] | int | None


_SETTLE_SECONDS = 0.02
"""Within how many seconds a SIGCONT cancels a stop. The order of two signals at about the same time is unknown: the
system delivers them to different threads, and Python calls its handlers by number. A stop without an end is a
hang."""


class JobControl:
    """A context: inside it SIGTSTP and SIGCONT suspend and resume the program with ``leave`` and ``enter``.

    ``leave`` restores the terminal for the shell, ``enter`` takes it again and draws. Both are called on the event
    loop, never in a signal handler, and always in pairs: for any number and order of signals each stop is followed by
    one ``enter``. SIGSTOP cannot be detected, so that after a SIGCONT alone another program may have changed the
    terminal: leave and enter again. Needs the main thread.
    """

    def __init__(self, terminal: int, leave: Callable[[], None], enter: Callable[[], None]) -> None:
        self._terminal = terminal
        self._leave = leave
        self._enter = enter
        self._asked_to_stop = False
        self._continued = False
        self._asked_at = self._continued_at = -math.inf
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

        False when the system did not stop it: there is no shell that could resume it (an orphaned process group, as
        in a tmux window that runs this program alone).
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
        self._asked_at = time.monotonic()
        self._wake(self._settle)

    def _on_continue(self, _number: int, _frame: FrameType | None) -> None:
        self._continued = True
        self._continued_at = time.monotonic()
        # Continued in the background: nothing may be drawn before the shell gives the terminal back.
        wait_for_foreground(self._terminal)
        self._wake(self._act)

    def _wake(self, callback: Callable[[], object]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback)

    def _settle(self) -> None:
        self._loop.call_later(_SETTLE_SECONDS, self._act)

    @property
    def _taken_back(self) -> bool:
        """Whether the stop was taken back by a SIGCONT, as the system does with one that has not taken effect."""
        return self._continued_at > self._asked_at - _SETTLE_SECONDS

    def _act(self) -> None:
        if self._asked_to_stop and not self._taken_back:
            if time.monotonic() < self._asked_at + _SETTLE_SECONDS:
                return  # it is called again after the interval for a SIGCONT
            self._leave()
            if not self._taken_back:  # not continued while leaving
                os.kill(os.getpid(), signal.SIGSTOP)
            self._resume()
        elif self._continued:
            self._leave()
            self._resume()

    def _resume(self) -> None:
        wait_for_foreground(self._terminal)
        self._asked_to_stop = self._continued = False
        self._enter()


def wait_for_foreground(terminal: int) -> None:
    """Return when this process may write to its terminal; the system stops it until then.

    Returns immediately where there is no terminal, or no shell that could give it back.
    """
    before = signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    try:
        # Setting the present attributes again changes nothing, but stops a process in the background (SIGTTOU).
        termios.tcsetattr(terminal, termios.TCSANOW, termios.tcgetattr(terminal))
    except termios.error:
        pass
    finally:
        signal.signal(signal.SIGTTOU, before)
