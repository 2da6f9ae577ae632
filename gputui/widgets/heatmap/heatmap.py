"""The stock heatmap: GPU models down, places across, idle of total in each cell."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message

from gputui.models import Offer, Ref
from gputui.widgets.cell_grid import CellGrid
from gputui.widgets.heatmap.grid import Grid, Place, Position, SortKey
from gputui.widgets.heatmap.painter import (
    HEADINGS,
    Painter,
    Window,
    left_width,
    style_names,
)

_ROOM_FOR_PRICES = 80
"""Columns from which the prices are shown; where they sort, always."""


class Heatmap(CellGrid):
    """Draws offers as a grid whose background is a ramp by idle share; the words in the cell say the same.

    The cursor begins in view of the first model, and stays on its model and place through every change. Rows and
    columns that do not fit are reached by moving; arrows at the edges show that there are more. Only cells that
    changed are repainted. In a terminal of few colours a block in each cell takes the place of the ramp.
    """

    DEFAULT_CSS = """
    Heatmap { height: 1fr; width: 1fr; }
    Heatmap > .heatmap--heading { color: $muted; text-style: bold; }
    Heatmap > .heatmap--failed { color: $text-error; text-style: bold; }
    Heatmap > .heatmap--rule { color: $muted 50%; }
    Heatmap > .heatmap--label { color: $foreground; text-style: bold; }
    Heatmap > .heatmap--none { color: $muted; }
    Heatmap > .heatmap--stale { color: $muted; text-style: italic; }
    Heatmap > .heatmap--cursor { background: $accent; color: $background; text-style: bold; }
    Heatmap > .heatmap--idle1 { background: $heat-1; color: $heat-1-text; }
    Heatmap > .heatmap--idle2 { background: $heat-2; color: $heat-2-text; }
    Heatmap > .heatmap--idle3 { background: $heat-3; color: $heat-3-text; }
    Heatmap > .heatmap--idle4 { background: $heat-4; color: $heat-4-text; }
    Heatmap > .heatmap--idle5 { background: $heat-5; color: $heat-5-text; text-style: bold; }
    Heatmap > .heatmap--account-red { color: $account-red; text-style: bold; }
    Heatmap > .heatmap--account-orange { color: $account-orange; text-style: bold; }
    Heatmap > .heatmap--account-yellow { color: $account-yellow; text-style: bold; }
    Heatmap > .heatmap--account-green { color: $account-green; text-style: bold; }
    Heatmap > .heatmap--account-cyan { color: $account-cyan; text-style: bold; }
    Heatmap > .heatmap--account-blue { color: $account-blue; text-style: bold; }
    Heatmap > .heatmap--account-purple { color: $account-purple; text-style: bold; }
    Heatmap > .heatmap--account-pink { color: $account-pink; text-style: bold; }
    """
    STYLE_PREFIX = "heatmap"
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"heatmap--{name}" for name in style_names()}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1, 0)", "Down", show=False, id="heatmap.down"),
        Binding("k,up", "move(-1, 0)", "Up", show=False, id="heatmap.up"),
        Binding("right", "move(0, 1)", "Right", show=False, id="heatmap.right"),
        Binding("left", "move(0, -1)", "Left", show=False, id="heatmap.left"),
        Binding("g,home", "move(-1000000, 0)", "First", show=False, id="heatmap.first"),
        Binding("G,end", "move(1000000, 0)", "Last", show=False, id="heatmap.last"),
        Binding("enter", "open", "Open", show=False, id="heatmap.open"),
    ]

    class CursorMoved(Message):
        """The cursor is on another cell, or its cell changed."""

    class Opened(Message):
        """Enter on a cell, whether there is an offer or not."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.grid = Grid()
        """The grid that it shows."""
        self._cursor: Position | None = None
        self._at = (0, 0)
        self._top = 0
        self._left = 0
        self._placeholder = ""
        self._used = False

    @property
    def offer(self) -> Offer | None:
        """The offer under the cursor."""
        return None if self._cursor is None else self.grid.cells.get(self._cursor)

    @property
    def position(self) -> Position | None:
        """The model and the place the cursor is on, offered there or not; None while there is no model."""
        return self._cursor if self.grid.models else None

    def set_grid(self, grid: Grid, placeholder: str = "") -> None:
        """Show this; ``placeholder`` is shown, a line each, while there is no model."""
        self.grid = grid
        self._placeholder = placeholder
        if not self._used:
            # The first map was not whole: begin at its corner, not where the first account to answer happened to be.
            self._cursor = None
            self._at = (0, 0)
            self._top = self._left = 0
        self._settle_cursor()
        self._reveal()
        self.sync()
        self.post_message(self.CursorMoved())

    def _settle_cursor(self) -> None:
        """Keep the cursor on its model and place; next to them where they are gone."""
        grid = self.grid
        if not grid.models:
            return
        if self._cursor is None:
            if not self.size.height:
                return  # the cells in view are known with the size
            models, places = grid.models[: self._rows_shown], grid.places[: self._fitting(0)]
            offered = ((model, place) for place in places for model in models if (model, place) in grid.cells)
            self._cursor = next(offered, (models[0], places[0]))
        model, place = self._cursor
        row = grid.row_of.get(model, min(self._at[0], len(grid.models) - 1))
        column = grid.column_of.get(place, min(self._at[1], len(grid.places) - 1))
        self._put(row, column)

    def _put(self, row: int, column: int) -> None:
        self._at = (row, column)
        self._cursor = (self.grid.models[row], self.grid.places[column])

    # --- moving ----------------------------------------------------------------------------------------------

    def hold_cursor(self) -> None:
        """Keep the cursor where it is from now on: it has been used for something, though not moved."""
        self._used = True

    def select(self, ref: Ref) -> bool:
        """Put the cursor on an offer; returns whether it is there."""
        found = self.grid.find(ref)
        if found is None:
            return False
        self._go(self.grid.row_of[found[0]], self.grid.column_of[found[1]])
        return True

    def action_move(self, down: int, right: int) -> None:
        """Move the cursor."""
        grid = self.grid
        if self._cursor is None or not grid.models:
            return
        row = min(max(self._at[0] + down, 0), len(grid.models) - 1)
        column = min(max(self._at[1] + right, 0), len(grid.places) - 1)
        self._go(row, column)

    def _go(self, row: int, column: int) -> None:
        self._used = True
        self._put(row, column)
        self._reveal()
        self.sync()
        self.post_message(self.CursorMoved())

    def action_open(self) -> None:
        """Open the cell."""
        if self.position is not None:
            self.hold_cursor()
            self.post_message(self.Opened())

    @property
    def _room(self) -> int:
        """Cells there are for places: what names and totals leave, without the arrow at the right edge."""
        return self.size.width - (left_width(self.grid, priced=self._priced) + 2) - 1

    @property
    def _priced(self) -> bool:
        grid = self.grid
        return bool(grid.price_width) and (
            self.size.width >= _ROOM_FOR_PRICES or grid.arrangement.sort is SortKey.PRICE
        )

    @property
    def _rows_shown(self) -> int:
        return max(1, self.size.height - HEADINGS)

    def _column_width(self, place: Place) -> int:
        return self.grid.text_width(place) + 2

    def _fitting(self, first: int) -> int:
        """Return how many places fit from this one on, at least one."""
        room, count = self._room, 0
        for place in self.grid.places[first:]:
            room -= self._column_width(place)
            if room < 0:
                break
            count += 1
        return max(1, count)

    def _reveal(self) -> None:
        if self._cursor is None or not self.grid.models or not self.size.height:
            return
        row, column = self._at
        self._top = min(max(self._top, row - self._rows_shown + 1), row)
        self._top = max(0, min(self._top, len(self.grid.models) - self._rows_shown))
        self._left = min(self._left, column)
        while self._left + self._fitting(self._left) <= column:
            self._left += 1
        # No room is left unused while there is more at the left.
        while self._left and self._left - 1 + self._fitting(self._left - 1) >= len(self.grid.places):
            self._left -= 1

    def on_resize(self) -> None:
        """Lay it out again."""
        had_cursor = self._cursor is not None
        self._settle_cursor()
        self._reveal()
        self.sync()
        if not had_cursor:
            self.post_message(self.CursorMoved())

    # --- drawing ---------------------------------------------------------------------------------------------

    def draw(self, width: int, height: int) -> list[list[Segment]]:
        """Draw the cells in view, or why there are none."""
        grid = self.grid
        lines: list[list[Segment]] = []
        if grid.places:
            count = self._fitting(self._left)
            window = Window(
                grid.models[self._top : self._top + height - HEADINGS],
                grid.places[self._left : self._left + count],
                more_above=self._top > 0,
                more_below=self._top + height - HEADINGS < len(grid.models),
                more_left=self._left > 0,
                more_right=self._left + count < len(grid.places),
                cursor=self._cursor if self.has_focus else None,
                priced=self._priced,
            )
            lines = list(Painter(self.style_of, gauge=self._few_colours).lines(grid, window, width))
        if not grid.models:
            notice = [Segment(f"   {line}", self.style_of("none")) for line in self._placeholder.split("\n")]
            lines += [[Segment("", self.style_of(""))], *([segment] for segment in notice)]
        return lines

    @property
    def _few_colours(self) -> bool:
        app = self.app
        # Without a terminal, in a picture, there are all colours.
        return app.no_color or (not app.is_headless and app.console.color_system in (None, "standard", "windows"))
