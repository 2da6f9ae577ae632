"""Facts and JSON over the view, to walk through: what goes into a task and comes out of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from gputui.screens.base.export import save_text
from gputui.screens.detail.reports import describe_json
from gputui.screens.dialogs.dialog import Dialog
from gputui.screens.dialogs.menu import Choice, MenuDialog
from gputui.screens.dialogs.reader import ReaderDialog
from gputui.text import clean
from gputui.widgets.inputs.line_input import LineInput
from gputui.widgets.json.tree import Fact, Plain, Section, parse, written
from gputui.widgets.json.view import JsonView

_HINT = "enter fold  + - all  / find  c C copy  y raw  ctrl+s save  esc close"
_ALL = ""


class JsonReaderDialog(Dialog[None]):
    """Objects and arrays fold; what is new is taken in where one is. ``subject`` is in the names of files saved."""

    DEFAULT_CSS = """
    JsonReaderDialog > .dialog { width: 96%; height: 94%; max-width: 140; }
    JsonReaderDialog #find { margin-top: 1; display: none; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "cancel", "Close", show=False, id="json.close"),
        Binding("slash", "find", "Find", show=False, id="json.find"),
        Binding("c", "copy", "Copy the value here", show=False, id="json.copy"),
        Binding("C", "copy_all", "Copy all", show=False, id="json.copy-all"),
        Binding("y", "raw", "Raw JSON", show=False, id="json.raw"),
        Binding("ctrl+s", "save", "Save", show=False, id="json.save"),
    ]

    def __init__(self, heading: str, subject: str) -> None:
        super().__init__()
        self._heading = heading
        self._subject = subject
        self._facts: Sequence[Fact] = ()
        self._sections: Sequence[Section] = ()
        self._raw = ""
        self._said = _HINT

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._heading), classes="heading")
            yield JsonView(self._facts, self._sections, id="json")
            yield LineInput(placeholder="find", id="find")
            yield Static(Content(self._said), classes="hint", id="hint")

    def on_mount(self) -> None:
        """Show what came since it was laid out, and focus it."""
        self._view.set_content(self._facts, self._sections)
        self.say(self._said)
        self.set_focus(self._view)

    @property
    def _view(self) -> JsonView:
        return self.query_one(JsonView)

    def set_content(self, facts: Sequence[Fact], sections: Sequence[Section], raw: str) -> None:
        """Show these; ``raw`` is the back end's own JSON of it."""
        self._facts, self._sections, self._raw = facts, sections, raw
        if self.is_mounted:
            self._view.set_content(facts, sections)

    def say(self, text: str) -> None:
        """Say something below, in the place of the keys."""
        self._said = text
        if self.is_mounted:
            self.query_one("#hint", Static).update(Content(text))

    def action_cancel(self) -> None:
        """Leave the search line, or close."""
        find = self.query_one("#find", Input)
        if find.display:
            find.display = False
            self.set_focus(self._view)
            return
        self.dismiss(None)

    def action_find(self) -> None:
        """Ask for a text to find."""
        find = self.query_one("#find", Input)
        find.display = True
        self.set_focus(find)

    @on(Input.Submitted)
    def _find(self, event: Input.Submitted) -> None:
        event.input.display = False
        self.set_focus(self._view)
        if event.value:
            self._view.find(event.value)

    @on(JsonView.Found)
    def _found(self, event: JsonView.Found) -> None:
        said = f"{event.number} of {event.count} places" if event.count else "nothing matches"
        self.say(f"{said}   n N next, previous   esc close")

    def action_copy(self) -> None:
        """Copy the value under the cursor to the clipboard of the user's own terminal."""
        name, text = self._view.here
        self._copy(text, clean(name))

    def action_copy_all(self) -> None:
        """Copy all of it."""
        self._copy(self._view.text, "all of it")

    def _copy(self, text: str, what: str) -> None:
        # It is pasted into terminals as well.
        self.app.copy_to_clipboard(clean(text, multiline=True))
        self.notify(f"Copied {what}.", markup=False)

    def action_raw(self) -> None:
        """Show what the back end says, without secrets."""
        lines = describe_json(self._raw) if self._raw else [Content("This back end has no JSON for it.")]
        self.app.push_screen(ReaderDialog(f"JSON of {self._subject}", lines))

    @work(group="dialog", exit_on_error=False)
    async def action_save(self) -> None:
        """Write a part of it, or all, to a new file in the working folder."""
        parts = [section for section in self._sections if section.text]
        keys = [next(key for key in part.name if key not in "jkc") for part in parts]
        choices = [Choice(_ALL, "all of it, as the back end says it" if self._raw else "all of it", "a")]
        choices += [Choice(part.name, part.name, key) for part, key in zip(parts, keys, strict=True)]
        chosen = await self.app.push_screen_wait(MenuDialog(f"Save of {self._subject}", choices))
        if chosen is None:
            return
        text = next((part.text for part in parts if part.name == chosen), self._raw or self._view.text)
        value = parse(text)
        suffix = "txt" if isinstance(value, Plain) else "json"
        stem = "-".join(filter(None, ("gputui", re.sub(r"[^\w.-]+", "_", self._subject), chosen)))
        try:
            path = await save_text(stem, suffix, written(value))
        except OSError as error:
            self.notify(f"It was not saved: {error.strerror}.", severity="error", markup=False)
            return
        self.notify(f"Saved as {path}", markup=False, timeout=6)
