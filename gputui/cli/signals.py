"""Signals that end a command: SIGTERM and SIGHUP act as ctrl+c does, so that changes and terminals end in order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class ExpectedEnd(KeyboardInterrupt):
    """Ctrl+C as the normal end of a command, without a message."""


@contextmanager
def until_interrupted() -> Iterator[None]:
    """Inside, ctrl+c is the normal end of the command."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise ExpectedEnd from interrupt


class Ending:
    """Which signal ended the command, if one did."""

    def __init__(self) -> None:
        self.by: signal.Signals = signal.SIGINT

    @property
    def words(self) -> str:
        """The message for the user."""
        return "interrupted." if self.by is signal.SIGINT else f"ended by {self.by.name}."

    @property
    def status(self) -> int:
        """The exit status, as in shells."""
        return 128 + self.by

    def end(self, number: int, frame: FrameType | None) -> None:
        """Act as ctrl+c does here: cancel the task of the event loop, or raise KeyboardInterrupt."""
        self.by = signal.Signals(number)
        interrupt = signal.getsignal(signal.SIGINT)
        if not callable(interrupt):
            raise KeyboardInterrupt
        interrupt(signal.SIGINT, frame)


@contextmanager
def ending() -> Iterator[Ending]:
    """Inside, SIGTERM and SIGHUP end a command as ctrl+c does, unless they are ignored (``nohup``)."""
    ended = Ending()
    taken = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    try:
        for number in taken:
            signal.signal(number, ended.end)
    except ValueError:
        taken = []  # not the main thread: its caller handles signals
    if taken and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A job in the background. Python's loops cancel their work only where SIGINT is not ignored: it is blocked
        # instead.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield ended
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
