"""Runs custom commands: in this terminal while the app is suspended, or in the background."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from textual.app import App

from gputui.errors import ConfigError, reason_of
from gputui.models.custom_commands import CustomCommand, Mode
from gputui.text import clean

_SHELL = "/bin/sh"
_KEPT = 64 << 10
"""Bytes at the end of a command's output that are looked at."""
_LAST_LINE = 200
_END_SECONDS = 2.0


class CustomRuns:
    """The custom commands that run now.

    ``restore_signals`` sets the app's handlers of signals again. ``lend`` notes whether the terminal is another
    program's, so that messages wait. ``announce`` gets the title and the text of each end of a command in the
    background, for the ways outside the screen: without its output, which may be private.
    """

    def __init__(
        self,
        app: App[Any],
        restore_signals: Callable[[], None],
        lend: Callable[[bool], None] = lambda lent: None,
        announce: Callable[[str, str], None] = lambda title, text: None,
    ) -> None:
        self._app = app
        self._lend = lend
        self._announce = announce
        self._restore_signals = restore_signals
        self._background: dict[asyncio.Task[None], str] = {}

    @property
    def under_way(self) -> Sequence[str]:
        """The commands in the background, which the end of the program would end."""
        return list(self._background.values())

    async def run(self, command: CustomCommand, names: Sequence[str], lines: Sequence[str]) -> None:
        """Run a command for each of some rows: one after the other in the terminal, all at once in the background."""
        if command.mode is Mode.BACKGROUND:
            for name, line in zip(names, lines, strict=True):
                task = asyncio.create_task(self._in_background(command.name, name, line))
                self._background[task] = f"{command.name} ({name})"
                task.add_done_callback(self._background.pop)
            return
        from gputui.app.suspend import suspended

        await suspended(self._app, lambda: self._in_terminal(lines))

    async def aclose(self) -> None:
        """End what runs in the background; bounded in time."""
        for task in self._background:
            task.cancel()
        if self._background:
            await asyncio.wait(self._background, timeout=_END_SECONDS)

    async def _in_terminal(self, lines: Sequence[str]) -> None:
        """Run commands with the terminal. Ctrl+C is for them: it reaches this process too, which passes it over."""
        loop = asyncio.get_running_loop()
        interrupted = asyncio.Event()
        loop.add_signal_handler(signal.SIGINT, interrupted.set)
        loop.add_signal_handler(signal.SIGQUIT, interrupted.set)
        self._lend(True)
        try:
            ends = []
            for line in lines:
                _print(f"$ {clean(line)}\n")
                process = await asyncio.create_subprocess_exec(_SHELL, "-c", line)
                ends.append(await process.wait())
                if interrupted.is_set():
                    break
            _print(f"\n{_ends(ends, len(lines))}. Press enter to return to gputui.")
            await asyncio.to_thread(sys.stdin.readline)
        finally:
            self._lend(False)
            loop.remove_signal_handler(signal.SIGQUIT)
            self._restore_signals()

    async def _in_background(self, command: str, name: str, line: str) -> None:
        """Run the line of a command for a row without a terminal; show its end with the last line of its output.

        The output goes to a file: what the command leaves in the background may keep a pipe open for long.
        """
        with tempfile.TemporaryFile() as output:
            try:
                process = await asyncio.create_subprocess_exec(
                    _SHELL,
                    "-c",
                    line,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                text = str(ConfigError(f"{_SHELL} cannot be started: {reason_of(error)}."))
                self._show(f"{command} ({name})", text, failed=True)
                self._announce(f"{command} failed", f"{name}: {text}")
                return
            try:
                status = await process.wait()
            except asyncio.CancelledError:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                raise
            output.seek(max(0, output.seek(0, os.SEEK_END) - _KEPT))
            text = output.read().decode(errors="replace")
        written = [part for part in clean(text, multiline=True).splitlines() if part.strip()]
        last = written[-1][:_LAST_LINE] if written else "no output"
        self._show(f"{command} ({name}): {_end(status)}", last, failed=status != 0)
        self._announce(f"{command} {'failed' if status else 'finished'}", f"{name}: {_end(status)}.")

    def _show(self, title: str, text: str, *, failed: bool) -> None:
        self._app.notify(text, title=title, severity="error" if failed else "information", markup=False, timeout=12)


def _ends(statuses: Sequence[int], wanted: int) -> str:
    """Say how commands ended: of several, how many failed, and how many were not run after an interrupt."""
    if wanted == 1:
        return _end(statuses[0])
    failed = sum(status != 0 for status in statuses)
    left = wanted - len(statuses)
    return f"{failed} of {len(statuses)} failed" + (f", {left} not run" if left else "")


def _end(status: int) -> str:
    return f"exit code {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
