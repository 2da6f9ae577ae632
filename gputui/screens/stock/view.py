"""The stock: which GPUs can be had where, over all accounts."""

from __future__ import annotations

from textual import on, work

from gputui.models import Offer
from gputui.screens import dialogs
from gputui.screens.detail.describe import describe
from gputui.screens.stock.captions import SINGLE_CARDS, cheapest_first, holder_choices, idle_words, where
from gputui.screens.stock.map_view import StockMapView
from gputui.screens.stock.watches import has_idle
from gputui.widgets.heatmap.grid import Grid
from gputui.widgets.heatmap.heatmap import Heatmap


class StockView(StockMapView):
    """``1``: the heatmap. Enter tells who has a model, from there one creates; ``w`` waits for idle GPUs."""

    @on(Heatmap.Opened)
    def _opened(self) -> None:
        self.do_open("")

    def do_open(self, argument: str) -> None:
        """Tell who has the model under the cursor; from there one creates."""
        if (position := self.map.position) is not None:
            self._who_has(position[0], self.map.offer)

    @work(group="dialog", exit_on_error=False)
    async def _who_has(self, model: str, here: Offer | None) -> None:
        everywhere = Grid(self.offered()).cells.items()
        found = [offer for (row, _), offer in everywhere if model in (row, offer.gpu_model) and has_idle(offer)]
        holders = cheapest_first(found, self.paid)
        if not holders:
            watch = " w tells when that changes here." if here is not None else ""
            self.notify(f"No place has {model} idle now.{watch}")
            return
        old = {offer.ref for offer in holders if offer.problem or self.session.fleet.is_stale(offer)}
        selected = here if here in holders else holders[0]
        can_create = self.creatable()
        note = "enter to create there, esc to cancel" if can_create else "enter to describe it, esc to cancel"
        caveat = "" if all(map(self.is_one_machine, holders)) else f"\n{SINGLE_CARDS}"
        chosen = await self.app.push_screen_wait(
            dialogs.MenuDialog(
                f"Who has {model}",
                holder_choices(holders, self.news, self.paid, old=old),
                note=f"{note}{caveat}",
                selected=str(selected.ref),
            )
        )
        offer = next((offer for offer in holders if str(offer.ref) == chosen), None)
        if offer is not None:
            self._create_from(offer)

    def _create_from(self, offer: Offer) -> None:
        """Create where an offer is, with what is known of it filled in; describe it where that cannot be."""
        if offer.ref.account not in self.creatable():
            self._describe_offer(offer)
            return
        from gputui.presentation.placing import values_for

        self._create([offer.ref.account], values_for(offer))

    def do_new(self, argument: str) -> None:
        """Create where the cursor is."""
        offer = self.map.offer
        if not argument and offer is not None and offer.ref.account in self.creatable():
            self._create_from(offer)
        else:
            super().do_new(argument)

    def do_describe(self, argument: str) -> None:
        """Describe the offer, or the account that is named."""
        if argument in self.session.fleet.accounts:
            self.describe_account(argument)
        elif self.map.offer is not None:
            self._describe_offer(self.map.offer)

    def _describe_offer(self, offer: Offer) -> None:
        self.app.push_screen(dialogs.ReaderDialog(f"{offer.gpu_model} in {where(offer)}", describe(offer)))

    # --- watching --------------------------------------------------------------------------------------------

    def do_watch(self, argument: str) -> None:
        """Tell when GPUs become idle in the cell under the cursor, or stop telling."""
        offer = self.map.offer
        if offer is None:
            return
        if offer.ref in self.watches.refs:
            self.watches.remove(offer.ref)
            self.catch_up()
            self.notify(f"{offer.gpu_model} in {where(offer)} is not watched any more.", severity="information")
        elif offer.idle is None:
            self._watch(offer, 1)
        else:
            self._ask_for_how_many(offer)

    @work(group="dialog", exit_on_error=False)
    async def _ask_for_how_many(self, offer: Offer) -> None:
        idle = offer.idle or 0
        typed = await self.app.push_screen_wait(
            dialogs.PromptDialog(
                f"Tell when this many {offer.gpu_model} are idle in {where(offer)}",
                value=str(min(idle + 1, offer.total or idle + 1)),
                check=lambda text: _not_a_number(text, offer.total),
                note=f"Now {idle_words(offer)}. It is told in every view. enter to go on, esc to cancel",
            )
        )
        if typed is not None:
            self._watch(offer, int(typed))

    def _watch(self, offer: Offer, at_least: int) -> None:
        self.watches.add(offer, at_least)
        self.catch_up()
        what = "some are available" if offer.idle is None else f"{at_least} are idle"
        again = " again: they are now" if has_idle(offer, at_least) else ""
        self.notify(f"{offer.gpu_model} in {where(offer)}: told when {what}{again}.", severity="information")

    def tell_idle(self, offer: Offer) -> None:
        """Say that GPUs which were waited for are idle, whatever is in front."""
        self.app.notify(
            f"{where(offer)}: {idle_words(offer)}.", title=f"{offer.gpu_model} idle", markup=False, timeout=30
        )
        self.app.bell()


def _not_a_number(text: str, total: int | None) -> str:
    """Say what is wrong with a number of GPUs to wait for; '' when nothing is."""
    if not (text.strip().isdecimal() and int(text) > 0):
        return "Type how many, 1 or more."
    if total is not None and int(text) > total:
        return f"There are {total}."
    return ""
