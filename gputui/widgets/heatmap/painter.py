"""The drawing of the stock heatmap: lines of segments, always the same number of them for the same columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from gputui.presentation.account_colors import STYLES as ACCOUNT_STYLES
from gputui.widgets.heatmap.grid import NONE_IDLE, RAMP_STEPS, Figures, Grid, Place, Position, SortKey

HEADINGS = 3
"""Lines above the models: account, region, totals."""

MEMORY_WIDTH = 6
IDLE_WIDTH = 7
_PRICE = "from/h"
_RULE = "─"
CURSOR = "▸"
MORE_LEFT, MORE_RIGHT, MORE_ABOVE, MORE_BELOW, EDGE = "◂", "▸", "▴", "▾", "│"
_GAUGE = " ▁▃▄▆█"
"""Blocks that replace the background in a terminal of few colours, by step."""

StyleOf = Callable[[str], Style]


def left_width(grid: Grid, *, priced: bool) -> int:
    """Return the cells at the left of the places: names, memory, idle of all places, and the price if wanted."""
    return 1 + grid.label_width + MEMORY_WIDTH + IDLE_WIDTH + (_price_width(grid) if priced else 0)


def _price_width(grid: Grid) -> int:
    return 2 + max(grid.price_width, len(_PRICE) + 1)


class Window(NamedTuple):
    """The part of a grid that is in view, and the cell that is marked, if any; ``priced``: with the prices."""

    models: Sequence[str]
    places: Sequence[Place]
    more_above: bool
    more_below: bool
    more_left: bool
    more_right: bool
    cursor: Position | None
    priced: bool = False


class Painter:
    """Draws a grid in styles given by name. ``gauge`` draws a block in each cell next to its colour."""

    def __init__(self, style: StyleOf, *, gauge: bool) -> None:
        self._style = style
        self._gauge = gauge

    def lines(self, grid: Grid, window: Window, width: int) -> Iterator[list[Segment]]:
        """Draw headings and models."""
        yield self._over_places(grid, window, width)
        yield self._under_accounts(grid, window)
        yield self._totals(grid, window)
        for row, model in enumerate(window.models):
            edge = EDGE
            if window.more_above and row == 0:
                edge = MORE_ABOVE
            elif window.more_below and row == len(window.models) - 1:
                edge = MORE_BELOW
            yield self._model(grid, window, model, edge)

    def _segment(self, text: str, name: str = "") -> Segment:
        return Segment(text, self._style(name))

    def _over_places(self, grid: Grid, window: Window, width: int) -> list[Segment]:
        by = grid.arrangement

        def title(text: str, key: SortKey) -> str:
            return text if key is not by.sort else text + ("↓" if by.descending else "↑")

        left = f" {fit(title('GPU', SortKey.NAME), grid.label_width)}{title('VRAM', SortKey.MEMORY):>{MEMORY_WIDTH}}"
        left += f"{title('idle', SortKey.IDLE):>{IDLE_WIDTH}}"
        if window.priced:
            left += f"{title(_PRICE, SortKey.PRICE):>{_price_width(grid)}}"
        edge = MORE_LEFT if window.more_left else EDGE
        line = [self._segment(left, "heading"), self._segment(f" {edge}", "heading")]
        for account, places in groupby(window.places, key=itemgetter(0)):
            line += self._account(grid, account, list(places))
        if window.more_right:
            used = sum(segment.cell_length for segment in line)
            line.append(self._segment(" " * (width - 1 - used) + MORE_RIGHT, "heading"))
        return line

    def _account(self, grid: Grid, account: str, places: Sequence[Place]) -> list[Segment]:
        """Draw the name of an account once over all its places in view, with a rule as wide as they are."""
        room = sum(grid.text_width(place) + 2 for place in places) - 2
        name = grid.account_heading(account)
        text = fit(name, min(cell_len(name), room))
        rule = room - cell_len(text)
        return [
            self._segment(f" {text}", grid.account_heading_style(account)),
            self._segment(f" {_RULE * (rule - 1)} " if rule > 1 else " " * (rule + 1), "rule"),
        ]

    def _under_accounts(self, grid: Grid, window: Window) -> list[Segment]:
        left = " " * left_width(grid, priced=window.priced)
        line = [self._segment(f"{left} {EDGE}", "heading")]
        for place in window.places:
            text = fit(grid.region_heading(place), grid.text_width(place))
            line.append(self._segment(f" {text} ", "failed" if place in grid.failed else "heading"))
        return line

    def _totals(self, grid: Grid, window: Window) -> list[Segment]:
        line = [
            self._segment(f" {fit('all', grid.label_width + MEMORY_WIDTH)}", "heading"),
            self._segment(f"{grid.idle_of_all():>{IDLE_WIDTH}}", "heading"),
            *([self._segment(" " * _price_width(grid), "heading")] if window.priced else []),
            self._segment(f" {EDGE}", "heading"),
        ]
        for place in window.places:
            line.append(self._segment(f" {self._text(grid, place, grid.total_of_place(place))} ", "heading"))
        return line

    def _model(self, grid: Grid, window: Window, model: str, edge: str) -> list[Segment]:
        line = [
            self._segment(f" {fit(model, grid.label_width)}", "label"),
            self._segment(f"{grid.memory(model):>{MEMORY_WIDTH}}", "none"),
            self._segment(f"{grid.idle_of_model(model):>{IDLE_WIDTH}}"),
            *([self._price(grid, model)] if window.priced else []),
            self._segment(f" {edge}", "heading"),
        ]
        for place in window.places:
            here = (model, place)
            figures = grid.figures(here)
            before = _GAUGE[figures.step] if self._gauge else " "
            at_cursor = here == window.cursor
            text = (CURSOR if at_cursor else before) + self._text(grid, place, figures)
            line += [self._segment(text, "cursor" if at_cursor else figures.style), self._segment(" ")]
        return line

    def _price(self, grid: Grid, model: str) -> Segment:
        """Draw the least price of a model; quietly where none is idle."""
        style = "none" if grid.idle_of_model(model) == NONE_IDLE else ""
        return self._segment(f"{grid.price_of_model(model):>{_price_width(grid)}}", style)

    @staticmethod
    def _text(grid: Grid, place: Place, figures: Figures) -> str:
        return fit(grid.text(place, figures), grid.text_width(place))


def style_names() -> tuple[str, ...]:
    """Return the names of all styles a map is drawn in."""
    ramp = (f"idle{step}" for step in range(1, RAMP_STEPS + 1))
    return ("heading", "failed", "rule", "label", "none", "stale", "cursor", *ramp, *ACCOUNT_STYLES)


def fit(text: str, width: int) -> str:
    """Cut or pad by cell width."""
    if cell_len(text) > width:
        return set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, width)
