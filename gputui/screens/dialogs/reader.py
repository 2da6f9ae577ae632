"""A full page over the view to read and search: descriptions, the output of a command, the help, a JSON document."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from gputui.errors import reason_of
from gputui.screens.base.export import save_text
from gputui.screens.detail import describe_json
from gputui.screens.dialogs.dialog import Dialog
from gputui.screens.dialogs.menu import Choice, MenuDialog
from gputui.screens.dialogs.panel_size import full_width, height_of, most_height
from gputui.text import clean
from gputui.widgets.inputs.line_input import LineInput
from gputui.widgets.json.tree import Fact, Plain, Section, parse, written
from gputui.widgets.json.view import JsonView
from gputui.widgets.linked_text import LinkedText
from gputui.widgets.text_view import SearchView, TextView

_ALL = ""
_BINDING = re.compile(r"\{([\w.-]+)\}")
_CLOSE = "{dialog.cancel} close"

ViewT = TypeVar("ViewT", TextView, JsonView)


class Reader(Dialog[None], Generic[ViewT]):
    """The base of readers: a view that fills the screen, a line to search it, and a hint with the keys."""

    DEFAULT_CSS = """
    Reader > .dialog { width: 96%; height: 94%; max-width: 140; overflow-y: hidden; }
    Reader #find { height: 1; margin-top: 1; display: none; }
    """

    HINT: ClassVar[str]
    """The hint, with ids of bindings in braces where their keys are shown."""
    NEXT: ClassVar[str]

    def __init__(self, heading: str, view: ViewT) -> None:
        super().__init__(heading)
        self.view: ViewT = view
        self._hint = ""

    def compose_body(self) -> ComposeResult:
        """Lay out the text, the line to search it, and the hint."""
        yield self.view
        yield LineInput(placeholder="find", id="find")
        yield Static(Content(self._hint), classes="hint", id="hint")

    def on_mount(self) -> None:
        """Show the hint of now, focus the text, and begin with the height that is needed."""
        self.show_hint(self._hint or self._with_keys(self.HINT))
        self.set_focus(self.view)
        self.fit()

    @property
    def hint(self) -> str:
        """The text below."""
        return self._hint

    def show_hint(self, text: str) -> None:
        """Show a text below, in place of the keys."""
        self._hint = text
        self.show_text("#hint", text)

    def _with_keys(self, hint: str) -> str:
        return _BINDING.sub(lambda found: self.key_of(found[1]), hint)

    def fit(self) -> None:
        """Take the height that is needed; without more, all that there is."""

    def action_cancel(self) -> None:
        """Leave the search line, or close."""
        if self.query_one("#find").display:
            self._leave_search()
        else:
            self.dismiss(None)

    def action_find(self) -> None:
        """Ask for a text to find."""
        find = self.query_one("#find", Input)
        find.display = True
        self.fit()
        self.set_focus(find)

    def _leave_search(self) -> None:
        self.query_one("#find").display = False
        self.fit()
        self.set_focus(self.view)

    @on(Input.Submitted)
    def _find(self, event: Input.Submitted) -> None:
        self._leave_search()
        if event.value:
            self.view.find(event.value)

    @on(SearchView.Found)
    def _found(self, event: SearchView.Found) -> None:
        self.show_hint(f"{event.summary}   {self._with_keys(f'{self.NEXT}   {_CLOSE}')}")


class ReaderDialog(Reader[TextView]):
    """Reads like a pager: move, search with ``/ n N``, copy all with ``c``, close with ``q`` or escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "cancel", "Close", show=False, id="reader.close"),
        Binding("slash", "find", "Find", show=False, id="reader.find"),
        Binding("c", "copy", "Copy all", show=False, id="reader.copy"),
    ]
    NEXT = "{text.next} {text.previous} next, previous"
    HINT = f"{{reader.find}} find   {NEXT}   {{reader.copy}} copy all   {_CLOSE}"

    def __init__(self, heading: str, lines: Sequence[Content], *, as_printed: bool = False) -> None:
        super().__init__(heading, TextView(lines, as_printed=as_printed))

    def set_lines(self, lines: Sequence[Content]) -> None:
        """Show another text: what was awaited has come. A dialog that closes meanwhile does not change."""
        self.view.set_lines(lines)
        self.fit()

    def on_resize(self) -> None:
        """Fit again: lines break elsewhere."""
        self.fit()

    def fit(self) -> None:
        """Make the dialog as high as its text, and no higher than its room."""
        if not all(self.query(selector) for selector in (".dialog", ".heading", "#hint", "#find")):
            return  # it is not laid out yet, or closes while a text comes that was awaited
        panel, find = self.query_one(".dialog"), self.query_one("#find")
        most, width = most_height(panel), full_width(panel) - panel.styles.gutter.width
        around = height_of(panel, {".heading": self.heading, "#hint": self.hint}, width)
        around += 1 + find.styles.margin.height if find.display else 0
        height = around + max(1, self.view.height_at(width - 1, most))
        panel.styles.height = min(height, most)

    def action_copy(self) -> None:
        """Copy all of it to the clipboard of the user's own terminal."""
        self.app.copy_to_clipboard(self.view.text)
        self.notify("Copied.", markup=False)


class LinkedReaderDialog(ReaderDialog):
    """The same with lines that name other things: enter closes it and opens the one that is selected."""

    HINT = f"{{text.open}} open ›   {ReaderDialog.HINT}"

    def __init__(self, heading: str, lines: Sequence[Content], links: Mapping[int, Hashable]) -> None:
        Reader.__init__(self, heading, LinkedText(lines, links))
        self.chosen: Hashable | None = None
        """The link that was opened."""

    def set_linked(self, lines: Sequence[Content], links: Mapping[int, Hashable]) -> None:
        """Show another text with its links, by number of line."""
        if isinstance(self.view, LinkedText):
            self.view.set_linked(lines, links)
            self.fit()

    @on(LinkedText.Opened)
    def _opened(self, event: LinkedText.Opened) -> None:
        event.stop()
        self.chosen = event.link
        self.dismiss(None)


class JsonReaderDialog(Reader[JsonView]):
    """Facts and JSON documents, such as the input and the output of a task: objects and arrays fold.

    ``subject`` is in the names of files saved.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "cancel", "Close", show=False, id="json.close"),
        Binding("slash", "find", "Find", show=False, id="json.find"),
        Binding("c", "copy", "Copy the value here", show=False, id="json.copy"),
        Binding("C", "copy_all", "Copy all", show=False, id="json.copy-all"),
        Binding("y", "raw", "Raw JSON", show=False, id="json.raw"),
        Binding("ctrl+s", "save", "Save", show=False, id="json.save"),
    ]
    NEXT = "{json.next} {json.previous} next, previous"
    HINT = (
        "{json.toggle} fold  {json.unfold-all} {json.fold-all} all  {json.find} find  "
        f"{{json.copy}} {{json.copy-all}} copy  {{json.raw}} raw  {{json.save}} save  {_CLOSE}"
    )

    def __init__(self, heading: str, subject: str) -> None:
        super().__init__(heading, JsonView())
        self._subject = subject
        self._sections: Sequence[Section] = ()
        self._raw = ""

    def set_content(self, facts: Sequence[Fact], sections: Sequence[Section], raw: str) -> None:
        """Show these; ``raw`` is the back end's own JSON of it."""
        self._sections, self._raw = sections, raw
        self.view.set_content(facts, sections)

    def action_copy(self) -> None:
        """Copy the value under the cursor to the clipboard of the user's own terminal."""
        name, text = self.view.here
        self._copy(text, clean(name))

    def action_copy_all(self) -> None:
        """Copy all of it."""
        self._copy(self.view.text, "all of it")

    def _copy(self, text: str, what: str) -> None:
        # It is pasted into terminals as well.
        self.app.copy_to_clipboard(clean(text, multiline=True))
        self.notify(f"Copied {what}.", markup=False)

    def action_raw(self) -> None:
        """Show the raw response of the back end, secrets hidden."""
        self.app.push_screen(ReaderDialog(f"JSON of {self._subject}", describe_json(self._raw)))

    @work(group="dialog", exit_on_error=False)
    async def action_save(self) -> None:
        """Write a part of it, or all, to a new file in the working folder."""
        parts = [section for section in self._sections if section.text]
        keys = [next(key for key in part.name if key not in "jkc") for part in parts]
        choices = [Choice(_ALL, "all of it, as the back end sent it" if self._raw else "all of it", "a")]
        choices += [Choice(part.name, part.name, key) for part, key in zip(parts, keys, strict=True)]
        chosen = await self.app.push_screen_wait(MenuDialog(f"Save of {self._subject}", choices))
        if chosen is None:
            return
        text = next((part.text for part in parts if part.name == chosen), self._raw or self.view.text)
        value = parse(text)
        suffix = "txt" if isinstance(value, Plain) else "json"
        stem = "-".join(filter(None, ("gputui", re.sub(r"[^\w.-]+", "_", self._subject), chosen)))
        try:
            path = await save_text(stem, suffix, written(value))
        except OSError as error:
            self.notify(f"Not saved: {reason_of(error)}.", severity="error", markup=False)
            return
        self.notify(f"Saved as {path}", markup=False, timeout=6)
