"""A form made from the create call's model: what is wrong stands at the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Label, Select, Static

from gputui.models import FieldKind, Form, FormField
from gputui.screens.dialogs.dialog import Dialog
from gputui.widgets.line_input import LineInput


class FormDialog(Dialog[dict[str, str]]):
    """Gives back the values by field name, checked with ``check`` (what is wrong, by field) before it closes."""

    DEFAULT_CSS = """
    FormDialog .field { height: auto; margin-bottom: 1; }
    FormDialog .row { height: auto; }
    FormDialog Label { width: 18; text-align: right; padding-right: 2; }
    FormDialog .row Input, FormDialog .row Select { width: 1fr; }
    FormDialog .field > Static { padding-left: 18; }
    FormDialog .field .about { color: $muted; height: auto; }
    FormDialog SelectCurrent { border: none; height: 1; padding: 0 1; background: $panel; }
    FormDialog Select:focus > SelectCurrent { border: none; background: $accent 30%; }
    FormDialog Select > SelectOverlay { border: none; background: $panel; max-height: 10; }
    """

    def __init__(
        self,
        form: Form,
        check: Callable[[Mapping[str, str]], dict[str, str]],
        *,
        values: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._form = form
        self._check = check
        self._values = dict(values or {})

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._form.title), classes="heading")
            with VerticalScroll(classes="scroll", can_focus=False):
                for field in self._form.fields:
                    yield from self._compose_field(field)
            if self._form.note:
                yield Static(Content(self._form.note), classes="hint")
            with Horizontal(classes="buttons"):
                yield Button(Content("Cancel"), id="cancel", compact=True)
                yield Button(Content("Go on"), id="confirm", compact=True)

    def _compose_field(self, field: FormField) -> ComposeResult:
        value = self._values.get(field.name, field.default)
        with Vertical(classes="field"):
            with Horizontal(classes="row"):
                yield Label(Content(field.label + ("" if field.required else " (optional)")))
                if field.kind is FieldKind.CHOICE and field.choices:
                    # Select parses a prompt that is text as markup: give it Content.
                    yield Select(
                        [(Content(choice), choice) for choice in field.choices],
                        # What was asked for and is not offered must not quietly become something else.
                        value=value if value in field.choices else Select.NULL if value else field.choices[0],
                        allow_blank=bool(value) and value not in field.choices,
                        prompt="choose one",
                        id=f"field-{field.name}",
                        compact=True,
                    )
                else:
                    yield LineInput(value, password=field.kind is FieldKind.SECRET, id=f"field-{field.name}")
            if field.help:
                yield Static(Content(field.help), classes="about")
            yield Static(Content(""), id=f"problem-{field.name}", classes="problem")

    def on_mount(self) -> None:
        """Hide the empty problem lines and focus the first field."""
        self._show_problems({})
        self.set_focus(self.query_one(f"#field-{self._form.fields[0].name}"))

    def values(self) -> dict[str, str]:
        """Return what stands in the fields now."""
        found: dict[str, str] = {}
        for field in self._form.fields:
            widget = self.query_one(f"#field-{field.name}")
            if isinstance(widget, Input):
                found[field.name] = widget.value.strip() if field.kind is not FieldKind.SECRET else widget.value
            elif isinstance(widget, Select):
                found[field.name] = "" if widget.is_blank() else str(widget.value)
        return found

    def _show_problems(self, problems: Mapping[str, str]) -> None:
        for field in self._form.fields:
            line = self.query_one(f"#problem-{field.name}", Static)
            line.display = field.name in problems
            line.update(Content(problems.get(field.name, "")))

    def _submit(self) -> None:
        values = self.values()
        problems = self._check(values)
        self._show_problems(problems)
        if problems:
            first = next((field.name for field in self._form.fields if field.name in problems), None)
            if first:
                self.set_focus(self.query_one(f"#field-{first}"))
            return
        self.dismiss(values)

    @on(Input.Submitted)
    def _next_field(self, event: Input.Submitted) -> None:
        names = [field.name for field in self._form.fields]
        name = (event.input.id or "").removeprefix("field-")
        if name == names[-1]:
            self._submit()
            return
        wrong = {field: problem for field, problem in self._check(self.values()).items() if field == name}
        self._show_problems(wrong)
        if not wrong:
            self.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "confirm":
            self._submit()
        else:
            self.dismiss(None)
