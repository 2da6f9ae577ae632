"""The question how many instances there should be: the number can be changed in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.events import Key
from textual.widgets import Button, Static

from gputui.screens.dialogs.dialog import QUESTION_KEYS, Dialog

_MOST = 99_999


class ScaleDialog(Dialog[int]):
    """Gives back the number that was confirmed, 0 to stop instead. Cancel has the focus.

    ``+`` and ``-`` change the number, digits replace it. ``effect`` returns the effects of a number; less than one is
    not possible, and with ``may_stop`` a button to stop is offered then.
    """

    BINDINGS: ClassVar[list[BindingType]] = QUESTION_KEYS

    DEFAULT_CSS = """
    ScaleDialog #number { height: auto; margin-top: 1; }
    """

    def __init__(
        self,
        heading: str,
        *,
        current: int,
        wanted: int,
        subjects: Sequence[Content] = (),
        effect: Callable[[int], Sequence[str]],
        may_stop: bool = False,
    ) -> None:
        super().__init__(heading, subjects=subjects)
        self._current = current
        self._effect = effect
        self._may_stop = may_stop
        self._too_few = wanted < 1
        self._number = min(max(1, wanted), _MOST)
        self._typed = ""

    def compose_body(self) -> ComposeResult:
        """Lay out the number, its effects and the buttons."""
        yield Static(Content(""), id="number")
        yield Static(Content(""), id="effect", classes="hint")
        yield Static(Content(""), classes="problem")
        labels = {"cancel": "Cancel", "stop": "Stop it instead", "confirm": "Scale"}
        yield from self.compose_buttons(labels, danger="stop")

    def on_mount(self) -> None:
        """Show the number and focus what changes nothing."""
        self._show()
        self.set_focus(self.query_one("#cancel"))

    def action_answer(self, yes: bool) -> None:
        """Take the answer: a yes only to a number that is possible and new, and not one typed before the question."""
        if not yes:
            self.dismiss(None)
        elif not (self.typed_before or self._too_few or self._number == self._current):
            self.dismiss(self._number)

    def on_key(self, event: Key) -> None:
        """Change the number."""
        character = event.character or ""
        if character in ("+", "="):
            self._set(self._number + 1)
        elif character == "-":
            self._set(self._number - 1)
        elif character.isascii() and character.isdigit():
            self._set(int(self._typed + character), typed=self._typed + character)
        elif event.key == "backspace" and self._typed:
            rest = self._typed[:-1]
            self._set(int(rest) if rest else self._current, typed=rest)
        else:
            return
        event.stop()

    def _set(self, number: int, *, typed: str = "") -> None:
        self._too_few = number < 1
        self._typed = typed if 0 < number <= _MOST else ""
        self._number = min(max(1, number), _MOST)
        self._show()

    def _show(self) -> None:
        changed = self._number != self._current
        self.query_one("#number", Static).update(
            Content.assemble(
                ("  instances   ", "$muted"),
                str(self._current),
                ("  →  ", "$muted"),
                (str(self._number), "bold $text-accent" if changed else "bold"),
            )
        )
        self.show_text("#effect", "\n".join(self._effect(self._number)))
        self.query_one(".problem").display = self._too_few
        instead = " Stop it instead: its instances end, and it stays in the list." if self._may_stop else ""
        self.show_text(".problem", f"It cannot have less than one instance.{instead}")
        self.query_one("#stop", Button).display = self._too_few and self._may_stop
        self.query_one("#confirm", Button).disabled = not changed
        if self.focused is None or not self.focused.display or self.focused.disabled:
            self.set_focus(self.query_one("#cancel"))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        answers = {"confirm": self._number, "stop": 0}
        self.dismiss(answers.get(event.button.id or ""))
