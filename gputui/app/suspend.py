"""The app without its terminal: while other code has it, as an SSH shell does, and when a signal ends the program."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
import termios
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from textual.app import App

from gputui.widgets.textual_internals import detach_output, is_ending, mute, unmute

Result = TypeVar("Result")


class _AppEndedError(Exception):
    """Leaves ``App.suspend()`` without resuming: the app is shutting down and the terminal is as it should be."""


async def suspended(app: App[Any], work: Callable[[], Awaitable[Result]]) -> Result:
    """Suspend ``app``, await ``work()`` with the terminal its own, resume, and return or raise what it did.

    Call it in a worker, never in a message handler: the app has to handle its messages meanwhile. ``work``
    restores the terminal itself, and takes its reader and SIGWINCH handlers away, before it ends. Raises
    textual.app.SuspendNotSupported where there is no terminal.
    """
    error: BaseException | None = None
    result: Result | None = None
    # A suspended driver queues all writes, no thread empties the queue, and the 30th write blocks the app for good.
    # The batch saves it from drawing frames that are not seen; bells, clipboards and pointers write past the batch.
    try:
        with app.batch_update(), app.suspend():
            driver = mute(app)
            try:
                result = await work()
            except BaseException as caught:  # noqa: BLE001  (raised again below, once the app has its terminal back)
                error = caught
            finally:
                unmute(driver)
            if is_ending(app) or not app.is_running:
                raise _AppEndedError  # noqa: TRY301  (the way out of suspend() that skips its resume)
    except _AppEndedError:
        pass
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # set whenever no error is


def release_lost_terminal(app: App[Any]) -> bool:
    """Write nothing more when the terminal has hung up; returns whether it has.

    Textual's writer ends with the first write that fails, and with an unread queue the 30th after that
    would block the app forever: it would stay behind on the machine whenever a connection drops.
    """
    try:
        termios.tcgetattr(sys.__stdin__.fileno() if sys.__stdin__ else 0)
    except termios.error as error:
        if error.args[0] != errno.EIO:  # no terminal at all is not a lost one
            return False
    else:
        return False
    detach_output(app)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    return True


class EndingSignals:
    """Ends the program at a signal, and at a second ctrl+c at once where the terminal ``is_restored``."""

    def __init__(self, app: App[int], is_restored: Callable[[], bool]) -> None:
        self._app = app
        self._is_restored = is_restored

    def catch(self) -> None:
        """Handle these signals from now on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            try:
                loop.add_signal_handler(number, self._end, number)
            except (ValueError, RuntimeError, NotImplementedError):
                return  # not the main thread: whoever runs the app there handles signals

    def end_without_terminal(self) -> None:
        """End when the terminal is gone: the signal goes to the leader of the session, which may keep it."""
        if release_lost_terminal(self._app):
            self._app.exit(128 + signal.SIGHUP, return_code=128 + signal.SIGHUP)

    def _end(self, number: signal.Signals) -> None:
        app = self._app
        release_lost_terminal(app)
        if is_ending(app):
            if number is signal.SIGINT and self._is_restored():
                os._exit(128 + number)  # a second ctrl+c: closing takes too long
            return
        app.exit(128 + number, return_code=128 + number, message=f"gputui: ended by {number.name}.")
