"""Short dialogs: lines of text asked for, and a wait that the user can see and end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import Input, Static

from gputui.screens.dialogs.dialog import Dialog
from gputui.widgets.inputs.line_input import LineInput


class PromptDialog(Dialog[str]):
    """Asks for one line; ``check`` returns what is wrong with it, '' when nothing is. ``suggester`` completes it."""

    def __init__(
        self,
        heading: str,
        *,
        subjects: Sequence[Content] = (),
        note: str = "",
        value: str = "",
        secret: bool = False,
        check: Callable[[str], str] | None = None,
        suggester: Suggester | None = None,
    ) -> None:
        super().__init__(heading, subjects=subjects)
        self._note = note
        self._value = value
        self._secret = secret
        self._check = check
        self._suggester = suggester

    def compose_body(self) -> ComposeResult:
        """Lay out the line."""
        yield LineInput(self._value, password=self._secret, suggester=self._suggester, id="line")
        yield Static(Content(""), classes="problem")
        yield Static(Content(f"{self._note} {self.keys_text('continue')}".lstrip()), classes="hint")

    def on_mount(self) -> None:
        """Focus the line."""
        self.set_focus(self.query_one(Input))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        problem = self._check(event.value) if self._check else ""
        if problem:
            self.show_text(".problem", problem)
        else:
            self.dismiss(event.value)


class AnswersDialog(Dialog[tuple[str, ...]]):
    """Asks for several lines, hidden unless they may be seen; enter moves to the next, and answers from the last."""

    DEFAULT_CSS = """
    AnswersDialog .label { width: 1fr; height: auto; }
    AnswersDialog .scroll { margin-bottom: 1; }
    """

    def __init__(
        self,
        heading: str,
        prompts: Sequence[tuple[str, bool]],
        *,
        subjects: Sequence[Content] = (),
        note: str = "",
    ) -> None:
        super().__init__(heading, subjects=subjects)
        self._prompts = prompts
        self._note = note

    def compose_body(self) -> ComposeResult:
        """Lay out a line for each question."""
        for text, visible in self._prompts:
            yield Static(Content(text), classes="label")
            yield LineInput("", password=not visible)
        yield Static(Content(self._note), classes="problem")
        yield Static(Content(self.keys_text("continue")), classes="hint")

    def on_mount(self) -> None:
        """Focus the first line."""
        self.set_focus(self.query(Input).first())

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        lines = [*self.query(Input)]
        if event.input is lines[-1]:
            self.dismiss(tuple(line.value for line in lines))
        else:
            self.set_focus(lines[lines.index(event.input) + 1])


class WaitDialog(Dialog[bool]):
    """Shows what is awaited; escape ends the wait (the answer is None then)."""

    _progress = ""

    def compose_body(self) -> ComposeResult:
        """Lay out the progress and the key."""
        yield Static(Content(self._progress), id="progress", classes="body")
        yield Static(Content(f"{self.key_of('dialog.cancel')} to stop waiting"), classes="hint")

    def on_mount(self) -> None:
        """Show the progress since it was laid out."""
        self.show_progress(self._progress)

    def show_progress(self, text: str) -> None:
        """Show how far it is."""
        self._progress = text
        self.show_text("#progress", text)
