"""The stock heatmap: GPU models down, places across, idle of total in each cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from gputui.models import Offer, Ref

LABEL_WIDTH = 18
CELL_WIDTH = 13
STALE_MARK = " ?"
NOT_OFFERED = "–"
NONE_IDLE = "·"
RAMP_STEPS = 5


class Heatmap(Widget, can_focus=True):
    """Draws offers as a grid whose background is a ramp by idle share; the words in the cell say the same.

    The cursor stays on its Ref, or on its model and place, through every change. Columns that do not fit are
    reached by moving sideways; arrows at the edge say that there are more. Only lines that changed are repainted.
    """

    DEFAULT_CSS = """
    Heatmap { height: 1fr; width: 1fr; }
    Heatmap > .heatmap--heading { color: $muted; text-style: bold; }
    Heatmap > .heatmap--label { color: $foreground; text-style: bold; }
    Heatmap > .heatmap--none { color: $muted; }
    Heatmap > .heatmap--stale { color: $muted; text-style: dim; }
    Heatmap > .heatmap--cursor { background: $accent; color: $background; text-style: bold; }
    Heatmap > .heatmap--idle1 { background: $success 12%; }
    Heatmap > .heatmap--idle2 { background: $success 22%; }
    Heatmap > .heatmap--idle3 { background: $success 32%; }
    Heatmap > .heatmap--idle4 { background: $success 44%; }
    Heatmap > .heatmap--idle5 { background: $success 58%; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"heatmap--{name}" for name in ("heading", "label", "none", "stale", "cursor")),
        *(f"heatmap--idle{step}" for step in range(1, RAMP_STEPS + 1)),
    }

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
        """Enter on a cell that holds an offer."""

        def __init__(self, ref: Ref) -> None:
            super().__init__()
            self.ref = ref

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._offers: dict[tuple[str, tuple[str, str]], Offer] = {}
        self._models: list[str] = []
        self._places: list[tuple[str, str]] = []
        self._stale: frozenset[str] = frozenset()
        self._cursor: tuple[str, tuple[str, str]] | None = None
        self._top = 0
        self._left = 0
        self._lines: list[Strip] = []
        self._placeholder = ""
        self._used = False

    @property
    def offer(self) -> Offer | None:
        """What the cursor is on."""
        return None if self._cursor is None else self._offers.get(self._cursor)

    @property
    def shape(self) -> tuple[int, int]:
        """How many models and places there are."""
        return len(self._models), len(self._places)

    def set_offers(
        self, offers: Sequence[Offer], *, stale: frozenset[str] = frozenset(), placeholder: str = ""
    ) -> None:
        """Show these; those of the accounts in ``stale`` are marked as old."""
        self._offers = {(offer.gpu_model, (offer.ref.account, offer.region)): offer for offer in offers}
        idle: dict[str, int] = {}
        for offer in offers:
            idle[offer.gpu_model] = idle.get(offer.gpu_model, 0) + (offer.idle or 0)
        self._models = sorted(idle, key=lambda model: (-(self._memory(model)), model))
        self._places = sorted({place for _, place in self._offers})
        self._stale = stale
        self._placeholder = placeholder
        if not self._used:
            # The first map was not whole: begin at its corner, not where the first account to answer happened to be.
            self._cursor = None
            self._top = self._left = 0
        if self._cursor not in self._offers:
            self._cursor = self._nearest()
        self._reveal()
        self._sync()
        self.post_message(self.CursorMoved())

    def _memory(self, model: str) -> int:
        return max((offer.gpu_memory or 0 for (name, _), offer in self._offers.items() if name == model), default=0)

    def _nearest(self) -> tuple[str, tuple[str, str]] | None:
        if not self._offers:
            return None
        if self._cursor is not None:
            model, place = self._cursor
            if model in self._models and place in self._places:
                return self._cursor
        return next(
            (model, place) for model in self._models for place in self._places if (model, place) in self._offers
        )

    # --- moving ----------------------------------------------------------------------------------------------

    def hold_cursor(self) -> None:
        """Keep the cursor where it is from now on: it has been used for something, though not moved."""
        self._used = True

    def select(self, ref: Ref) -> bool:
        """Put the cursor on an offer; returns whether it is there."""
        for key, offer in self._offers.items():
            if offer.ref == ref:
                self._cursor = key
                self._used = True
                self._reveal()
                self._sync()
                self.post_message(self.CursorMoved())
                return True
        return False

    def action_move(self, down: int, right: int) -> None:
        """Move the cursor."""
        if self._cursor is None:
            return
        self._used = True
        model, place = self._cursor
        row = min(max(self._models.index(model) + down, 0), len(self._models) - 1)
        column = min(max(self._places.index(place) + right, 0), len(self._places) - 1)
        self._cursor = (self._models[row], self._places[column])
        self._reveal()
        self._sync()
        self.post_message(self.CursorMoved())

    def action_open(self) -> None:
        """Say that the cell is opened."""
        if self.offer is not None:
            self.post_message(self.Opened(self.offer.ref))

    @property
    def _columns_shown(self) -> int:
        return max(1, (self.size.width - LABEL_WIDTH - 10) // CELL_WIDTH)

    @property
    def _rows_shown(self) -> int:
        return max(1, self.size.height - 2)

    def _reveal(self) -> None:
        if self._cursor is None:
            return
        row, column = self._models.index(self._cursor[0]), self._places.index(self._cursor[1])
        self._top = _scrolled(self._top, row, self._rows_shown, len(self._models))
        self._left = _scrolled(self._left, column, self._columns_shown, len(self._places))

    def on_resize(self) -> None:
        """Lay it out anew."""
        self._reveal()
        self._sync()

    def on_focus(self) -> None:
        """Show the cursor."""
        self._sync()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self._sync()

    def notify_style_update(self) -> None:
        """Take the theme's colours anew."""
        super().notify_style_update()
        self._lines = []
        if self.is_mounted:
            self._sync()

    # --- drawing ---------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen as last synchronised."""
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width, self.rich_style)

    def _sync(self) -> None:
        width, height = self.size
        if not self.is_mounted or not width or not height:
            return
        lines = [self._finish(strip, width) for strip in self._draw(height)]
        changed = [
            Region(0, y, width, 1)
            for y, line in enumerate(lines)
            if y >= len(self._lines) or list(self._lines[y]) != list(line)
        ]
        if len(lines) != len(self._lines):
            changed = [Region(0, 0, width, height)]
        self._lines = lines
        if changed:
            self.refresh(*changed)

    def _finish(self, strip: Strip, width: int) -> Strip:
        return strip.crop_extend(0, width, self.rich_style)

    def _segment(self, text: str, *names: str) -> Segment:
        # The visual style blends a share of a colour with what is behind it; the plain one would take it whole.
        style = self.get_visual_style(*(f"heatmap--{name}" for name in names)) if names else self.visual_style
        return Segment(text, style.rich_style)

    def _draw(self, height: int) -> list[Strip]:
        if not self._models:
            return [Strip([self._segment("")]), Strip([self._segment(f"   {self._placeholder}", "none")])]
        places = self._places[self._left : self._left + self._columns_shown]
        more_left, more_right = self._left > 0, self._left + len(places) < len(self._places)
        heading = [(account, region) for account, region in places]
        lines = [
            self._heading_line("GPU", "IDLE", [account for account, _ in heading], more_left, more_right),
            self._heading_line(
                "", "", [region if region != account else "" for account, region in heading], False, False
            ),
        ]
        lines += [self._model_line(model, places) for model in self._models[self._top : self._top + height - 2]]
        return lines

    def _heading_line(self, label: str, idle: str, texts: Sequence[str], left: bool, right: bool) -> Strip:
        parts = [self._segment(f" {label:<{LABEL_WIDTH - 1}}{idle:>8} {'◂' if left else '│'}", "heading")]
        parts += [self._segment(" " + _fit(text, CELL_WIDTH - 1), "heading") for text in texts]
        if right:
            room = min(self.size.width, sum(part.cell_length for part in parts)) - 1
            return Strip([*Strip(parts).crop(0, room), self._segment("▸", "heading")])
        return Strip(parts)

    def _model_line(self, model: str, places: Sequence[tuple[str, str]]) -> Strip:
        offers = [offer for (name, _), offer in self._offers.items() if name == model]
        counted = [offer.idle for offer in offers if offer.idle is not None]
        total = (str(sum(counted)) if sum(counted) else NONE_IDLE) if counted else ""
        parts = [
            self._segment(" " + _fit(model, LABEL_WIDTH - 1), "label"),
            self._segment(f"{total:>8} "),
            self._segment("│", "heading"),
        ]
        for place in places:
            at_cursor = (model, place) == self._cursor
            text, *names = self._cell(self._offers.get((model, place)))
            if at_cursor and self.has_focus:
                names = ["cursor"]
            marker = "▸" if at_cursor and self.has_focus else " "
            parts.append(self._segment(marker + _fit(text, CELL_WIDTH - 2), *names))
            parts.append(self._segment(" "))
        return Strip(parts)

    def _cell(self, offer: Offer | None) -> tuple[str, ...]:
        """Return a cell's text and the names of its styles."""
        if offer is None:
            return (NOT_OFFERED, "none")
        stale = offer.ref.account in self._stale
        mark = STALE_MARK if stale else ""
        if offer.idle is None:
            text = {True: "✓", False: NONE_IDLE}.get(bool(offer.available), NONE_IDLE)
            return (text + mark, "stale" if stale else "none" if not offer.available else "idle3")
        total = "" if offer.total is None else f"/{offer.total}"
        if offer.idle == 0:
            return (f"{NONE_IDLE}{total}{mark}", "stale" if stale else "none")
        if stale:
            return (f"{offer.idle}{total}{mark}", "stale")
        share = offer.idle / offer.total if offer.total else 1.0
        step = max(1, min(RAMP_STEPS, round(share * RAMP_STEPS)))
        return (f"{offer.idle}{total}", f"idle{step}")


def _scrolled(first: int, cursor: int, shown: int, count: int) -> int:
    """Return the first line to show: the cursor is in view, and no room is left unused while there is more."""
    first = min(max(first, cursor - shown + 1), cursor)
    return max(0, min(first, count - shown))


def _fit(text: str, width: int) -> str:
    """Cut or pad by cell width."""
    if cell_len(text) > width:
        return set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, width)
