"""A list to choose one thing from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Key
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from gputui.late_dataclasses import dataclass
from gputui.screens.dialogs.dialog import Dialog
from gputui.screens.dialogs.panel_size import height_of, most_height

_WIDTH = 68
"""Cells of a line in a menu: what the panel leaves at 80 columns."""


_LEAST_NOTE, _NOTE_LINES = 20, 2
"""Cells in which a note is worth two lines, if these are enough; a longer one is cut."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a menu: its value, the key that belongs to it, and the words. ``also`` is another key for it.

    ``style`` is the name of the style of the label: that of an account with a colour.
    """

    value: str
    label: str
    key: str = ""
    note: str = ""
    disabled: bool = False
    also: str = ""
    style: str = ""


class MenuDialog(Dialog[str]):
    """Gives back the value of the line chosen with enter, or with the key before it; a number above 9 is none.

    ``enter`` is what enter does, in the hint. With ``careful`` a key typed before the menu was there chooses nothing.
    ``details`` are lines above the choices, or what returns them for the cells of a line and the number of lines for
    which there is room.
    """

    DEFAULT_CSS = """
    MenuDialog OptionList { border: none; height: auto; max-height: 18; background: $surface; padding: 0; }
    MenuDialog OptionList:focus { border: none; }
    MenuDialog.-low OptionList { max-height: 14; }
    MenuDialog .details { margin-bottom: 1; }
    MenuDialog OptionList:focus > .option-list--option-highlighted {
        background: $selected; color: $foreground; text-style: bold;
    }
    MenuDialog OptionList > .option-list--option-disabled { color: $muted; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move(1)", "Down", show=False, id="menu.down"),
        Binding("k", "move(-1)", "Up", show=False, id="menu.up"),
    ]

    def __init__(
        self,
        heading: str,
        choices: Sequence[Choice],
        *,
        details: Sequence[Content] | Callable[[int, int], Sequence[Content]] = (),
        note: str = "",
        enter: str = "choose",
        selected: str = "",
        careful: bool = False,
    ) -> None:
        super().__init__(heading)
        self._careful = careful
        self._details = details
        self._choices = tuple(
            replace(one, key="") if one.key.isdecimal() and int(one.key) > 9 else one for one in choices
        )
        self._note = note
        self._enter = enter
        self._selected = selected
        self._room_of_details: int | None = None
        """The lines that the details shown were made for."""

    def compose_body(self) -> ComposeResult:
        """Lay out the details, the choices and the note."""
        if self._details:
            lines = () if callable(self._details) else self._details
            yield Static(Content("\n").join(lines), classes="body details")
        yield OptionList(
            *(Option(self.line_of(choice), id=choice.value, disabled=choice.disabled) for choice in self._choices)
        )
        yield Static(Content(self._hint()), classes="hint")

    def _hint(self) -> str:
        return "\n".join(filter(None, (self._note, self.keys_text(self._enter))))

    def line_of(self, choice: Choice) -> Content:
        """Return the line of a choice: key, words and note under those of the others."""
        keys = max((len(one.key) for one in self._choices), default=0)
        labels = max((len(one.label) for one in self._choices), default=0)
        line = Content.assemble(
            (choice.key.ljust(keys + 2) if keys else "", "bold $text-accent"),
            (choice.label.ljust(labels + 2), f"${choice.style}" if choice.style else ""),
        )
        room = _WIDTH - line.cell_length
        note = Content.styled(choice.note, "$muted")
        parts = [part.rstrip() for part in note.wrap(room)] if room >= _LEAST_NOTE else []
        if len(parts) != _NOTE_LINES:
            return Content.assemble(line, note).truncate(_WIDTH, ellipsis=True)
        return Content.assemble(line, parts[0], "\n", " " * line.cell_length, parts[1])

    @property
    def highlighted(self) -> str | None:
        """The value of the highlighted line; None where there is none."""
        place = self.query_one(OptionList).highlighted
        return None if place is None else self._choices[place].value

    def on_mount(self) -> None:
        """Highlight the line that is in force now."""
        self._show_details()
        options = self.query_one(OptionList)
        self.set_focus(options)
        values = [choice.value for choice in self._choices]
        options.highlighted = values.index(self._selected) if self._selected in values else 0

    def on_resize(self) -> None:
        """Give the details the room that there is now."""
        self._show_details()

    def _show_details(self) -> None:
        if callable(self._details) and (room := self._room()) != self._room_of_details:
            self._room_of_details = room
            lines = self._details(_WIDTH, room)
            self.query_one(".details", Static).update(Content("\n").join(lines))

    def _room(self) -> int:
        """Return the lines that details may have, so that heading, choices and hint are on the screen with them."""
        panel = self.query_one(".dialog")
        texts = height_of(panel, {".heading": self.heading, ".hint": self._hint()}, _WIDTH)
        taken = texts + self.query_one(".details").styles.margin.height + len(self._choices)
        return most_height(panel) - taken

    def action_move(self, step: int) -> None:
        """Move the highlight."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if step > 0 else options.action_cursor_up()

    def on_key(self, event: Key) -> None:
        """Choose by the key before a line."""
        if self._careful and self.typed_before:
            return
        pressed = {event.key, event.character} - {None, ""}
        for choice in self._choices:
            if not pressed.isdisjoint({choice.key, choice.also} - {""}) and not choice.disabled:
                event.stop()
                self.dismiss(choice.value)
                return

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self.answer(event.option_id or ""))

    def answer(self, value: str) -> str:
        """Return what enter gives back on the line of a value."""
        return value


class AddressDialog(MenuDialog):
    """A menu of addresses in which ``c`` chooses the highlighted one to be copied: then ``copies`` is True."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("c", "copy", "Copy", show=False, id="menu.copy")]

    copies = False

    def action_copy(self) -> None:
        """Choose the highlighted line to be copied."""
        if self.highlighted is not None:
            self.copies = True
            self.dismiss(self.highlighted)


class AccountDialog(MenuDialog):
    """A menu of accounts: enter gives back the highlighted one, or the ticked ones with commas between them.

    ``ticked`` are those at first. ``d`` chooses the highlighted account to be described, and ``e`` one of those
    ``editable`` to be edited: then ``does`` is ``describe`` or ``edit``. The line of all
    accounts, which is not among ``accounts``, can only be chosen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "Tick", show=False, id="menu.tick"),
        Binding("d", "do('describe')", "Describe", show=False, id="menu.describe"),
        Binding("e", "do('edit')", "Edit", show=False, id="menu.edit"),
    ]

    does = ""

    def __init__(
        self,
        heading: str,
        choices: Sequence[Choice],
        *,
        accounts: Collection[str],
        ticked: Collection[str],
        selected: str,
        editable: Collection[str],
    ) -> None:
        super().__init__(heading, choices, selected=selected)
        self._accounts = frozenset(accounts)
        self._ticked = set(ticked)
        self._editable = editable

    def keys_text(self, enter: str) -> str:
        """Return the keys of a line above those of a menu."""
        edit = ("menu.edit", "edits") if self._editable else None
        keys = filter(None, (("menu.tick", "ticks several"), ("menu.describe", "describes"), edit))
        return "\n".join(["   ".join(f"{self.key_of(key)} {does}" for key, does in keys), super().keys_text(enter)])

    def line_of(self, choice: Choice) -> Content:
        """Return the line of a choice after its tick."""
        tick = "✓ " if choice.value in self._ticked else "  "
        return Content.assemble((tick, "bold $text-accent"), super().line_of(choice))

    def action_tick(self) -> None:
        """Tick the highlighted line, or no longer."""
        options = self.query_one(OptionList)
        if options.highlighted is None:
            return
        choice = self._choices[options.highlighted]
        if choice.value in self._accounts:
            self._ticked ^= {choice.value}
            options.replace_option_prompt_at_index(options.highlighted, self.line_of(choice))

    def action_do(self, does: str) -> None:
        """Choose the highlighted account to be described or edited."""
        value = self.highlighted
        if value not in self._accounts:
            self.notify(f"Go to one account to {does} it.", severity="warning")
        elif does == "edit" and value not in self._editable:
            self.notify(f"{value} has no settings that can be edited here.", severity="warning")
        else:
            self.does = does
            self.dismiss(value)

    def answer(self, value: str) -> str:
        """Return the ticked accounts, or that of the line where none is ticked."""
        ticked = [choice.value for choice in self._choices if choice.value in self._ticked]
        return ",".join(ticked) if ticked and value in self._accounts else value
