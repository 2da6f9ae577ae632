"""The question before anything is changed, and the options that some questions have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Key
from textual.widgets import Button, Input, Label, Static

from gputui.screens.dialogs.dialog import QUESTION_KEYS, Dialog
from gputui.widgets.inputs.checkbox import Checkbox
from gputui.widgets.inputs.line_input import LineInput

Arguments = Mapping[str, str]


class Option(NamedTuple):
    """A checkbox of a question: the argument of the action that it sets to ``true``, its label and its key."""

    argument: str
    label: str
    key: str


class ConfirmDialog(Dialog[bool]):
    """Names an action, its rows and its effects; Cancel has the focus. ``typed`` must be typed to confirm it.

    ``effects`` may depend on the options. ``arguments`` are the options chosen.
    """

    DEFAULT_CSS = """
    ConfirmDialog .options { height: auto; width: 1fr; }
    ConfirmDialog .options.-some { margin-top: 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = QUESTION_KEYS

    def __init__(
        self,
        heading: str,
        *,
        subjects: Sequence[Content] = (),
        effects: Sequence[str] | Callable[[Arguments], Sequence[str]] = (),
        options: Sequence[Option] = (),
        confirm: str = "Yes",
        cancel: str = "Cancel",
        typed: str | None = None,
        danger: bool = False,
    ) -> None:
        super().__init__(heading, subjects=subjects, danger=danger)
        self._effects = effects
        self._options = options
        self._confirm = confirm
        self._cancel = cancel
        self._typed = typed
        self.arguments: Arguments = {}

    def compose_body(self) -> ComposeResult:
        """Lay out options, effects, the line to type into, and the buttons."""
        with Vertical(classes="options -some" if self._options else "options"):
            yield from self.compose_options()
        if self._effects:
            yield Static(Content(self._effects_text()), id="effects", classes="hint")
        if self._typed is not None:
            yield Static(Content.assemble("Type ", (self._typed, "bold"), " to confirm:"), classes="hint")
            yield LineInput(id="typed")
            yield Static(Content(""), classes="problem")
        danger = "confirm" if self._danger else ""
        yield from self.compose_buttons({"cancel": self._cancel, "confirm": self._confirm}, danger=danger)

    def compose_options(self) -> ComposeResult:
        """Lay out the options."""
        for option in self._options:
            yield Checkbox(option.label, key=option.key, id=f"option-{option.argument}")

    def _effects_text(self) -> str:
        return "\n".join(self._effects(self.arguments) if callable(self._effects) else self._effects)

    def on_mount(self) -> None:
        """Focus what cannot do harm."""
        self.query_one("#confirm", Button).disabled = self._typed is not None
        self.focus_safe()

    def focus_safe(self) -> None:
        """Focus the line to type into, else Cancel."""
        self.set_focus(self.query_one("#typed" if self._typed is not None else "#cancel"))

    def action_answer(self, yes: bool) -> None:
        """Take the answer: a yes only where nothing has to be typed, and not one typed before the question."""
        if not yes or (self._typed is None and not self.typed_before):
            self.dismiss(yes)

    def on_key(self, event: Key) -> None:
        """Toggle the option of a letter, wherever the focus is but in a line of text."""
        for option in self._options:
            if event.character == option.key and not isinstance(self.focused, Input):
                event.stop()
                self.query_one(f"#option-{option.argument}", Checkbox).toggle()

    @on(Checkbox.Changed)
    def _option_changed(self) -> None:
        self.note_arguments()
        self.show_text("#effects", self._effects_text())

    def note_arguments(self) -> None:
        """Take the arguments from the options."""
        checked = {box.id for box in self.query(Checkbox) if box.value}
        self.arguments = {
            option.argument: "true" for option in self._options if f"option-{option.argument}" in checked
        }

    @on(Input.Changed, "#typed")
    def _typed_changed(self, event: Input.Changed) -> None:
        self.query_one("#confirm", Button).disabled = event.value.strip() != self._typed

    @on(Input.Submitted, "#typed")
    def _typed_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip() == self._typed:
            self.dismiss(True)
        else:
            self.show_text(".problem", f"Doesn't match. Type {self._typed} to confirm.")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "confirm")


class StopDialog(ConfirmDialog):
    """The question before instances of deployments are stopped; ``command`` is an argument more."""

    DEFAULT_CSS = """
    StopDialog.-low .subjects { max-height: 3; }
    StopDialog Label { width: auto; padding: 0 1; }
    StopDialog #command { width: 1fr; }
    StopDialog Horizontal.command { height: auto; }
    """

    def compose_options(self) -> ComposeResult:
        """Add the command that runs before the stop."""
        yield from super().compose_options()
        with Horizontal(classes="command"):
            yield Label(Content("Pre-stop command (max 5 s)"))
            yield LineInput(placeholder="optional", id="command")

    @on(Input.Changed, "#command")
    def note_arguments(self) -> None:
        """Take the arguments from the options and the command."""
        super().note_arguments()
        if command := self.query_one("#command", Input).value.strip():
            self.arguments = {**self.arguments, "command": command}

    @on(Input.Submitted, "#command")
    def _command_entered(self) -> None:
        self.focus_safe()
