"""The base of questions with lines to fill in, one below the other."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.widgets import Button

from gputui.screens.dialogs.dialog import QUESTION_KEYS, Answer, Dialog


class EntriesDialog(Dialog[Answer]):
    """A question whose yes is the lines as they are filled in. A subclass gives the lines, and reads them."""

    BINDINGS: ClassVar[list[BindingType]] = QUESTION_KEYS

    DEFAULT_CSS = """
    EntriesDialog .row { height: auto; margin-top: 1; }
    EntriesDialog Label { width: 10; }
    EntriesDialog .row Input { width: 1fr; }
    """

    @abstractmethod
    def confirm(self) -> None:
        """Answer with the lines, or focus the first that is wrong."""

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "confirm":
            self.confirm()
        else:
            self.dismiss(None)

    def action_answer(self, yes: bool) -> None:
        """Take the answer; not a yes that was typed before the question."""
        if not yes:
            self.dismiss(None)
        elif not self.typed_before:
            self.confirm()
