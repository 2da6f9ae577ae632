"""The question before waste is snoozed: until when, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Label, Static

from gputui.screens.dialogs.entries import EntriesDialog
from gputui.widgets.inputs.line_input import LineInput

DEFAULT = "8h"
_LONGEST_REASON = 200


class SnoozeDialog(EntriesDialog[tuple[datetime, str]]):
    """Gives back the end and the reason. The time has the focus.

    ``read`` returns the end that a text means, and raises ValueError; ``time_text`` writes it.
    """

    def __init__(
        self,
        heading: str,
        *,
        subjects: Sequence[Content],
        read: Callable[[str], datetime],
        time_text: Callable[[datetime], str],
    ) -> None:
        super().__init__(heading, subjects=subjects)
        self._read = read
        self._time_text = time_text

    def compose_body(self) -> ComposeResult:
        """Lay out both lines, the effect and the buttons."""
        with Horizontal(classes="row"):
            yield Label(Content("For"))
            yield LineInput(DEFAULT, placeholder="1h, 3d, 18:30 or 2026-12-03", id="end")
        yield Static(Content(""), classes="problem")
        with Horizontal(classes="row"):
            yield Label(Content("Reason"))
            yield LineInput("", placeholder="optional", id="reason")
        yield Static(Content(""), id="effect", classes="hint")
        yield from self.compose_buttons({"cancel": "Cancel", "confirm": "Snooze"})

    def on_mount(self) -> None:
        """Show the effect, and focus the time."""
        self._show()
        self.set_focus(self.query_one("#end"))

    def _end(self) -> tuple[datetime | None, str]:
        """Return the end, and what is wrong with the text."""
        try:
            return self._read(self.query_one("#end", Input).value), ""
        except ValueError as error:
            return None, f"The time {error}."

    def _show(self) -> None:
        end, problem = self._end()
        effect = "" if end is None else f"Hidden in this and later sessions until {self._time_text(end)}."
        self.query_one("#effect", Static).update(Content(effect))
        line = self.query_one(".problem", Static)
        line.display = bool(problem)
        line.update(Content(problem))

    @on(Input.Changed, "#end")
    def _end_changed(self) -> None:
        self._show()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if event.input.id == "reason" or self._end()[0] is None:
            self.confirm()
        else:
            self.set_focus(self.query_one("#reason"))

    def confirm(self) -> None:
        """Answer with both lines, unless the first cannot be read."""
        end, _ = self._end()
        if end is None:
            self.set_focus(self.query_one("#end"))
            return
        self.dismiss((end, self.query_one("#reason", Input).value.strip()[:_LONGEST_REASON]))
