"""The past of one offer: a chart of its idle GPUs, the odds of N by hour of the week, waits, prices, creates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, timedelta
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from gputui.analytics.place_odds import PlaceOdds
from gputui.analytics.stock import paid_prices
from gputui.analytics.stock_odds import fine_points, hour_points
from gputui.history.stock_hours import EXACT, KEPT_DAYS, rounded
from gputui.history.stock_past import Past, read_past
from gputui.models import Instance, Offer, Ref, Resource
from gputui.models.stock import StockPlace
from gputui.presentation.odds import FEW_NOTE, chance_words, count_words, slot_words, summary, zone_name
from gputui.presentation.offers import place_name
from gputui.query import QueryError
from gputui.screens.base.session import Session
from gputui.screens.base.view import View
from gputui.screens.base.view_commands import key_bindings
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.command_set import CommandSet
from gputui.screens.commands.global_commands import GlobalCommands
from gputui.screens.stock.captions import cell_line
from gputui.widgets.bars.line import Line
from gputui.widgets.chart.chart import Chart
from gputui.widgets.chart.data import ChartData, Point
from gputui.widgets.chart.scale import Measure
from gputui.widgets.week_grid import WeekGrid

_DAY = 86_400.0
WINDOWS = (_DAY, 7 * _DAY, 30 * _DAY, KEPT_DAYS * _DAY)
"""Seconds that the chart can show."""
_MOST = 4096
_READ_AGAIN_SECONDS = 60.0
_HOUR_GAP, _FINE_GAP = 3700.0, 400.0
_LABELS = {
    "now": "This hour",
    "all": "All hours",
    "best": "Best hour",
    "waits": "Waits",
    "price": "Cheapest",
    "creates": "Creates",
}
_LABEL_WIDTH = 11
_NEVER = (
    "Never observed yet: the stock is recorded while Stock is on the screen, or the agent watches it."
    " The first minutes appear here soon."
)
_IDLE = Measure("idle")


class OddsCommands(CommandSet):
    """Change the number of GPUs and the time of the chart."""

    view: OddsView

    def do_more_gpus(self, argument: str) -> None:
        """Show the odds of more."""
        self.view.change_count(1)

    def do_fewer_gpus(self, argument: str) -> None:
        """Show the odds of fewer."""
        self.view.change_count(-1)

    def do_window_longer(self, argument: str) -> None:
        """Draw a longer time."""
        self.view.change_window(1)

    def do_window_shorter(self, argument: str) -> None:
        """Draw a shorter time."""
        self.view.change_window(-1)

    def do_refresh(self, argument: str) -> None:
        """Read the stock and the history again."""
        self.session.fleet.refresh(self.view.RESOURCES)
        self.view.read_again()


class OddsView(View):
    """``o`` on a cell of the stock; ``scope`` is the offer."""

    NAME = "odds"
    HEADING = "Odds"
    RESOURCE = Resource.STOCK
    RESOURCES = frozenset({Resource.STOCK})
    CREATES: ClassVar[frozenset[Resource]] = frozenset()
    SHOWS_PROBLEMS = False
    COMMAND_SETS = (OddsCommands, AccountCommands, GlobalCommands)
    FOOTER = ("more-gpus", "fewer-gpus", "window-longer", "window-shorter")

    BINDINGS: ClassVar[list[BindingType]] = key_bindings("odds")

    DEFAULT_CSS = """
    OddsView #cell { padding: 0 1; }
    OddsView Chart { padding: 0 1; min-height: 3; }
    OddsView WeekGrid { padding: 0 1; }
    OddsView #slot { padding: 0 1; }
    OddsView #facts { padding: 0 1; height: auto; width: 1fr; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.count = 1
        self.window = 1
        """The time of the chart, a place in ``WINDOWS``."""
        self._past: Past | None = None
        self._fine: Sequence[Point] = ()
        self.memory.keep("count", int, lambda: self.count if self.count > 1 else None, self._put_count)
        self.memory.keep("window", int, lambda: self.window if self.window != 1 else None, self._put_window)

    def _put_count(self, count: int | None) -> None:
        self.count = min(max(count or 1, 1), _MOST)

    def _put_window(self, window: int | None) -> None:
        self.window = min(max(1 if window is None else window, 0), len(WINDOWS) - 1)

    def compose_body(self) -> ComposeResult:
        """Lay out the chart over the week, and the facts below it."""
        yield Line(id="cell")
        yield Chart()
        yield WeekGrid(id="week")
        yield Line(id="slot")
        yield Static(Content(""), id="facts")

    @property
    def week(self) -> WeekGrid:
        """The grid of the week."""
        return self.query_one(WeekGrid)

    def focus_body(self) -> None:
        """Give the keys back to the grid."""
        self.set_focus(self.week)

    def set_filter(self, text: str) -> None:
        """There is nothing to filter."""
        if text:
            raise QueryError("There are no rows to filter here.", 0)

    # --- following -------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Read the history again while it is shown: this program adds to it."""
        self.every(_READ_AGAIN_SECONDS, self.read_again)

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow the stock of now."""
        return (self.session.fleet.subscribe(Resource.STOCK, lambda change: self._show()),)

    def limit_to(self, scope: Ref | None, select: Ref | None = None) -> None:
        """Show the past of an offer."""
        if scope is not None and scope != self.scope:
            self._past, self._fine = None, ()
            if self.is_mounted:
                self.week.reset()
        super().limit_to(scope, select)
        if self.is_mounted:
            self.read_again()

    def catch_up(self) -> None:
        """Show it as it is now, and read the history."""
        self._show()
        self.read_again()

    def feeds_changed(self) -> None:
        """The offer may have become stale or fresh."""
        self._show()
        super().feeds_changed()

    @work(group="past", exclusive=True, exit_on_error=False)
    async def read_again(self) -> None:
        """Read what the history has of the offer."""
        history, ref = self.session.history, self.scope
        if history is None or ref is None:
            return
        now, offer = self.session.fleet.now(), self.offer

        def read() -> tuple[Past, Sequence[Point]]:
            known = {place.ref: place for place in history.stock_hours.places()}
            place = known.get(ref) or StockPlace(
                ref, "" if offer is None else offer.gpu_model, "" if offer is None else offer.region
            )
            past = next(read_past(history, [place], now))
            since = now - timedelta(seconds=WINDOWS[0])
            samples = [(one.at, one.idle) for one in history.stock(since - timedelta(days=1)) if one.ref == ref]
            return past, fine_points(samples, past.hours, since, now)

        past, fine = await asyncio.to_thread(read)
        if ref == self.scope:
            self._past, self._fine = past, fine
            self._show()

    # --- what it shows ---------------------------------------------------------------------------------------

    @property
    def offer(self) -> Offer | None:
        """The offer as it is listed now."""
        return self.session.fleet.find(Offer, self.scope)

    @property
    def odds(self) -> PlaceOdds | None:
        """The odds for the number of GPUs; None while the history is read."""
        zone = UTC if self.session.utc else None
        return None if self._past is None else self._past.odds(self.count, self.session.fleet.now(), zone)

    def change_count(self, steps: int) -> None:
        """Show the odds of more GPUs, or with less than 0 of fewer: of numbers that are stored as they are."""
        self.count = _next_count(self.count) if steps > 0 else _count_before(self.count)
        self.memory.note()
        self._show()
        self.frame.show()

    def change_window(self, steps: int) -> None:
        """Draw a longer time, or with less than 0 a shorter one."""
        self.window = min(max(self.window + steps, 0), len(WINDOWS) - 1)
        self.memory.note()
        self._show()

    def breadcrumbs(self) -> list[str]:
        """Name the offer, which need not be listed any more."""
        offer, ref = self.offer, self.scope
        if offer is not None:
            return [offer.gpu_model, place_name(offer.ref.account, offer.region), self.HEADING]
        return [*([ref.id, ref.account] if ref is not None else []), self.HEADING]

    def status(self) -> tuple[Content, Content]:
        """Return the number of GPUs, and whose hours are shown."""
        right = zone_name(UTC if self.session.utc else None)
        return Content.styled(f"   {count_words(self.count)}", "bold"), Content.styled(right, "$muted")

    def _show(self) -> None:
        if not self.is_mounted:
            return
        found = self.odds
        self._show_offer()
        self._show_chart()
        if found is not None:
            self.week.show(found.odds.week, found.slot)
        self._show_slot()
        facts = self.query_one("#facts", Static)
        content = self._facts(found)
        if content != facts.content:
            facts.update(content)

    def _show_offer(self) -> None:
        offer, fleet = self.offer, self.session.fleet
        if offer is None:
            text = Content.styled("not offered now, or not read yet", "$muted")
        else:
            text = cell_line(
                offer, paid_prices(fleet.all(Instance)), watched=offer.ref in self.session.stock_notifications.refs
            )
            if not offer.problem and fleet.is_stale(offer):
                text = Content.assemble(text, ("   ? old: the stock could not be read", "$text-warning"))
        self.query_one("#cell", Line).show(text)

    def _show_chart(self) -> None:
        now, seconds = self.session.fleet.now(), WINDOWS[self.window]
        fine = self.window == 0
        points: Sequence[Point] = ()
        if self._past is not None:
            points = self._fine if fine else hour_points(self._past.hours, now)
        data = ChartData(
            key=f"{self.scope} {fine}",
            title="idle GPUs" if fine else "idle GPUs, mean of each hour",
            measure=_IDLE,
            points=points,
            window=seconds,
            now=now,
            stale_after=2 * _HOUR_GAP,
            interval=_FINE_GAP if fine else _HOUR_GAP,
            utc=self.session.utc,
        )
        self.query_one(Chart).show(data)

    @on(WeekGrid.Moved)
    def _show_slot(self) -> None:
        found = self.odds
        if found is None:
            self.query_one("#slot", Line).show(Content(""))
            return
        slot = self.week.slot
        chance = found.odds.of(slot)
        text = Content.assemble(
            (f"{slot_words(slot)}", "bold"),
            (" (now)" if slot == found.slot else "", "$muted"),
            f"   {count_words(self.count)}: {chance_words(chance)}",
        )
        self.query_one("#slot", Line).show(text)

    def _facts(self, found: PlaceOdds | None) -> Content:
        if self.session.history is None:
            return Content.styled("There is no history: nothing is recorded.", "$muted")
        if found is None:
            return Content.styled("Reading the history …", "$muted")
        if found.odds.since is None:
            problem = self.session.history.failure
            return Content.styled(f"{problem}." if problem else _NEVER, "$muted")
        lines = [
            Content.assemble((_LABELS[name].ljust(_LABEL_WIDTH), "$muted"), text)
            for name, text in summary(found)
            if name != "now"
        ]
        key = Content.styled(f"0 never … 10 always   · never observed   {FEW_NOTE}", "$muted")
        return Content("\n").join([*(line.truncate(self.size.width - 2, ellipsis=True) for line in lines), key])

    def on_resize(self) -> None:
        """Fit the facts to the width."""
        self._show()


def _next_count(count: int) -> int:
    following = count + 1
    while following <= _MOST and rounded(following) != following:
        following += 1
    return min(following, _MOST)


def _count_before(count: int) -> int:
    return max(rounded(count - 1) if count > EXACT else count - 1, 1)
