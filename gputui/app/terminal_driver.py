"""Textual's terminal driver with the mouse modes, the suspending and the resuming that gputui needs."""

from __future__ import annotations

import os
import signal
from time import monotonic
from typing import Any

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from gputui.ssh.job_control import JobControl, wait_for_foreground

_MOUSE_MODES = (1000, 1002, 1006)
"""Clicks; motion while a button is down (every other motion would cross the link for nothing); SGR coordinates."""
_MOUSE_PIXELS = 1016
_RESTORE_SECONDS = 0.5
"""The time that the writer's thread has to write what restores the terminal."""


class TerminalDriver(LinuxDriver):
    """A driver whose every mode is switched off by the code that switched it on.

    Textual's own handlers of SIGTSTP and SIGCONT start application mode a second time after a SIGSTOP, and do their
    work inside the signal handler; they are replaced.
    """

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self.active = False
        """Whether the terminal is this program's now."""
        self._given_back_at = 0.0
        self._handed_over = False
        self._job = JobControl(self.fileno, self._leave, self._enter)
        self._job.__enter__()  # for the rest of the process, as Textual's own

    def suspend(self) -> bool:
        """Suspend the job until the shell resumes it; False when there is no shell to do so."""
        return self._job.suspend()

    def start_application_mode(self) -> None:
        """Take the terminal, once it is this program's to take."""
        if os.isatty(self.fileno):
            wait_for_foreground(self.fileno)
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # Textual returns without a word where it may not write to the terminal: no shell is left to give it back.
        self.active = self._writer_thread is not None and self._writer_thread.is_alive()
        if not self.active:
            self.write = _drop  # type: ignore[method-assign, assignment]  # nothing empties its queue
            self._app.exit(return_code=128 + signal.SIGHUP)

    @property
    def is_restored(self) -> bool:
        """Whether the terminal was given back, and what restores it is written by now."""
        return not self.active and monotonic() - self._given_back_at > _RESTORE_SECONDS

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was found."""
        self.active = False
        super().stop_application_mode()
        self._given_back_at = monotonic()

    def _leave(self) -> None:
        self._handed_over = not self.active  # to a remote shell, or for good
        if not self._handed_over:
            self.suspend_application_mode()

    def _enter(self) -> None:
        if not self._handed_over:
            self._must_signal_resume = True  # the app draws everything again
            self.resume_application_mode()

    def _enable_mouse_support(self) -> None:
        if self._mouse:
            self.write("".join(f"\x1b[?{mode}h" for mode in _MOUSE_MODES))

    def _disable_mouse_support(self) -> None:
        if self._mouse:
            modes = (*((_MOUSE_PIXELS,) if self._mouse_pixels else ()), *reversed(_MOUSE_MODES))
            self.write("".join(f"\x1b[?{mode}l" for mode in modes))


def _drop(_data: str) -> None:
    """Write nothing: there is no terminal any more."""
