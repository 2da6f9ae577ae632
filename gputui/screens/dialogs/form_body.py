"""The fields of a form below one another, of which those are shown that apply."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import Static

from gputui.models import REQUIRED, FieldKind, Form, FormField
from gputui.screens.dialogs.form_field import FieldBox, put, text_of

Values = Mapping[str, str]


class FormBody(VerticalScroll, can_focus=False):
    """All fields of a form, of which those are shown whose ``when`` holds.

    A ``long`` form keeps its fields close together; the help of each field is then shown elsewhere.
    """

    DEFAULT_CSS = """
    FormBody FieldBox { height: auto; margin-bottom: 1; }
    FormBody .section { text-style: bold; color: $text-accent; height: auto; width: 1fr; }
    FormBody .about { color: $muted; height: auto; }
    FormBody.-long {
        scrollbar-size-vertical: 1; scrollbar-color: $muted; scrollbar-background: $surface; scrollbar-gutter: stable;
    }
    FormBody.-long FieldBox { margin-bottom: 0; }
    FormBody.-long .section { margin-top: 1; }
    """

    virtual_size = Reactive(Size(0, 0))
    """Follows from the layout, so a change of it needs no second one; likewise in the parts of a form."""

    def __init__(self, form: Form, values: Values, *, long: bool) -> None:
        super().__init__(classes="scroll -long" if long else "scroll")
        self._fields = {field.name: field for field in form.fields}
        self._given = values
        self._long = long
        self._editors: dict[str, Widget] = {}
        self._boxes: dict[str, FieldBox] = {}
        self._groups: dict[str, Widget] = {}

    def compose(self) -> ComposeResult:
        """Lay it out."""
        at_first = {name: self._given.get(name, field.default) for name, field in self._fields.items()}
        for name, field in self._fields.items():
            if field.section:
                group = self._groups[name] = Static(Content(field.section), classes="group", id=f"group-{name}")
                yield group
            box = self._boxes[name] = FieldBox(
                field, at_first[name], required=field.is_required(at_first), long=self._long
            )
            self._editors[name] = box.editor
            yield box

    # --- values ----------------------------------------------------------------------------------------------

    def values(self) -> dict[str, str]:
        """Return the text in the fields that are shown now."""
        found = {name: text_of(self._editors[name], field.kind) for name, field in self._fields.items()}
        return {name: found[name] for name, field in self._fields.items() if field.shown_with(found)}

    def put_values(self, values: Values) -> None:
        """Fill in other values; fields that are not named become what they were at first."""
        for name, field in self._fields.items():
            put(self._editors[name], values.get(name, field.default))
        self.show_fields()

    def names(self) -> list[str]:
        """Return the names of the fields that are shown now."""
        return list(self.values())

    def open_names(self) -> list[str]:
        """Return the fields from the first that is left to fill in; a choice made before the form opened is kept."""
        choices = {name for name, field in self._fields.items() if field.kind is FieldKind.CHOICE}
        chosen = choices & self._given.keys()
        return [name for name in self.names() if name not in chosen] or self.names()

    # --- the screen ------------------------------------------------------------------------------------------

    def show_fields(self) -> None:
        """Show the fields that apply to the values, and the groups that have any."""
        shown = self.values()
        heading = ""
        visible: dict[Widget, bool] = {}
        for name, field in self._fields.items():
            here = name in shown
            visible[self._boxes[name]] = here
            self._boxes[name].require(required=field.is_required(shown))
            heading = name if field.section else heading
            if heading:
                visible[self._groups[heading]] = visible.get(self._groups[heading], False) or here
        for widget, here in visible.items():
            # Setting it lays the form out again even where nothing changes.
            if widget.display != here:
                widget.display = here

    def show_problems(self, problems: Values) -> None:
        """Show these messages below their fields, and no others."""
        for name, box in self._boxes.items():
            problem = problems.get(name, "")
            box.message.show_text(f"{box.field.label} is required" if problem == REQUIRED else problem)

    def target(self, name: str) -> Widget | None:
        """Return the widget of a field that takes the focus."""
        editor = self._editors[name]
        return editor if editor.can_focus else next((part for part in editor.query("*") if part.can_focus), None)

    def field_of(self, widget: Widget | None) -> FormField | None:
        """Return the field that a widget is a part of."""
        nodes = () if widget is None else widget.ancestors_with_self
        return next((node.field for node in nodes if isinstance(node, FieldBox)), None)
