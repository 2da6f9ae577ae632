"""The map of the stock: what it shows, what limits it, and how it follows the fleet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from gputui.analytics.stock import Paid, paid_prices, price_of
from gputui.commands import Command
from gputui.formatting import counted
from gputui.models import FeedState, Instance, Offer, Ref, Resource, Row
from gputui.presentation.counts import count_text
from gputui.presentation.offers import place_name
from gputui.query import IS, IS_FAVOURITE, Query, parse
from gputui.screens.base.session import Session
from gputui.screens.base.view import View
from gputui.screens.base.view_commands import key_bindings
from gputui.screens.commands.sets import SHARED_SETS
from gputui.screens.stock.captions import (
    cell_line,
    empty_cell_line,
    legend,
    past_line,
    problem_line,
)
from gputui.screens.stock.commands import StockCommands
from gputui.screens.stock.odds_now import OddsNow
from gputui.screens.stock.trends import StockTrends
from gputui.widgets.bars.line import Line
from gputui.widgets.heatmap.grid import Arrangement, Grid, SortKey
from gputui.widgets.heatmap.heatmap import Heatmap
from gputui.widgets.table.painter import FAVOURITE

if TYPE_CHECKING:
    from textual.timer import Timer


_ROOMY = 100
"""Columns from which the line under the map has room for all of its text."""

_FADE_SLACK = 5.0
"""Seconds after which a faded change is looked for again."""


class StockView(View):
    """Shows the heatmap over the lines that describe the cell under its cursor."""

    NAME = "stock"
    HEADING = "Stock"
    RESOURCE = Resource.STOCK
    RESOURCES = frozenset({Resource.STOCK})
    SHOWS_PROBLEMS = False
    COMMAND_SETS = (StockCommands, *SHARED_SETS)

    BINDINGS: ClassVar[list[BindingType]] = key_bindings("stock")

    DEFAULT_CSS = """
    StockView #cell { padding: 0 1; }
    StockView #past { padding: 0 1; }
    StockView #legend { padding: 0 1; color: $muted; }
    """

    _query: Query | None = None

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.paid: Paid = {}
        self.trends = StockTrends(session)
        self.odds_now = OddsNow(self, self._describe_cell)
        self._fading: Timer | None = None
        self.arrangement = Arrangement()
        self.own: frozenset[str] = frozenset()
        """The accounts of machines of one's own."""
        self.preset = ""
        self.memory.keep("sort", list, self._order, self._set_order)
        self.memory.keep(
            "problems",
            bool,
            lambda: self.arrangement.only_idle or None,
            lambda only: self._arrange(only_idle=bool(only)),
            limits=True,
        )
        self.memory.keep("regions", str, lambda: self.preset or None, self._set_preset, limits=True)

    def _order(self) -> list[object] | None:
        by, first = self.arrangement, Arrangement()
        return None if (by.sort, by.descending) == (first.sort, first.descending) else [by.sort.value, by.descending]

    def _set_order(self, order: Sequence[object] | None) -> None:
        first = Arrangement()
        key, descending = order or (first.sort, first.descending)
        self._arrange(sort=SortKey(str(key)), descending=bool(descending))

    def _set_preset(self, name: str | None) -> str | None:
        self.preset = name if name is not None and name in self.session.region_presets else ""
        return f"there are no regions {name}." if (name or "") != self.preset else None

    def compose_body(self) -> ComposeResult:
        """Lay out the map and the lines for its cell."""
        yield Heatmap(id="map")
        yield Line(id="cell")
        yield Line(id="past")
        yield Line(id="legend")

    @property
    def map(self) -> Heatmap:
        """The heatmap."""
        return self.query_one(Heatmap)

    def focus_body(self) -> None:
        """Give the keys back to the map."""
        self.set_focus(self.map)

    # --- following the fleet ---------------------------------------------------------------------------------

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow the stock; read how it moved so far, once."""
        fleet = self.session.fleet
        if self.trends.begin():
            self._read_past()
        return (
            fleet.subscribe(Resource.STOCK, lambda change: self._update()),
            self.session.favourites.subscribe(lambda refs: self._update()),
        )

    @work(group="past", exclusive=True, exit_on_error=False)
    async def _read_past(self) -> None:
        await self.trends.read_past()
        self.catch_up()

    def catch_up(self) -> None:
        """Show the stock as it is now."""
        offers = self.offered()
        self._note_changes()
        fleet = self.session.fleet
        self.paid = paid_prices(fleet.all(Instance))
        stale = frozenset(
            account for account in fleet.accounts if fleet.feed(account, Resource.STOCK).state is FeedState.STALE
        )
        self.own = frozenset(filter(fleet.owns, fleet.accounts))
        shown = list(filter(self._shows, offers))
        grid = Grid(
            shown,
            stale=stale,
            trends=self.trends.news,
            watched=self.session.stock_notifications.refs,
            prices={offer.ref: price for offer in shown if (price := price_of(offer, self.paid)) is not None},
            own=self.own,
            colors={name: style for name in fleet.accounts if (style := self.session.account_style(name))},
            arrangement=replace(self.arrangement, accounts=tuple(fleet.accounts)),
        )
        self.map.set_grid(grid, self._placeholder(grid, some=any(offer.gpu_model for offer in offers)))
        if offers and not self.feeds.loading_text():
            self.map.hold_cursor()
        signs = legend(grid, news=bool(self.trends.news), watched=bool(self.session.stock_notifications.refs))
        self.query_one("#legend", Line).show(signs)
        self._describe_cell()

    def offered(self) -> list[Offer]:
        """Return what the accounts shown offer."""
        return [
            offer
            for offer in self.session.fleet.all(Offer)
            if self.session.shows_account(offer.ref.account)
            and not self.session.fleet.server_filters.left_out(offer.ref.account, Resource.STOCK)
        ]

    def is_one_machine(self, offer: Offer) -> bool:
        """Whether the GPUs of an offer sit in one machine: its account lists the GPUs of hosts."""
        return self.session.fleet.supports(offer.ref.account, Resource.GPUS)

    def _note_changes(self) -> None:
        self.trends.note()
        if self.trends.news and self._fading is None:
            self._fading = self.set_timer(self.trends.seconds_of_news() + _FADE_SLACK, self.fade)

    def fade(self) -> None:
        """Remove the arrows of changes that are no longer news."""
        self._fading = None
        if self._unsubscribe:
            self.catch_up()

    def feeds_changed(self) -> None:
        """Offers may have become stale or fresh."""
        self.catch_up()
        super().feeds_changed()

    def before_command(self, command: Command) -> None:
        """From now on the cursor stays on the cell that the command is used for; the help is used for none."""
        if command.id != "help":
            self.map.hold_cursor()

    # --- what is shown ---------------------------------------------------------------------------------------

    def _shows(self, offer: Offer) -> bool:
        """Whether an offer passes what the user limits the map to."""
        if self.preset and offer.region not in self.session.region_presets.get(self.preset, ()):
            return False
        if not offer.gpu_model:
            return True  # the models there are unknown
        texts = {"gpu": offer.gpu_model, "account": offer.ref.account, "region": offer.region}
        signs = {IS: IS_FAVOURITE if offer.ref in self.session.favourites else ""}
        return self._query is None or self._query.matches(texts, signs)

    def _placeholder(self, grid: Grid, *, some: bool) -> str:
        if waiting := self.feeds.loading_text():
            return waiting
        limits = [
            *([f"/ {self._query.text}"] if self._query else []),
            *([f"only what is idle ({self.session.key_of('problems')})"] if self.arrangement.only_idle else []),
            *([f"regions {self.preset}"] if self.preset else []),
        ]
        if some and limits:
            return f"No matches for {' and '.join(limits)}. {self.session.key_of('back')} clears the filter."
        refresh = self.session.key_of("refresh")
        if grid.failed:
            problems = [f"{place_name(*place)}: {problem_line(grid, place)}" for place in grid.failed]
            return "\n".join([f"No region could be read. {refresh} asks again.", *problems])
        if unknown := self.feeds.unknown_text():
            return unknown
        if asked := self.asked_for():
            return f"No stock matches the server filter {asked}. {self.session.key_of('server-filter')} changes it."
        return "No account shown reports idle GPUs."

    def status(self) -> tuple[Content, Content]:
        """Return the size of the map for the left, its limits for the right."""
        grid = self.map.grid
        waiting = self.feeds.loading_text() if grid.models else ""
        coverage = self.feeds.coverage((Resource.STOCK,))
        sizes = (len(grid.models), "model"), (len(grid.places), "place")
        counts = " · ".join(count_text(number, noun, coverage=coverage) for number, noun in sizes)
        left = Content.assemble(
            (f"   {counts}", "$muted"),
            (f"   {counted(len(grid.failed), 'place')} not read" if grid.failed else "", "$text-error"),
            (f"   / {self._query.text}" if self._query else "", "$text-accent"),
            (f"   {waiting}" if waiting else "", "$text-warning"),
        )
        hidden = " and ".join(
            counted(count, word) for count, word in zip(grid.left_out, ("model", "place"), strict=True) if count
        )
        limits = [
            f"regions {self.preset}" if self.preset else "",
            f"{hidden} with none idle hidden" if hidden else "",
        ]
        return left, Content.styled("   ".join(limit for limit in limits if limit), "$text-accent")

    def on_resize(self) -> None:
        """Fit the lines for the cell to the width."""
        self._describe_cell()

    @on(Heatmap.CursorMoved)
    def _cursor_moved(self) -> None:
        self._describe_cell()
        self.odds_now.moved()

    def _describe_cell(self) -> None:
        offer, position = self.map.offer, self.map.position
        cell, past = Content(""), Content("")
        if offer is not None:
            roomy = self.size.width >= _ROOMY
            series = self.trends.series(offer.ref, 24 if roomy else 12)
            cell = cell_line(
                offer, self.paid, watched=offer.ref in self.session.stock_notifications.refs, own=self.own
            )
            if offer.ref in self.session.favourites:
                cell = Content.assemble(cell, (f"   {FAVOURITE} favourite", "$text-accent"))
            odds = self.odds_now.text(offer.ref) if roomy else ""
            past = past_line(offer, series, one_machine=self.is_one_machine(offer), roomy=roomy, odds=odds)
        elif position is not None:
            cell = empty_cell_line(self.map.grid, *position)
        if position is not None and position[1] in self.map.grid.failed:
            past = problem_line(self.map.grid, position[1])
        self.query_one("#cell", Line).show(cell)
        self.query_one("#past", Line).show(past)
        self.frame.show_keys()

    def under_cursor(self) -> Row | None:
        """Return the offer under the cursor."""
        return self.map.offer

    def limit_to(self, scope: Ref | None, select: Ref | None = None) -> None:
        """Put the cursor on an offer."""
        super().limit_to(scope, select)
        if select is not None and self.is_mounted and not self.map.select(select):
            while self.clear_limits():
                pass
            self.map.select(select)

    # --- limiting the map ------------------------------------------------------------------------------------

    def _update(self) -> None:
        self.catch_up()
        self.frame.show()

    def clear_limits(self) -> bool:
        """Remove the limits of the map, then show all accounts; returns whether there were any."""
        if self._query or self.arrangement.only_idle or self.preset:
            self._query, self.preset = None, ""
            self.rearrange(only_idle=False)
            return True
        limited = bool(self.session.only)
        if limited:
            self.session.choose(account=None)
        return limited

    def limit(self, preset: str) -> None:
        """Show only the regions of a preset; '' for all regions."""
        self.preset = preset
        self._update()

    def rearrange(self, **changes: Any) -> None:
        """Change the order of the map, or what is left out of it."""
        self._arrange(**changes)
        self._update()

    def _arrange(self, **changes: Any) -> None:
        self.arrangement = replace(self.arrangement, **changes)

    @on(Heatmap.Opened)
    def _opened(self) -> None:
        StockCommands(self).do_open("")

    def set_filter(self, text: str) -> None:
        """Show only some models and places; raises QueryError."""
        self._query = parse(text, {key: key for key in ("gpu", "account", "region", IS)}) or None
        self._update()
