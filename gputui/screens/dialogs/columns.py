"""The choice of a table's columns, under the table, which shows every change at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from gputui.presentation.columns.choice import ChoiceEditor
from gputui.presentation.columns.column import Column, plain_text
from gputui.screens.dialogs.dialog import Dialog
from gputui.widgets.table.sideways import ChosenColumns

_TITLE, _NAME = 18, 14
"""Cells for the heading of a column and for its name in filters."""


class ColumnsDialog(Dialog[bool]):
    """Changes the columns of a table while it is open; escape restores those of before. Enter gives True."""

    DEFAULT_CSS = """
    ColumnsDialog { align: center bottom; background: $background 0%; }
    ColumnsDialog > .dialog { width: 100%; max-width: 100%; height: 50%; max-height: 30; padding: 0 1; }
    ColumnsDialog .heading { margin-bottom: 0; }
    ColumnsDialog .hint { margin-top: 0; }
    ColumnsDialog OptionList {
        border: none; height: 1fr; background: $surface; padding: 0; scrollbar-size-vertical: 1;
    }
    ColumnsDialog OptionList:focus { border: none; }
    ColumnsDialog OptionList:focus > .option-list--option-highlighted {
        background: $selected; color: $foreground; text-style: bold;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move(1)", "Down", show=False, id="menu.down"),
        Binding("k", "move(-1)", "Up", show=False, id="menu.up"),
        Binding("space", "switch", "Show or hide", show=False, priority=True, id="columns.toggle"),
        Binding("K,shift+up", "shift(-1)", "Move left", show=False, id="columns.earlier"),
        Binding("J,shift+down", "shift(1)", "Move right", show=False, id="columns.later"),
        Binding("plus", "size(1)", "Wider", show=False, id="columns.wider"),
        Binding("minus", "size(-1)", "Narrower", show=False, id="columns.narrower"),
        Binding("r", "reset", "Automatic", show=False, id="columns.reset"),
    ]

    def __init__(
        self, heading: str, columns: Sequence[Column[Any]], table: ChosenColumns, example: Any = None
    ) -> None:
        super().__init__(heading)
        self._columns: Mapping[str, Column[Any]] = {column.key: column for column in columns}
        self._table = table
        self._example = example
        self._before = table.choice
        self._editor = self._begin()

    def _begin(self) -> ChoiceEditor:
        return ChoiceEditor.begin(tuple(self._columns), self._table.keys, self._table.choice)

    def compose_body(self) -> ComposeResult:
        """Lay out the columns, each on a line."""
        yield OptionList(*self._options())
        yield Static(Content(self._keys()), classes="hint")

    def on_mount(self) -> None:
        """Begin at the first column."""
        self._show_kind()
        options = self.query_one(OptionList)
        self.set_focus(options)
        options.highlighted = 0

    def _keys(self) -> str:
        key = self.key_of
        return "  ".join(
            (
                f"{key('columns.toggle')} show/hide",
                f"{key('columns.earlier')} {key('columns.later')} move",
                f"{key('columns.wider')} {key('columns.narrower')} width",
                f"{key('columns.reset')} automatic",
                f"enter keep  {key('dialog.cancel')} restore",
            )
        )

    def _options(self) -> list[Option]:
        return [Option(self._line(key), id=key) for key in self._editor.order]

    def _line(self, key: str) -> Content:
        column = self._columns[key]
        shown = key in self._editor.shown
        width = f"{self._table.width_of(key)}" if shown else ""
        return Content.assemble(
            ("✓ " if shown else "  ", "bold $text-accent"),
            (column.title.ljust(_TITLE), "" if shown else "$muted"),
            (key.ljust(_NAME), "$muted"),
            (f"{width:>3}{'=' if key in self._editor.widths else ' '}  ", "" if shown else "$muted"),
            (self._text(column), "$muted"),
        )

    def _text(self, column: Column[Any]) -> str:
        """Return the text of the row under the cursor, as an example."""
        try:
            return "" if self._example is None else plain_text(column.cell(self._example)).replace("\n", " ")
        except Exception:  # noqa: BLE001  (the table shows the fault)
            return "!"

    def _show_kind(self) -> None:
        kind = "chosen" if self._table.choice else "automatic: those that fit"
        heading = Content.assemble((f"{self.heading}   ", "bold"), (kind, "$muted"))
        self.query_one(".heading", Static).update(heading)

    @property
    def _key(self) -> str | None:
        """The column under the cursor."""
        options = self.query_one(OptionList)
        return None if options.highlighted is None else options.get_option_at_index(options.highlighted).id

    def action_move(self, step: int) -> None:
        """Move the cursor."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if step > 0 else options.action_cursor_up()

    def action_switch(self) -> None:
        """Show the column or hide it."""
        if (key := self._key) is not None:
            editor = self._editor.toggled(key)
            if editor == self._editor:
                self.notify("One column has to stay.", severity="warning", timeout=4)
            self._change(editor, key)

    def action_shift(self, step: int) -> None:
        """Move the column to the left or right in the table."""
        if (key := self._key) is not None:
            self._change(self._editor.moved(key, step), key)

    def action_size(self, step: int) -> None:
        """Make the column wider or narrower."""
        if (key := self._key) is not None:
            self._change(self._editor.sized(key, self._table.width_of(key), step), key)

    def action_reset(self) -> None:
        """Let the table choose its columns by itself again."""
        key = self._key
        self._table.choose(None)
        self._editor = self._begin()
        self._show(key)

    def _change(self, editor: ChoiceEditor, key: str) -> None:
        if editor == self._editor:
            return
        self._editor = editor
        self._table.choose(editor.choice)
        if key in editor.shown:
            self._table.reveal(key)
        self._show(key)

    def _show(self, key: str | None) -> None:
        """Show the lines of now, the cursor on the same column."""
        options = self.query_one(OptionList)
        first = options.scroll_offset.y
        options.clear_options()
        options.add_options(self._options())
        options.highlighted = self._editor.order.index(key) if key is not None else 0
        options.scroll_to(y=first, animate=False, force=True)
        options.scroll_to_highlight()
        self._show_kind()

    @on(OptionList.OptionSelected)
    def _kept(self) -> None:
        self.dismiss(True)

    def action_cancel(self) -> None:
        """Restore the columns of before."""
        self._table.choose(self._before)
        super().action_cancel()
