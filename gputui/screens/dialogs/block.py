"""The question before hosts are blocked from scheduling: for how long, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Label, Static

from gputui.formatting import parse_span
from gputui.models import LONGEST_BLOCK
from gputui.screens.dialogs.entries import EntriesDialog
from gputui.widgets.inputs.line_input import LineInput

DEFAULT_SPAN = "24h"


class BlockDialog(EntriesDialog[Mapping[str, str]]):
    """Gives back ``minutes`` and ``comment`` as text. Cancel has the focus.

    ``effect`` returns the effects of so many minutes, and a warning; None minutes: the span cannot be read.
    """

    DEFAULT_CSS = """
    BlockDialog #warning { color: $text-warning; width: 1fr; height: auto; }
    """

    def __init__(
        self,
        heading: str,
        *,
        subjects: Sequence[Content],
        effect: Callable[[int | None], tuple[Sequence[str], str]],
        comment: str = "",
    ) -> None:
        super().__init__(heading, subjects=subjects)
        self._effect = effect
        self._comment = comment
        self._typed_comment = False

    def compose_body(self) -> ComposeResult:
        """Lay out both lines, the effects and the buttons."""
        with Horizontal(classes="row"):
            yield Label(Content("For"))
            yield LineInput(DEFAULT_SPAN, placeholder="90m, 6h, 7d; at most 30d", id="span")
        yield Static(Content(""), classes="problem")
        with Horizontal(classes="row"):
            yield Label(Content("Reason"))
            yield LineInput(self._comment, placeholder="optional", id="comment")
        yield Static(Content(""), id="effect", classes="hint")
        yield Static(Content(""), id="warning")
        yield from self.compose_buttons({"cancel": "Cancel", "confirm": "Block"})

    def on_mount(self) -> None:
        """Show the effects, and focus the button that changes nothing."""
        self.show_effect()
        self.set_focus(self.query_one("#cancel"))

    def suggest(self, comment: str) -> None:
        """Fill the comment in, unless there is one."""
        if self._comment or self._typed_comment:
            return
        self._comment = comment
        if self.is_mounted:
            self.query_one("#comment", Input).value = comment

    def show_effect(self) -> None:
        """Show the effects of now: the state of the hosts may have changed."""
        minutes, problem = self._minutes()
        lines, warning = self._effect(minutes)
        self.query_one("#effect", Static).update(Content("\n".join(lines)))
        for selector, text in (("#warning", warning), (".problem", problem)):
            line = self.query_one(selector, Static)
            line.display = bool(text)
            line.update(Content(text))

    def _minutes(self) -> tuple[int | None, str]:
        """Return the minutes that are asked for, and what is wrong with the span."""
        text = self.query_one("#span", Input).value
        try:
            minutes = parse_span(text)
        except ValueError as error:
            return None, f"It {error}." if text.strip() else "Type a duration: 90m, 6h or 7d."
        if not 1 <= minutes <= LONGEST_BLOCK:
            return None, "It can be a minute at least, 30d at most."
        return minutes, ""

    @on(Input.Changed, "#span")
    def _span_changed(self) -> None:
        self.show_effect()

    @on(Input.Changed, "#comment")
    def _comment_changed(self, event: Input.Changed) -> None:
        # A suggested comment comes as a change too.
        self._typed_comment = self._typed_comment or event.value != self._comment

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if event.input.id == "comment" or self._minutes()[0] is None:
            self.confirm()
        else:
            self.set_focus(self.query_one("#comment"))

    def confirm(self) -> None:
        """Answer with both lines, unless the first cannot be read."""
        minutes, _ = self._minutes()
        if minutes is None:
            self.set_focus(self.query_one("#span"))
            return
        self.dismiss({"minutes": str(minutes), "comment": self.query_one("#comment", Input).value.strip()})
