"""A wait one can see and end: connecting, waiting for an sshd that is not up yet."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from gputui.screens.dialogs.dialog import Dialog


class WaitDialog(Dialog[bool]):
    """Shows what is awaited; escape ends the wait (the answer is None then)."""

    def __init__(self, heading: str) -> None:
        super().__init__()
        self._heading = heading
        self._said = ""

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._heading), classes="heading")
            yield Static(Content(self._said), id="said", classes="body")
            yield Static(Content("esc to stop waiting"), classes="hint")

    def on_mount(self) -> None:
        """Show what was said since it was laid out."""
        self.query_one("#said", Static).update(Content(self._said))

    def say(self, text: str) -> None:
        """Show how far it is."""
        self._said = text
        if self.is_mounted:
            self.query_one("#said", Static).update(Content(text))
