"""Waits for idle GPUs of a model, in some places and up to a price. A count or price that is unknown does not fit."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from gputui.analytics.stock import Paid, cheapest_first, has_idle, paid_prices, price_of
from gputui.cli import session
from gputui.cli.waits.goals import Look, Outcome, is_final
from gputui.errors import ConfigError, GputuiError, NotFoundError
from gputui.formatting import format_money
from gputui.late_dataclasses import dataclass
from gputui.models import FeedState, Instance, Offer, Resource
from gputui.models.gpu_names import gpu_label, gpu_matches

if TYPE_CHECKING:
    from gputui.fleet import Fleet

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """Idle GPUs of a ``model`` in one region of an account; ``price`` is the highest of one GPU an hour.

    ``regions`` '' for all. ``appear``: a model or region that no account lists is waited for.
    """

    model: str
    count: int = 1
    regions: tuple[str, ...] = ()
    price: Decimal | None = None
    appear: bool = False

    @property
    def words(self) -> str:
        """It in words."""
        price = f" at {self.price:f}/h each or less" if self.price is not None else ""
        where = f" in {' or '.join(self.regions)}" if self.regions else ""
        return f"{self.count} idle {gpu_label(self.model)}{where}{price}"


class StockWait:
    """Looks at the stock of all accounts of a fleet, which polls. ``named`` are the accounts that the user named."""

    def __init__(self, fleet: Fleet, wanted: Wanted, named: Sequence[str]) -> None:
        self._fleet = fleet
        self._wanted = wanted
        self._named = named

    async def look(self) -> list[Look]:
        """Look at the stock. Raises ConfigError or NotFoundError for a model or a region that no account has."""
        fleet, wanted = self._fleet, self._wanted
        listing = await session.read(fleet, [Resource.STOCK, *([Resource.INSTANCES] if wanted.price else [])])
        offering = [name for name in fleet.accounts if fleet.runtime(name).lists(Resource.STOCK)]
        failures = self._failures(offering)
        if not offering and not failures:
            raise ConfigError(f"{', '.join(fleet.accounts)}: the server has no {Resource.STOCK.words}.")
        read = [name for name in offering if fleet.feed(name, Resource.STOCK).state is FeedState.FRESH]
        offers = [row for row in listing.rows if isinstance(row, Offer) and row.ref.account in read]
        whole = len(read) == len(offering) and not failures and not any(offer.problem for offer in offers)
        there = self._there(offers, whole=whole)
        self._check_currencies(there)
        paid = paid_prices(row for row in listing.rows if isinstance(row, Instance))
        own = {name for name in offering if self._is_own(name)}
        fitting = [offer for offer in there if self._fits(offer, paid, own)]
        if fitting:
            ordered = tuple(cheapest_first(fitting, paid, own))
            return [Look(wanted.words, Outcome.REACHED, "; ".join(map(_place, ordered[:_SHOWN])), ordered)]
        unread = [offer for offer in offers if offer.problem and (offer in there or not offer.gpu_model)]
        return [self._not_yet(there, unread, paid, own, failures)]

    def _is_own(self, account: str) -> bool:
        opened = self._fleet.runtime(account).opened
        return opened is not None and opened.own_machines

    def _failures(self, offering: Sequence[str]) -> dict[str, GputuiError]:
        """Return why accounts cannot be read; final failures of accounts that were not named are no concern."""
        fleet, failed = self._fleet, dict[str, GputuiError]()
        for name in fleet.accounts:
            error = fleet.runtime(name).open_error
            if error is None and name in offering:
                feed = fleet.feed(name, Resource.STOCK)
                error = feed.error or feed.lacking
            if error is not None:
                failed[name] = error
        others = {name: error for name, error in failed.items() if name in self._named or not is_final(error)}
        return failed if len(failed) == len(fleet.accounts) else others

    def _there(self, offers: Sequence[Offer], *, whole: bool) -> list[Offer]:
        """Return the offers of the model in the places; ``whole``: what is not among all is not offered at all."""
        wanted = self._wanted
        models = dict.fromkeys(offer.gpu_model for offer in offers if offer.gpu_model)
        of_model = [offer for offer in offers if offer.gpu_model and gpu_matches(offer.gpu_model, wanted.model)]
        known = {name for offer in offers for name in (offer.region, offer.region_name) if name}
        if whole and not wanted.appear:
            if missing := [region for region in wanted.regions if not any(_same(region, name) for name in known)]:
                raise ConfigError(
                    f"No account has a region {missing[0]!r}.", hint=f"They have: {', '.join(sorted(known))}."
                )
            if not of_model:
                near = difflib.get_close_matches(gpu_label(wanted.model), models, n=5, cutoff=0.4) or list(models)
                hint = f"Near: {', '.join(near[:_SHOWN])}. --appear waits for one that is not offered yet."
                raise NotFoundError(f"No account offers {wanted.model!r}.", hint=hint)
        return [
            offer
            for offer in of_model
            if not wanted.regions
            or any(_same(region, name) for region in wanted.regions for name in (offer.region, offer.region_name))
        ]

    def _check_currencies(self, offers: Sequence[Offer]) -> None:
        if self._wanted.price is None:
            return
        accounts = {offer.ref.account for offer in offers if not self._is_own(offer.ref.account)}
        currencies = {self._fleet.runtime(name).config.currency for name in accounts}
        if len(currencies) > 1:
            raise ConfigError(
                f"--price has no currency, and these accounts have {' and '.join(sorted(currencies))}.",
                hint="Choose accounts of one currency with -A.",
            )

    def _fits(self, offer: Offer, paid: Paid, own: Collection[str]) -> bool:
        wanted = self._wanted
        if offer.problem or not has_idle(offer, wanted.count) or (offer.idle is None and wanted.count > 1):
            return False
        if wanted.price is None:
            return True
        price = price_of(offer, paid)
        if price is None:
            return offer.ref.account in own  # one's own machines cost nothing
        return not price.estimated and price.amount <= wanted.price

    def _not_yet(
        self,
        there: Sequence[Offer],
        unread: Sequence[Offer],
        paid: Paid,
        own: Collection[str],
        failures: Mapping[str, GputuiError],
    ) -> Look:
        """Return why nothing fits. What could not be read, ``unread`` of it regions of an account, may have it."""
        wanted = self._wanted
        uncounted = any(offer.idle is None and offer.available for offer in there) and wanted.count > 1
        idle = [offer for offer in there if not offer.problem and has_idle(offer, wanted.count)]
        prices = [(one, price_of(one, paid)) for one in idle]
        unpriced = [one for one, price in prices if price is None and one.ref.account not in own]
        unsure = [one for one, price in prices if price is not None and price.estimated]
        parts = [f"{sum(offer.idle or 0 for offer in there)} idle in all" if there else "none offered"]
        if wanted.price is not None and idle:
            least = [price for _, price in prices if price is not None]
            if least:
                parts.append(f"idle from {format_money(min(least, key=lambda money: money.amount))}/h")
            if unpriced:
                parts.append("the price of some is unknown")
            if unsure:
                parts.append("the price of some is an estimate (~)")
        if uncounted:
            parts.append("some are available, their number is unknown")
        parts += [f"{name}: {error.message}" for name, error in failures.items()]
        parts += [f"{offer.ref.account} {offer.region}: {offer.problem}" for offer in unread]
        if failures and len(failures) == len(self._fleet.accounts) and all(map(is_final, failures.values())):
            return Look(wanted.words, Outcome.NEVER, "; ".join(parts), tuple(there), next(iter(failures.values())))
        blind = bool(failures or unread or uncounted or ((unpriced or unsure) and wanted.price is not None))
        outcome = Outcome.UNREADABLE if blind else Outcome.NOT_YET
        return Look(wanted.words, outcome, "; ".join(parts), tuple(there), moves=True)


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _place(offer: Offer) -> str:
    count = "available" if offer.idle is None else f"{offer.idle} idle"
    return f"{offer.ref.account} {offer.region or '-'}: {count}"
