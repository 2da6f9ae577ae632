"""A wait that the user can see and end: connecting, or waiting for an sshd that is not up yet."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from gputui.screens.dialogs.dialog import Dialog


class WaitDialog(Dialog[bool]):
    """Shows what is awaited; escape ends the wait (the answer is None then)."""

    _progress = ""

    def compose_body(self) -> ComposeResult:
        """Lay out the progress and the key."""
        yield Static(Content(self._progress), id="progress", classes="body")
        yield Static(Content("esc to stop waiting"), classes="hint")

    def on_mount(self) -> None:
        """Show the progress since it was laid out."""
        self.show_progress(self._progress)

    def show_progress(self, text: str) -> None:
        """Show how far it is."""
        self._progress = text
        self.show_text("#progress", text)
