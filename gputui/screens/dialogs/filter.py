"""The filters of the servers: a form that can be emptied at once."""

from __future__ import annotations

from textual import on
from textual.content import Content
from textual.widgets import Button

from gputui.screens.dialogs.form import FormDialog, T


class FilterDialog(FormDialog[T]):
    """A form without required fields; ``Clear`` answers without values, for the whole list."""

    def on_mount(self) -> None:
        """Add the button for the whole list."""
        super().on_mount()
        clear = Button(Content("Clear"), id="clear", compact=True, disabled=not any(self._values.values()))
        self.query_one(".buttons").mount(clear, before="#cancel")
        self.query_one("#confirm", Button).label = Content("Apply")

    @on(Button.Pressed, "#clear")
    def _cleared(self, event: Button.Pressed) -> None:
        event.prevent_default()
        event.stop()
        self._check({})
        self.dismiss({})
