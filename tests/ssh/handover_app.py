"""A small real app for the hand-over tests: ``python -m tests.ssh.handover_app PORT KEY STATE_DIRECTORY``.

It redraws and rings all the time. s: a shell; b: work that raises; c: a shell cancelled after a moment; q: quit.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import Label

from gputui.app.suspend import suspended
from gputui.errors import GputuiError
from gputui.models import SSHLogin, SSHTarget
from gputui.ssh.client import connect
from gputui.ssh.known_hosts import HostKeyQuestion, KnownHosts
from gputui.ssh.shell import ShellEnd, interactive


class HandoverApp(App[None]):
    """Counts ticks and keys, and shows how the last shell ended."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("s", "shell"),
        ("b", "boom"),
        ("c", "cancelled"),
        ("k", "count"),
        ("q", "quit"),
    ]

    def __init__(self, port: int, key: str, state: Path, *, own_sigterm: bool) -> None:
        super().__init__()
        self._port, self._key, self._state = port, key, state
        self._own_sigterm = own_sigterm
        self._ticks = self._keys = 0

    def compose(self) -> ComposeResult:
        yield Label("ready", id="end")
        yield Label("keys: 0", id="keys")
        yield Label("", id="ticks")
        yield Label("the last line")

    def on_mount(self) -> None:
        self.set_interval(0.02, self._tick)
        if self._own_sigterm:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit)

    def _tick(self) -> None:
        self._ticks += 1
        self.query_one("#ticks", Label).update(f"ticks: {self._ticks} {self.size.width}x{self.size.height}")
        self.bell()

    def action_count(self) -> None:
        self._keys += 1
        self.query_one("#keys", Label).update(f"keys: {self._keys}")

    def action_shell(self) -> None:
        self.run_worker(self._shell(), group="handover", exclusive=True, exit_on_error=False)

    def action_boom(self) -> None:
        async def boom() -> ShellEnd:
            raise GputuiError("boom")

        self.run_worker(self._say(boom), group="handover", exclusive=True, exit_on_error=False)

    def action_cancelled(self) -> None:
        worker = self.run_worker(self._shell(), group="handover", exclusive=True, exit_on_error=False)
        self.set_timer(1.0, worker.cancel)

    async def _say(self, work: Callable[[], Awaitable[ShellEnd]]) -> None:
        try:
            end = await suspended(self, work)
        except GputuiError as error:
            text = f"error: {error.message}"
        except asyncio.CancelledError:
            text = "cancelled"
        else:
            text = f"dropped: {end.message}" if end.dropped else f"exit: {end.exit_status}"
        self.query_one("#end", Label).update(text)

    async def _shell(self) -> None:
        async def accept(question: HostKeyQuestion) -> bool:
            return True

        connection = await connect(
            SSHTarget("127.0.0.1", self._port, "root"),
            SSHLogin(key=self._key, agent=False),
            host_id="lab/pod/main",
            hosts=KnownHosts(self._state),
            ask=accept,
        )
        try:
            await self._say(lambda: interactive(connection))
        finally:
            await connection.close()


if __name__ == "__main__":
    _, port, key, state, *options = sys.argv
    HandoverApp(int(port), key, Path(state), own_sigterm="--own-sigterm" in options).run()
