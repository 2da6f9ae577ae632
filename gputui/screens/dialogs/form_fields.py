"""The editors of a form's fields: each holds a text, whatever it looks like."""

from __future__ import annotations

from textual.content import Content
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Input, Select, Static, TextArea

from gputui.models import FieldKind, FormField
from gputui.screens.dialogs.form_choices import FREE, TICKED, Done, Edited, Finder, Ticks, choice_line, pairs
from gputui.widgets.inputs.line_input import LineInput, SecretInput
from gputui.widgets.internal_errors import GuardedHandlers
from gputui.widgets.textual_internals import select_values

_INDENT = "  "
FEW_CHOICES = 12
"""More choices than this are found by typing."""


class Flag(GuardedHandlers, Static, can_focus=True):
    """Yes or no: space changes it, y and n say it."""

    DEFAULT_CSS = """
    Flag { width: 1fr; height: 1; background: $panel; }
    Flag:focus { background: $selected; }
    """

    def __init__(self, value: bool, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._value = value
        self._draw()

    @property
    def value(self) -> bool:
        """Whether it is yes."""
        return self._value

    def set(self, value: bool) -> None:
        """Say yes or no."""
        if value != self._value:
            self._value = value
            self._draw()
            self.post_message(Edited())

    def _draw(self) -> None:
        self.update(Content(f"{TICKED} yes" if self._value else f"{FREE} no"))

    def on_key(self, event: Key) -> None:
        """Change it, or go on."""
        if event.key == "enter":
            self.post_message(Done())
        elif event.key == "space":
            self.set(not self._value)
        elif event.character in ("y", "n"):
            self.set(event.character == "y")
        else:
            return
        event.stop()


class LinesEditor(GuardedHandlers, TextArea):
    """Some lines: enter begins another, as far in as the one before or what it opens; tab leaves."""

    DEFAULT_CSS = """
    LinesEditor {
        width: 1fr; height: auto; min-height: 2; max-height: 10; border: none; padding: 0; background: $panel;
        scrollbar-size-vertical: 1; scrollbar-color: $muted; scrollbar-background: $panel;
    }
    LinesEditor:focus { border: none; background: $selected; }
    """

    def __init__(self, value: str, *, id: str) -> None:  # noqa: A002
        super().__init__(value, id=id, compact=True, highlight_cursor_line=False)
        self.cursor_blink = False

    async def _on_key(self, event: Key) -> None:
        """Keep the lines of JSON and of scripts below each other, as they belong together."""
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        if event.key == "enter":
            inward = before[: len(before) - len(before.lstrip())]
            if before.rstrip().endswith(("{", "[")):
                inward += _INDENT
            self._replace_via_keyboard(f"\n{inward}", *self.selection)
        elif event.character in ("}", "]") and self.selection.is_empty and _is_indent(before):
            self._replace_via_keyboard(event.character, (row, column - len(_INDENT)), (row, column))
        else:
            return
        event.stop()
        # What the editor itself does with the key comes after this.
        event.prevent_default()


def _is_indent(text: str) -> bool:
    return text.endswith(_INDENT) and not text.strip()


def keys_of(field: FormField) -> str:
    """Say which keys an editor has that are not those of a line."""
    match field.kind:
        case FieldKind.CHOICE if field.choices:
            return "type to search, ↓ ↑ enter to choose" if _is_long(field) else "enter to choose"
        case FieldKind.MULTI if field.choices:
            return "space toggles, type to jump"
        case FieldKind.FLAG:
            return "space changes it"
        case FieldKind.LINES:
            return "enter: new line, tab: next field"
        case FieldKind.SECRET:
            return "ctrl+r shows it" + (", ctrl+n generates one" if field.generate else "")
    return ""


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
        [(choice_line(choice, label), choice) for choice, label in pairs(field)],
        value=Select.NULL if foreign else value,
        allow_blank=foreign,
        prompt="choose one",
        id=f"field-{field.name}",
        compact=True,
    )


def text_of(editor: Widget, kind: FieldKind) -> str:
    """Return the text that stands in an editor now."""
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
    """Let an editor hold another text."""
    match editor:
        case Input():
            editor.value = text
        case Select():
            editor.value = text if text in select_values(editor) else editor.value
        case Finder() | Ticks():
            editor.set(text)
        case Flag():
            editor.set(text == "true")
        case TextArea():
            editor.text = text
