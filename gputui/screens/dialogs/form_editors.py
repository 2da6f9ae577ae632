"""Choosing in a form: several of a list by ticks, one of many by typing a part of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.message import Message
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from gputui.models import FormField
from gputui.widgets.inputs.checkbox import FREE, TICKED, Checkbox, tick
from gputui.widgets.inputs.line_input import LineInput
from gputui.widgets.internal_errors import GuardedHandlers

_INDENT = "  "
_PAUSE = 1.5
"""Seconds without a key after which other characters begin another search."""
MOST_FOUND, LEAST_LINES = 6, 2
"""Lines of a list of what was found at most, and of an editor of lines at least."""


class Edited(Message):
    """The text of an editor has become another."""


class Done(Message):
    """Enter was pressed in an editor: on to the next field."""


class TickList(GuardedHandlers, OptionList):
    """Several of a few: space ticks, typed characters go to the next choice that continues so from one of its words.

    A space within what is typed without a pause belongs to it where a choice continues so. What is ticked at first is
    listed first.
    """

    DEFAULT_CSS = """
    TickList {
        height: auto; max-height: 5; width: 1fr; border: none; padding: 0; background: $panel;
        text-wrap: nowrap; text-overflow: ellipsis;
        scrollbar-size-vertical: 1; scrollbar-color: $muted; scrollbar-background: $panel;
    }
    TickList > .option-list--option-highlighted { background: $panel; color: $foreground; }
    TickList:focus { border: none; background: $panel; }
    TickList:focus > .option-list--option-highlighted {
        background: $selected; color: $foreground; text-style: bold;
    }
    """

    def __init__(self, choices: Sequence[tuple[str, str]], ticked: Iterable[str], *, id: str) -> None:  # noqa: A002
        self._ticked = set(ticked)
        self._typed, self._typed_at = "", 0.0
        self._order = [value for value, _ in choices]
        self._choices = self._ticked_first(choices)
        super().__init__(*(Option(self._line(number)) for number in range(len(self._choices))), id=id, compact=True)

    @property
    def values(self) -> list[str]:
        """The ticked values, in the order of the field's choices."""
        return [value for value in self._order if value in self._ticked]

    def tick(self, values: Iterable[str]) -> None:
        """Tick these and no others."""
        self._ticked = set(values)
        self._choices = self._ticked_first(self._choices)
        for number in range(len(self._choices)):
            self.replace_option_prompt_at_index(number, self._line(number))

    def describe(self, choices: Sequence[tuple[str, str]]) -> None:
        """Describe the choices otherwise; they stay where they are."""
        labels = dict(choices)
        before, self._choices = self._choices, [(value, labels.get(value, label)) for value, label in self._choices]
        for number, (old, new) in enumerate(zip(before, self._choices, strict=True)):
            if old != new:
                self.replace_option_prompt_at_index(number, self._line(number))

    def _ticked_first(self, choices: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        place = {value: number for number, value in enumerate(self._order)}
        return sorted(choices, key=lambda choice: (choice[0] not in self._ticked, place[choice[0]]))

    def _line(self, number: int) -> Content:
        value, label = self._choices[number]
        label_part = (f"  {label}", "$muted") if label not in ("", value) else ""
        return Content.assemble(tick(value in self._ticked), value, label_part)

    def on_key(self, event: Key) -> None:
        """Tick with space, jump with a character."""
        if event.time - self._typed_at > _PAUSE:
            self._typed = ""
        if event.key == "space":
            if not (self._typed and self._jump(self._typed + " ")):
                self._typed = ""
                self._toggle()
        elif event.character and (event.character.isalnum() or event.character == "-"):
            character = event.character.casefold().replace("-", " ")
            if not (self._typed and self._jump(self._typed + character)):
                self._typed = ""
                self._jump(character, begin=1)
        else:
            self._typed = ""
            return
        self._typed_at = event.time
        event.stop()
        event.prevent_default()

    def _toggle(self) -> None:
        if self.highlighted is None:
            return
        self._ticked ^= {self._choices[self.highlighted][0]}
        self.replace_option_prompt_at_index(self.highlighted, self._line(self.highlighted))
        self.post_message(Edited())

    def _jump(self, typed: str, begin: int = 0) -> bool:
        """Go to the next choice that continues so, ``begin`` lines on at the earliest; returns whether one does."""
        count = len(self._choices)
        start = -begin if self.highlighted is None else self.highlighted
        for step in range(begin, count + begin):
            number = (start + step) % count
            texts = (" ".join(text.casefold().replace("-", " ").split()) for text in self._choices[number])
            if any(f" {typed}" in f" {text}" for text in texts):
                self.highlighted, self._typed = number, typed
                return True
        return False

    def on_focus(self) -> None:
        """Show where a tick would go."""
        if self.highlighted is None and self._choices:
            self.highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter moves to the next field, as in every other one."""
        event.stop()
        self.post_message(Done())


class Ticks(Vertical):
    """Several of a list, and with ``open_choices`` a line for others."""

    DEFAULT_CSS = """
    Ticks { width: 1fr; height: auto; }
    """

    def __init__(self, field: FormField, value: str) -> None:
        super().__init__()
        self._field = field
        self._start = value

    def describe(self, field: FormField) -> None:
        """Describe the choices as this field does."""
        self._field = field
        for ticks in self.query(TickList):
            ticks.describe(pairs(field))

    def compose(self) -> ComposeResult:
        """Lay it out."""
        known, others = self._split(self._start)
        choices = pairs(self._field)
        if not self._field.open_choices:
            # What was asked for and is not offered must not quietly go: the check complains of it.
            choices += [(value, "not offered") for value in others]
            known |= set(others)
        name = f"field-{self._field.name}"
        if choices:
            yield TickList(choices, known, id=name)
        if self._field.open_choices or not choices:
            hint = "others, comma-separated" if choices else "comma-separated"
            yield LineInput(", ".join(others), placeholder=hint, id=f"{name}-others" if choices else name)

    def _split(self, value: str) -> tuple[set[str], list[str]]:
        values = [part.strip() for part in value.split(",") if part.strip()]
        return {part for part in values if part in self._field.choices}, [
            part for part in dict.fromkeys(values) if part not in self._field.choices
        ]

    @property
    def text(self) -> str:
        """The ticked and the typed values, with commas between."""
        ticked = [value for ticks in self.query(TickList) for value in ticks.values]
        typed = [part.strip() for line in self.query(LineInput) for part in line.value.split(",")]
        return ",".join(dict.fromkeys(part for part in (*ticked, *typed) if part))

    def set(self, value: str) -> None:
        """Take these values."""
        known, others = self._split(value)
        for ticks in self.query(TickList):
            ticks.tick(known)
        for line in self.query(LineInput):
            line.value = ", ".join(others)


class Finder(GuardedHandlers, Vertical):
    """One of many, found by typing a part of it; ``open_choices`` takes what is not among them as well.

    Enter takes the choice that is highlighted, tab leaves what was typed.
    """

    DEFAULT_CSS = """
    Finder { width: 1fr; height: auto; }
    Finder OptionList {
        display: none; height: auto; max-height: 6; border: none; padding: 0; background: $surface;
        text-wrap: nowrap; text-overflow: ellipsis;
        scrollbar-size-vertical: 1; scrollbar-color: $muted; scrollbar-background: $surface;
    }
    Finder OptionList > .option-list--option-highlighted {
        background: $selected; color: $foreground; text-style: bold;
    }
    Finder.-open OptionList.-some { display: block; }
    Finder .meant { height: auto; color: $muted; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Down", show=False, id="choices.down"),
        Binding("up", "move(-1)", "Up", show=False, id="choices.up"),
    ]

    def __init__(self, field: FormField, value: str) -> None:
        super().__init__()
        self._field = field
        self._choices = pairs(field)
        self._start = value
        self._settled = value
        self._shown: list[str] = []

    def compose(self) -> ComposeResult:
        """Lay it out."""
        hint = "type to search" + (", or enter a value" if self._field.open_choices else "")
        yield LineInput(self._start, placeholder=hint, id=f"field-{self._field.name}")
        yield Static(Content(""), classes="meant")
        options = OptionList(compact=True)
        options.can_focus = False
        yield options

    def describe(self, field: FormField) -> None:
        """Describe the choices as this field does; the one under the cursor stays it."""
        self._field, self._choices = field, pairs(field)
        options = self.query_one(OptionList)
        at, before = options.highlighted, self._shown
        self._find()
        if at is not None and self._shown == before:
            options.highlighted = at

    def on_mount(self) -> None:
        """Show the meaning of the value."""
        self._find()

    @property
    def line(self) -> LineInput:
        """The line that is typed into."""
        return self.query_one(LineInput)

    def set(self, value: str) -> None:
        """Take this value."""
        self._settled = value
        self.line.value = value
        self.line.cursor_position = len(value)
        self._find()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._find()

    def _find(self) -> None:
        """List the choices that contain the words typed; all of them, while the text is a whole choice."""
        text = self.line.value.strip()
        label = dict(self._choices).get(text, "")
        words = [] if label or text == self._settled else text.casefold().split()
        found = [
            (value, about)
            for value, about in self._choices
            if all(word in f"{value} {about}".casefold() for word in words)
        ]
        self._shown = [value for value, _ in found]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(choice_line(self._field, value, about)) for value, about in found])
        options.set_class(bool(found), "-some")
        options.highlighted = self._shown.index(text) if text in self._shown else 0 if words and found else None
        meant = self.query_one(".meant", Static)
        meant.display = bool(label) and label != text
        meant.update(Content(label))

    def on_descendant_focus(self) -> None:
        """Open the list."""
        self.add_class("-open")

    def on_descendant_blur(self) -> None:
        """Close the list."""
        self.remove_class("-open")

    def action_move(self, step: int) -> None:
        """Move through what was found."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if step > 0 else options.action_cursor_up()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None:
            self.set(self._shown[highlighted])
        self.post_message(Done())

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.set(self._shown[event.option_index])
        self.line.focus()


class Flag(Checkbox):
    """Yes or no: space changes it, y and n set it, enter moves to the next field."""

    DEFAULT_CSS = """
    Flag { height: 1; padding: 0; background: $panel; }
    """

    def __init__(self, value: bool, *, id: str) -> None:  # noqa: A002
        super().__init__("", value=value, id=id)

    def set(self, value: bool) -> None:
        """Set yes or no."""
        if value != self.value:
            self.toggle()

    def draw(self) -> Content:
        """Write the value out."""
        return Content(f"{TICKED} yes" if self.value else f"{FREE} no")

    def on_key(self, event: Key) -> None:
        """Set it, or move to the next field."""
        if event.key == "enter":
            self.post_message(Done())
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


def pairs(field: FormField) -> list[tuple[str, str]]:
    """Return the choices, each with its description."""
    labels = field.labels or field.choices
    return [(value, labels[number] if number < len(labels) else value) for number, value in enumerate(field.choices)]


def choice_line(field: FormField, value: str, label: str) -> Content:
    """Return a choice as it is listed: the value sent for it, and its description; that of an id is before it."""
    if label in ("", value):
        return Content(value or "any")
    first, second = (label, value) if field.ids and value else (value or "any", label)
    return Content.assemble(first, (f"  {second}", "$muted"))
