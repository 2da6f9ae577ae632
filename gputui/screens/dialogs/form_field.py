"""A field of a form as it is laid out: label, editor, unit, and the message below."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import Input, Select, Static, TextArea

from gputui.models import REQUIRED, FieldKind, FormField
from gputui.screens.dialogs.dialog import key_of
from gputui.screens.dialogs.form_editors import (
    LEAST_LINES,
    MOST_FOUND,
    Finder,
    Flag,
    LinesEditor,
    Ticks,
    choice_line,
    pairs,
)
from gputui.widgets.inputs.line_input import LineInput, SecretInput
from gputui.widgets.textual_internals import select_or_clear

FEW_CHOICES = 12
"""More choices than this are found by typing."""
_LABEL_WIDTH = 18
_HELP_WIDTH = 52
"""Cells of a line of help below its field, in a dialog of the usual width."""
_LONG_LABEL_WIDTH = 22
"""Cells of the column of labels, the space behind them included; in a form that fills the screen."""


class FieldBox(Vertical):
    """A field with its label, its help and its problem: stays in view while it is edited.

    It draws label and unit itself, at both sides of the editor: a widget for each of them would double the time that
    a long form takes to lay out and to draw.
    """

    virtual_size = Reactive(Size(0, 0))

    def __init__(self, field: FormField, value: str, *, required: bool, long: bool) -> None:
        super().__init__(id=f"of-{field.name}")
        self.field = field
        self.editor = make_editor(field, value)
        self.message = Message(id=f"problem-{field.name}", classes="problem")
        self._long = long
        self._required = required
        self._label_width = _LONG_LABEL_WIDTH if long else _LABEL_WIDTH
        if isinstance(self.editor, Input) and (long or required):
            self.editor.placeholder = REQUIRED if required else "optional"

    def require(self, *, required: bool) -> None:
        """Mark it as required, or as optional, where other fields decide that."""
        if required == self._required:
            return
        self._required = required
        if isinstance(self.editor, Input):
            self.editor.placeholder = REQUIRED if required else "optional" if self._long else ""
        self.styles.min_height = len(self._label())
        self.refresh()

    def compose(self) -> ComposeResult:
        """Lay it out."""
        unit = cell_len(self.field.unit) + 1 if self.field.unit else 0
        self.editor.styles.margin = (0, unit, 0, self._label_width)
        self.styles.min_height = len(self._label())
        yield self.editor
        # A line of text does not show its keys: they are named below the field, in a long form below all fields.
        keys = keys_of(self.field, self.app) if self.field.kind is FieldKind.SECRET else ""
        if not self._long and (about := "   ".join(filter(None, (self.field.help, keys)))):
            yield self._below(Static(Content(about), classes="about"))
        yield self._below(self.message)

    def _below(self, widget: Static) -> Static:
        widget.styles.margin = (0, 0, 0, self._label_width)
        return widget

    def _label(self) -> list[Content]:
        """Return the lines of the label, right-aligned; a star behind the last marks a required field."""
        field = self.field
        label = Content(field.label if self._required or self._long else f"{field.label} (optional)")
        width = self._label_width - 2
        wrapped = [line.rstrip() for line in label.wrap(width)] or [Content("")]
        lines = [Content(" " * (width - line.cell_length)) + line for line in wrapped]
        return [*lines[:-1], lines[-1].append(Content.styled("*" if self._required else " ", "$text-warning"))]

    def render(self) -> Content:
        """Draw the label at the left of the editor, and the unit at the right."""
        first, *others = self._label()
        if unit := self.field.unit:
            first = first.pad_right(max(1, self.size.width - first.cell_length - cell_len(unit)))
            first = first.append(Content.styled(unit, "$muted"))
        return Content("\n").join([first, *others])

    def on_descendant_focus(self) -> None:
        """Come into view, with what is wrong below it."""
        self.scroll_visible(animate=False)

    def on_resize(self) -> None:
        """Stay in view when a list opens or something is wrong: the place is known only now."""
        if self.has_focus_within:
            self.scroll_visible(animate=False)


class Message(Static):
    """Lines of text below a field, or none. The form is laid out again only where their number changes."""

    virtual_size = Reactive(Size(0, 0))

    def __init__(self, *, id: str, classes: str) -> None:  # noqa: A002
        super().__init__(Content(""), id=id, classes=classes)
        self._shown_text = Content("")
        self.display = False

    def show_text(self, text: str | Content) -> None:
        """Show a text in place of the one before; nothing where it is empty."""
        content = text if isinstance(text, Content) else Content(text)
        if content == self._shown_text:
            return
        before, self._shown_text = self._height(), content
        self.update(content, layout=self._height() != before)
        self.display = bool(content.plain)

    def _height(self) -> int:
        """Return the lines that it takes; -1 before its width is known."""
        if not self._shown_text.plain:
            return 0
        width = self.content_size.width
        return self._shown_text.get_height({}, width) if width else -1


def keys_of(field: FormField, app: App[Any]) -> str:
    """Return the keys of an editor that a line does not have."""
    match field.kind:
        case FieldKind.CHOICE if field.choices:
            arrows = (
                key_of(app, f"choices.{name}").replace(name, sign) for name, sign in (("down", "↓"), ("up", "↑"))
            )
            return f"type to search, {' '.join(arrows)} enter to choose" if _is_long(field) else "enter to choose"
        case FieldKind.MULTI if field.choices:
            return "space toggles, type to jump"
        case FieldKind.FLAG:
            return "space changes it"
        case FieldKind.LINES:
            return "enter: new line, tab: next field"
        case FieldKind.SECRET:
            shows, generates = key_of(app, "secret.reveal"), key_of(app, "secret.generate")
            return f"{shows} shows it" + (f", {generates} generates one" if field.generate else "")
    return ""


def help_text(about: str, keys: str, width: int, lines: int) -> Content:
    """Return the help of a field and the keys of its editor; the help is cut so that both have so many lines at most.

    ``width`` 0 is one that is not known yet.
    """
    whole = Content("   ".join(filter(None, (about.strip(), keys))))
    words = about.split(" ")
    while words and width and whole.get_height({}, width) > lines:
        words.pop()
        whole = Content(f"{' '.join(words).rstrip(' ,;')} …   {keys}".strip())
    return whole


def lines_of(field: FormField, most_ticks: int) -> int:
    """Return the lines of the editor of a field in a long form, at rest; a list of ticks has so many at most."""
    if field.kind is FieldKind.MULTI:
        return min(most_ticks, len(field.choices)) + (field.open_choices or not field.choices)
    return LEAST_LINES if field.kind is FieldKind.LINES else 1


def short_lines(field: FormField, most_ticks: int) -> int:
    """Return the lines of a field at rest where its help is below it: with the help, and an empty line."""
    label = Content(field.label if field.required else f"{field.label} (optional)")
    labelled = len(label.wrap(_LABEL_WIDTH - 2))
    helped = len(Content(field.help).wrap(_HELP_WIDTH)) if field.help else 0
    return max(lines_of(field, most_ticks), labelled) + helped + 1


def opening_lines(field: FormField) -> int:
    """Return the lines that the editor of a field has in addition while it has the focus."""
    if field.kind is FieldKind.LINES:
        return 2
    finds = field.kind is FieldKind.CHOICE and field.choices and _is_long(field)
    return min(MOST_FOUND, len(field.choices)) + 1 if finds else 0


def _is_long(field: FormField) -> bool:
    return field.open_choices or len(field.choices) > FEW_CHOICES


def make_editor(field: FormField, value: str) -> Widget:
    """Return the editor of a field; the part that takes the focus has the id ``field-<name>``."""
    name = f"field-{field.name}"
    match field.kind:
        case FieldKind.CHOICE if field.choices:
            return Finder(field, value) if _is_long(field) else _select(field, value)
        case FieldKind.MULTI:
            return Ticks(field, value)
        case FieldKind.FLAG:
            return Flag(value == "true", id=name)
        case FieldKind.LINES:
            return LinesEditor(value, id=name)
        case FieldKind.SECRET:
            return SecretInput(value, generate=field.generate, id=name)
        case _:
            return LineInput(value, id=name)


def _select(field: FormField, value: str) -> Select[str]:
    # What was asked for and is not offered must not quietly become something else.
    # Nor is there a choice where none was made.
    foreign = value not in field.choices
    return Select(
        # Select parses a prompt that is text as markup: give it Content.
        [(choice_line(field, choice, label), choice) for choice, label in pairs(field)],
        value=Select.NULL if foreign else value,
        allow_blank=foreign,
        prompt="choose one",
        id=f"field-{field.name}",
        compact=True,
    )


def text_of(editor: Widget, kind: FieldKind) -> str:
    """Return the present text of an editor."""
    match editor:
        case Input():
            return editor.value if kind is FieldKind.SECRET else editor.value.strip()
        case Select():
            return "" if editor.is_blank() else str(editor.value)
        case Finder():
            return editor.line.value.strip()
        case Ticks():
            return editor.text
        case Flag():
            return "true" if editor.value else "false"
        case TextArea():
            return editor.text.strip("\n")
    raise TypeError(f"not an editor: {editor!r}")


def put(editor: Widget, text: str) -> None:
    """Put another text into an editor."""
    match editor:
        case Input():
            editor.value = text
        case Select():
            select_or_clear(editor, text)
        case Finder() | Ticks():
            editor.set(text)
        case Flag():
            editor.set(text == "true")
        case TextArea():
            editor.text = text
