"""A full page of text over the view: descriptions, JSON, the output of a command, the help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from gputui.screens.dialogs.dialog import Dialog
from gputui.widgets.inputs.line_input import LineInput
from gputui.widgets.text_view import TextView


class ReaderDialog(Dialog[None]):
    """Reads like a pager: move, search with ``/ n N``, copy all with ``c``, close with ``q`` or escape."""

    DEFAULT_CSS = """
    ReaderDialog > .dialog { width: 96%; height: 94%; max-width: 140; }
    ReaderDialog .dialog.-fit { height: auto; }
    ReaderDialog #find { margin-top: 1; display: none; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "cancel", "Close", show=False, id="reader.close"),
        Binding("slash", "find", "Find", show=False, id="reader.find"),
        Binding("c", "copy", "Copy all", show=False, id="reader.copy"),
    ]

    def __init__(self, heading: str, lines: Sequence[Content]) -> None:
        super().__init__()
        self._heading = heading
        self._lines = list(lines)

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._heading), classes="heading")
            yield TextView(self._lines, id="text")
            yield LineInput(placeholder="find", id="find")
            yield Static(Content("/ find   n N next, previous   c copy all   esc close"), classes="hint", id="hint")

    def on_mount(self) -> None:
        """Show what came since it was laid out, and focus the text."""
        view = self.query_one(TextView)
        view.set_lines(self._lines)
        self.set_focus(view)

    def set_lines(self, lines: Sequence[Content]) -> None:
        """Show another text: what was awaited has come."""
        self._lines = list(lines)
        if self.is_mounted:
            self.query_one(TextView).set_lines(self._lines)

    def action_cancel(self) -> None:
        """Leave the search line, or close."""
        find = self.query_one("#find", Input)
        if find.display:
            find.display = False
            self.set_focus(self.query_one(TextView))
            return
        self.dismiss(None)

    def action_find(self) -> None:
        """Ask for a text to find."""
        find = self.query_one("#find", Input)
        find.display = True
        self.set_focus(find)

    def action_copy(self) -> None:
        """Copy all of it to the clipboard of the user's own terminal."""
        self.app.copy_to_clipboard(self.query_one(TextView).text)
        self.notify("Copied.", markup=False)

    @on(Input.Submitted)
    def _find(self, event: Input.Submitted) -> None:
        event.input.display = False
        view = self.query_one(TextView)
        self.set_focus(view)
        if event.value:
            view.find(event.value)

    @on(TextView.Found)
    def _found(self, event: TextView.Found) -> None:
        said = f"{event.count} lines match, line {event.line + 1}" if event.line is not None else "nothing matches"
        self.query_one("#hint", Static).update(Content(f"{said}   n N next, previous   esc close"))
