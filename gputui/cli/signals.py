"""Signals that end a command: SIGTERM and SIGHUP do what ctrl+c does, so that changes and terminals end in order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class ExpectedEnd(KeyboardInterrupt):
    """Ctrl+C where it is the usual end: there is nothing to say about it."""


@contextmanager
def until_interrupted() -> Iterator[None]:
    """Inside, ctrl+c is how the command ends."""
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
        """One line for the person."""
        return "interrupted." if self.by is signal.SIGINT else f"ended by {self.by.name}."

    @property
    def status(self) -> int:
        """The exit status, as shells have it."""
        return 128 + self.by

    def end(self, number: int, frame: FrameType | None) -> None:
        """Do what ctrl+c would do here: cancel what the event loop runs, or raise KeyboardInterrupt."""
        self.by = signal.Signals(number)
        interrupt = signal.getsignal(signal.SIGINT)
        if not callable(interrupt):
            raise KeyboardInterrupt
        interrupt(signal.SIGINT, frame)


@contextmanager
def ending() -> Iterator[Ending]:
    """Inside, SIGTERM and SIGHUP end a command as ctrl+c does; where they are ignored (``nohup``), they stay so."""
    ended = Ending()
    taken = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    try:
        for number in taken:
            signal.signal(number, ended.end)
    except ValueError:
        taken = []  # not the main thread: whoever runs commands there handles signals
    if taken and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A job in the background. Python's loops cancel their work only where SIGINT is not ignored: keep it away
        # in another way.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield ended
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
