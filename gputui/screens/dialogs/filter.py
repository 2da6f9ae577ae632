"""The filters of the servers: a form that can be emptied at once."""

from __future__ import annotations

from textual import on
from textual.content import Content
from textual.widgets import Button

from gputui.screens.dialogs.form import FormDialog


class FilterDialog(FormDialog):
    """A form without anything required; ``Clear`` gives back no values at all, which asks for everything again."""

    def on_mount(self) -> None:
        """Add the way back to everything."""
        super().on_mount()
        clear = Button(Content("Clear"), id="clear", compact=True, disabled=not any(self._values.values()))
        self.query_one(".buttons").mount(clear, before="#cancel")
        self.query_one("#confirm", Button).label = Content("Apply")

    @on(Button.Pressed, "#clear")
    def _cleared(self, event: Button.Pressed) -> None:
        event.prevent_default()
        event.stop()
        self.dismiss({})
