"""Commands for the stock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gputui.analytics.stock import cheapest_first, has_idle
from gputui.commands import Command, Condition, Group
from gputui.models import Offer, Resource
from gputui.presentation.columns.lists import columns_of
from gputui.presentation.offers import idle_words, where
from gputui.screens import dialogs
from gputui.screens.base.fleet_context import FleetContext
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.command_set import in_worker
from gputui.screens.commands.create import CreateCommands
from gputui.screens.commands.save import SaveCommands
from gputui.screens.detail import describe
from gputui.screens.stock.captions import (
    SINGLE_CARDS,
    empty_cell_text,
    holder_choices,
)
from gputui.widgets.heatmap.grid import Grid, SortKey

if TYPE_CHECKING:
    from gputui.screens.stock.view import StockView

NO_PRESET = "*"
_LARGEST_FIRST = frozenset({SortKey.MEMORY, SortKey.IDLE})


class StockCommands(SaveCommands, CreateCommands):
    """Show who has a GPU model, create there, describe and watch offers, limit the map."""

    view: StockView

    def conditions(self) -> Iterable[Condition]:
        """The places of a model are shown wherever the cursor is."""
        yield from super().conditions()
        yield Condition.CONTENT
        if self.view.map.position is not None:
            yield Condition.OPEN

    def refusal(self, command: Command) -> str:
        """Return that there is no offer in the cell under the cursor, which every row command needs."""
        position = self.view.map.position
        if command.group is not Group.ROW or position is None or self.view.map.offer is not None:
            return super().refusal(command)
        return empty_cell_text(self.view.map.grid, *position)

    def do_save(self, argument: str) -> None:
        """Write the offers shown to a file."""
        self.save(columns_of(Resource.STOCK, FleetContext(self.session)), list(self.view.map.grid.cells.values()))

    def do_open(self, argument: str) -> None:
        """Show the places that have the model under the cursor; enter on one creates there."""
        if (position := self.view.map.position) is not None:
            self._who_has(position[0], self.view.map.offer)

    @in_worker("dialog")
    async def _who_has(self, model: str, here: Offer | None) -> None:
        everywhere = Grid(self.view.offered()).cells.items()
        found = [offer for (row, _), offer in everywhere if model in (row, offer.gpu_model) and has_idle(offer)]
        holders = cheapest_first(found, self.view.paid, self.view.own)
        if not holders:
            watch = (
                f" {self.session.key_of('watch')} notifies you when that changes here." if here is not None else ""
            )
            self.view.notify(f"No place has {model} idle now.{watch}")
            return
        old = {offer.ref for offer in holders if offer.problem or self.session.fleet.is_stale(offer)}
        selected = here if here in holders else holders[0]
        enter = "create there" if self.view.creatable() else "describe it"
        caveat = "" if all(map(self.view.is_one_machine, holders)) else SINGLE_CARDS
        chosen = await self.app.push_screen_wait(
            dialogs.MenuDialog(
                f"Where {model} is available",
                holder_choices(
                    holders,
                    self.view.trends.news,
                    self.view.paid,
                    old=old,
                    own=self.view.own,
                    account_style=self.session.account_style,
                ),
                note=caveat,
                enter=enter,
                selected=str(selected.ref),
            )
        )
        offer = next((offer for offer in holders if str(offer.ref) == chosen), None)
        if offer is not None:
            self._create_from(offer)

    def _create_from(self, offer: Offer) -> None:
        """Create where an offer is, with what is known of it filled in; describe it where that cannot be."""
        if offer.ref.account not in self.view.creatable():
            self._describe_offer(offer)
            return
        from gputui.presentation.forms import prefill_from_offer

        self.create([offer.ref.account], prefill_from_offer(offer))

    def do_new(self, argument: str) -> None:
        """Create where the cursor is."""
        offer = self.view.map.offer
        if not argument and offer is not None and offer.ref.account in self.view.creatable():
            self._create_from(offer)
        else:
            super().do_new(argument)

    def do_describe(self, argument: str) -> None:
        """Describe the offer, or the account that is named."""
        if argument in self.session.fleet.accounts:
            AccountCommands(self.view).describe_account(argument)
        elif self.view.map.offer is not None:
            self._describe_offer(self.view.map.offer)

    def _describe_offer(self, offer: Offer) -> None:
        self.app.push_screen(
            dialogs.ReaderDialog(f"{offer.gpu_model} in {where(offer)}", describe(offer, FleetContext(self.session)))
        )

    def do_odds(self, argument: str) -> None:
        """Show the past of the offer under the cursor, and the odds."""
        if (offer := self.view.map.offer) is not None:
            self.session.navigator.go("odds", scope=offer.ref)

    # --- notifications --------------------------------------------------------------------------------------------

    def do_watch(self, argument: str) -> None:
        """Make a rule about the offer under the cursor; without an agent, notify in this program."""
        offer = self.view.map.offer
        if offer is None:
            return
        if self.session.rules.folder is None or offer.problem or not offer.gpu_model:
            self.do_watch_here(argument)
        else:
            self._ask_for_rule(offer)

    @in_worker("dialog")
    async def _ask_for_rule(self, offer: Offer) -> None:
        from gputui.screens.stock.watching import ask_for_rule

        if await ask_for_rule(self.view, offer):
            self.do_watch_here("")

    def do_watch_here(self, argument: str) -> None:
        """Notify in this program when GPUs become idle in the cell under the cursor, or stop that."""
        offer = self.view.map.offer
        if offer is None:
            return
        if offer.ref in self.session.stock_notifications.refs:
            self.session.stock_notifications.remove(offer.ref)
            self.view.catch_up()
            self.view.notify(f"{offer.gpu_model} in {where(offer)}: will no longer notify.", severity="information")
        elif offer.idle is None:
            self._watch(offer, 1)
        else:
            self._ask_for_how_many(offer)

    @in_worker("dialog")
    async def _ask_for_how_many(self, offer: Offer) -> None:
        idle = offer.idle or 0
        typed = await self.app.push_screen_wait(
            dialogs.PromptDialog(
                f"Notify me when at least this many {offer.gpu_model} are idle in {where(offer)}",
                value=str(min(idle + 1, offer.total or idle + 1)),
                check=lambda text: _not_a_number(text, offer.total),
                note=f"{idle_words(offer)} now. The notification appears in every view.",
            )
        )
        if typed is not None:
            self._watch(offer, int(typed))

    def _watch(self, offer: Offer, at_least: int) -> None:
        self.session.stock_notifications.add(offer, at_least)
        self.view.catch_up()
        what = "some are available" if offer.idle is None else f"{at_least} are idle"
        again = " again (available now)" if has_idle(offer, at_least) else ""
        text = f"{offer.gpu_model} in {where(offer)}: will notify when {what}{again}."
        self.view.notify(text, severity="information")

    # --- order and limits -----------------------------------------------------------------------------------------

    def do_sort_next(self, argument: str) -> None:
        """Sort by the figure to the right."""
        self._sort(1)

    def do_sort_previous(self, argument: str) -> None:
        """Sort by the figure to the left."""
        self._sort(-1)

    def do_sort_invert(self, argument: str) -> None:
        """Reverse the order."""
        self.view.rearrange(descending=not self.view.arrangement.descending)

    def _sort(self, by: int) -> None:
        keys = list(SortKey)
        key = keys[(keys.index(self.view.arrangement.sort) + by) % len(keys)]
        self.view.rearrange(sort=key, descending=key in _LARGEST_FIRST)

    def do_problems(self, argument: str) -> None:
        """Leave out the models and places with nothing idle, or show them again."""
        self.view.rearrange(only_idle=not self.view.arrangement.only_idle)

    def do_regions(self, argument: str) -> None:
        """Show the regions of a preset only."""
        presets = self.session.region_presets
        if argument in presets or argument in ("all", NO_PRESET):
            self.view.limit(argument if argument in presets else "")
        elif not presets:
            self.view.notify('No presets of regions: write them in config.toml, [ui.regions], as asia = ["sgp1", …].')
        elif argument:
            self.view.notify(f"No regions {argument}. There are {', '.join(presets)}.")
        else:
            self._choose_regions()

    @in_worker("dialog")
    async def _choose_regions(self) -> None:
        choices = [dialogs.Choice(NO_PRESET, "all regions", "0")]
        for number, (name, regions) in enumerate(self.session.region_presets.items(), 1):
            choices.append(dialogs.Choice(name, name, str(number), ", ".join(regions)))
        chosen = await self.app.push_screen_wait(
            dialogs.MenuDialog("Show the regions", choices, selected=self.view.preset or NO_PRESET)
        )
        if chosen:
            self.do_regions(chosen)


def _not_a_number(text: str, total: int | None) -> str:
    """Return the problem of a number of GPUs to wait for; '' for none."""
    if not (text.strip().isdecimal() and int(text) > 0):
        return "Type how many, 1 or more."
    if total is not None and int(text) > total:
        return f"There are {total}."
    return ""
