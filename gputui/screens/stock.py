"""The stock: which GPUs can be had where, over all accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content

from gputui.commands import Command
from gputui.models import FeedState, Offer, Ref, Resource, Row
from gputui.screens import dialogs
from gputui.screens.acting import ActingView
from gputui.screens.describe import describe
from gputui.text import format_bytes, format_money
from gputui.widgets.heatmap import Heatmap
from gputui.widgets.line import Line


class StockView(ActingView):
    """``1``: the heatmap; the line under it speaks for the cell under the cursor. Enter creates there."""

    NAME = "stock"
    HEADING = "Stock"
    RESOURCES = frozenset({Resource.STOCK})

    DEFAULT_CSS = """
    StockView #cell { padding: 0 1; }
    StockView #legend { padding: 0 1; color: $muted; }
    """

    def compose_body(self) -> ComposeResult:
        """Lay out the map and the line for its cell."""
        yield Heatmap(id="map")
        yield Line(id="cell")
        yield Line(id="legend")

    @property
    def map(self) -> Heatmap:
        """The heatmap."""
        return self.query_one(Heatmap)

    def on_mount(self) -> None:
        """Say what the cells mean."""
        self.query_one("#legend", Line).show(
            Content("idle/total   · none idle   – not offered   ✓ available   ? old")
        )

    def focus_body(self) -> None:
        """Give the keys back to the map."""
        self.set_focus(self.map)

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow the stock."""
        return (self.session.fleet.subscribe(Resource.STOCK, lambda change: self.catch_up()),)

    def catch_up(self) -> None:
        """Show the stock as it is now."""
        fleet = self.session.fleet
        offers = [
            offer
            for offer in fleet.rows(Resource.STOCK).values()
            if isinstance(offer, Offer) and self.session.shows_account(offer.ref.account)
        ]
        stale = frozenset(
            account for account in fleet.accounts if fleet.feed(account, Resource.STOCK).state is FeedState.STALE
        )
        self.map.set_offers(
            offers, stale=stale, placeholder=self.loading_text() or "No account shown tells which GPUs are idle."
        )
        if offers and not self.loading_text():
            self.map.hold_cursor()
        self._describe_cell()

    def run_command(self, command: Command, argument: str) -> None:
        """Do a command; from then on the cursor stays on the cell it was used for."""
        self.map.hold_cursor()
        super().run_command(command, argument)

    def feeds_changed(self) -> None:
        """Offers may have become stale or fresh."""
        self.catch_up()
        super().feeds_changed()

    def status(self) -> tuple[Content, Content]:
        """How large the map is."""
        models, places = self.map.shape
        return Content.styled(f"   {models} models · {places} places", "$muted"), Content("")

    def under_cursor(self) -> Row | None:
        """Return the offer under the cursor."""
        return self.map.offer

    def limit_to(self, scope: Ref | None, select: Ref | None = None) -> None:
        """Put the cursor on an offer."""
        super().limit_to(scope, select)
        if select is not None and self.is_mounted:
            self.map.select(select)

    @on(Heatmap.CursorMoved)
    def _describe_cell(self) -> None:
        offer = self.map.offer
        if offer is None:
            self.query_one("#cell", Line).show(Content(""))
        else:
            where = (
                offer.ref.account if offer.region == offer.ref.account else f"{offer.ref.account} · {offer.region}"
            )
            if offer.idle is None:
                have = "available" if offer.available else "not available now"
            else:
                total = "" if offer.total is None else f" of {offer.total}"
                have = f"{offer.idle} idle{total} single cards"
            parts = [offer.gpu_model, where, have]
            if offer.gpu_memory:
                parts.append(format_bytes(offer.gpu_memory))
            if offer.price_from:
                parts.append(f"from {format_money(offer.price_from)}/h")
            self.query_one("#cell", Line).show(Content.styled("   ".join(parts), "bold"))
        self.show_keys()

    @on(Heatmap.Opened)
    def _opened(self) -> None:
        self.do_open("")

    def do_open(self, argument: str) -> None:
        """Create where the cursor is; where nothing can be created, describe the offer."""
        offer = self.map.offer
        if offer is not None and offer.ref.account in self.creatable():
            self._create([offer.ref.account])
        else:
            self.do_describe(argument)

    def do_new(self, argument: str) -> None:
        """Create where the cursor is."""
        offer = self.map.offer
        if not argument and offer is not None and offer.ref.account in self.creatable():
            argument = offer.ref.account
        super().do_new(argument)

    def do_describe(self, argument: str) -> None:
        """Describe the offer, or the account that is named."""
        offer = self.map.offer
        if argument in self.session.fleet.accounts:
            self.describe_account(argument)
        elif offer is not None:
            self.app.push_screen(dialogs.ReaderDialog(f"{offer.gpu_model} in {offer.ref.account}", describe(offer)))
