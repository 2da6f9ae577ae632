"""The base of the input lines at the bottom: the command bar and the filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os.path import commonprefix
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from gputui.widgets.bars.line import Line
from gputui.widgets.inputs.line_input import LineInput
from gputui.widgets.internal_errors import GuardedHandlers

Completer = Callable[[str], Sequence[str]]


class EntryBar(GuardedHandlers, Vertical):
    """Hidden until opened. Tab completes, with the candidates above; up and down show earlier entries.

    Its parts are mounted when it is first opened: two bars would be half of the widgets of a view.

    A subclass gives ``changed`` and ``submitted``, which get the text, and ``closed``. ``problem`` is the error that
    is shown, '' for none.
    """

    DEFAULT_CSS = """
    EntryBar { height: auto; display: none; background: $panel; }
    EntryBar Horizontal { height: 1; }
    EntryBar .prefix { width: auto; padding: 0 0 0 1; color: $text-accent; text-style: bold; }
    EntryBar Input { padding: 0; background: $panel; width: 1fr; }
    EntryBar .about { padding: 0 1; color: $muted; }
    EntryBar .about.-problem { color: $text-error; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False, priority=True, id="entry.close"),
        Binding("enter", "submit", "Submit", show=False, priority=True, id="entry.submit"),
        Binding("tab", "complete", "Complete", show=False, priority=True, id="entry.complete"),
        Binding("up", "past(-1)", "Earlier", show=False, id="entry.earlier"),
        Binding("down", "past(1)", "Later", show=False, id="entry.later"),
    ]

    KEYS: ClassVar[Sequence[tuple[str, str]]] = ()
    """The ends of the ids of the bindings in the footer while it is open, with a word for each."""

    def __init__(self, prefix: str, *, completer: Completer | None = None, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._prefix = prefix
        self._completer = completer
        self._past: list[str] = []
        self._position = 0
        self.problem = ""

    def open(self, text: str = "", past: Sequence[str] = (), prefix: str = "") -> None:
        """Show it with this text in it, after ``prefix``; ``past`` are earlier entries, the newest last."""
        self._mount_parts()
        self.query_one(".prefix", Static).update(Content(prefix or self._prefix))
        self._past = list(past)
        self._position = len(self._past)
        self.display = True
        entry = self._put(text)
        # Typing replaces the text; a cursor key keeps it.
        entry.action_select_all()
        # Not entry.focus(), which takes effect only after keys typed ahead have gone elsewhere.
        self.screen.set_focus(entry)
        self._show_candidates(text)

    def _mount_parts(self) -> None:
        if not self.children:
            line = Horizontal()
            self.mount(Line(classes="about"), line)
            line.mount(Static(classes="prefix"), LineInput(select_on_focus=False))

    def changed(self, text: str) -> None:
        """Act on the text as it is typed."""

    def submitted(self, text: str) -> None:
        """Act on the text that was entered."""

    def closed(self) -> None:
        """Act on escape; the bar is hidden already."""

    def show_error(self, problem: str) -> None:
        """Show what is wrong with the text; '' for nothing."""
        self.problem = problem
        about = self.query_one(Line)
        about.set_class(bool(problem), "-problem")
        about.show(Content(problem))
        about.display = bool(problem) or self._completer is not None

    def _show_candidates(self, text: str) -> None:
        self.show_error("")
        if self._completer is not None:
            self.query_one(Line).show(Content("  ".join(self._completer(text))))

    def action_close(self) -> None:
        """Hide it without an entry."""
        self.display = False
        self.closed()

    def action_complete(self) -> None:
        """Complete as far as all candidates agree."""
        if self._completer is None:
            return
        entry = self.query_one(Input)
        candidates = self._completer(entry.value)
        if not candidates:
            return
        common = commonprefix(candidates)  # noqa: RUF071  (of words, not of paths)
        if len(common) > len(entry.value) or len(candidates) == 1:
            self._put(candidates[0] + " " if len(candidates) == 1 and " " not in candidates[0] else common)

    def action_past(self, step: int) -> None:
        """Show an earlier entry (-1), or a later one (1)."""
        position = self._position + step
        if 0 <= position <= len(self._past):
            self._position = position
            self._put(self._past[position] if position < len(self._past) else "")

    def _put(self, text: str) -> Input:
        entry = self.query_one(Input)
        entry.value = text
        entry.cursor_position = len(text)
        return entry

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        # Of keys typed ahead only the last text counts: an earlier one would cost a redraw of the list each.
        if not self.display or event.value != event.input.value:
            return
        self._show_candidates(event.value)
        self.changed(event.value)

    def action_submit(self) -> None:
        """Enter the text."""
        self.submitted(self.query_one(Input).value)
