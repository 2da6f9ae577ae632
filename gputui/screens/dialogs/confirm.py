"""The question before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from gputui.screens.dialogs.dialog import Dialog
from gputui.widgets.inputs.line_input import LineInput


class ConfirmDialog(Dialog[bool]):
    """Names what will happen to what; Cancel has the focus. ``typed`` must be typed before it can be confirmed."""

    DEFAULT_CSS = """
    ConfirmDialog .options { height: auto; width: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,right", "other_button", "Other button", show=False, id="dialog.other"),
        Binding("y", "answer(True)", "Yes", show=False, id="question.yes"),
        Binding("n", "answer(False)", "No", show=False, id="question.no"),
    ]

    def __init__(
        self,
        heading: str,
        *,
        subjects: Sequence[Content] = (),
        effects: Sequence[str] = (),
        confirm: str = "Yes",
        cancel: str = "Cancel",
        typed: str | None = None,
        danger: bool = False,
    ) -> None:
        super().__init__()
        self._heading = heading
        self._subjects = subjects
        self._effects = effects
        self._confirm = confirm
        self._cancel = cancel
        self._typed = typed
        self._danger = danger

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog -danger" if self._danger else "dialog"):
            yield Static(Content(self._heading), classes="heading")
            if self._subjects:
                with VerticalScroll(classes="scroll", can_focus=False):
                    yield Static(Content("\n").join(self._subjects), classes="body")
            with Vertical(classes="options"):
                yield from self.compose_options()
            if self._effects:
                yield Static(Content("\n".join(self._effects)), id="effects", classes="hint")
            if self._typed is not None:
                yield Static(Content.assemble("Type ", (self._typed, "bold"), " to confirm:"), classes="hint")
                yield LineInput(id="typed")
                yield Static(Content(""), classes="problem")
            with Horizontal(classes="buttons"):
                yield Button(Content(self._cancel), id="cancel", compact=True)
                yield Button(
                    Content(self._confirm),
                    id="confirm",
                    compact=True,
                    classes="danger" if self._danger else "",
                    disabled=self._typed is not None,
                )

    def compose_options(self) -> ComposeResult:
        """Lay out what can be chosen, where there is something to choose."""
        yield from ()

    def on_mount(self) -> None:
        """Focus what cannot do harm."""
        self.set_focus(self.query_one("#typed" if self._typed is not None else "#cancel"))

    def action_other_button(self) -> None:
        """Move between the buttons."""
        if isinstance(self.focused, Button):
            self.focus_next(Button) if self.focused.id == "cancel" else self.set_focus(self.query_one("#cancel"))

    def action_answer(self, yes: bool) -> None:
        """Take the answer: a yes only where nothing has to be typed, and not one typed before the question."""
        if not yes or (self._typed is None and not self.typed_before):
            self.dismiss(yes)

    @on(Input.Changed, "#typed")
    def _typed_changed(self, event: Input.Changed) -> None:
        self.query_one("#confirm", Button).disabled = event.value.strip() != self._typed

    @on(Input.Submitted, "#typed")
    def _typed_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip() == self._typed:
            self.dismiss(True)
        else:
            self.query_one(".problem", Static).update(Content(f"Doesn't match. Type {self._typed} to confirm."))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "confirm")
