"""The form of filters, of which none is required."""

from __future__ import annotations

from textual import on
from textual.widgets import Button

from gputui.screens.dialogs.form import FormDialog
from gputui.screens.dialogs.form_check import T


class FilterDialog(FormDialog[T]):
    """A form without required fields; ``Clear`` answers without values, for the whole list."""

    def button_labels(self) -> dict[str, str]:
        """Return the labels of the buttons, by id: one is for the whole list."""
        return {"clear": "Clear", "cancel": "Cancel", "confirm": "Apply"}

    def on_mount(self) -> None:
        """Offer the whole list where there is less."""
        self.query_one("#clear", Button).disabled = not any(self._values.values())

    @on(Button.Pressed, "#clear")
    def _cleared(self, event: Button.Pressed) -> None:
        event.prevent_default()
        event.stop()
        self.check.check({})
        self.dismiss({})
