"""Stock as a rule sees it: the offers that it is about, what is enough, and what a candidate costs now. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from gputui.formatting import counted, format_money
from gputui.models import Instance, Money, Offer, Phase, gpu_matches
from gputui.models.rules import Candidate, Watch
from gputui.rules.effects import Chance, Idle

Paid = Mapping[tuple[str, str, str], Money]
"""The price of one GPU an hour in running instances, by account, region and model."""


def is_about(watch: Watch, offer: Offer) -> bool:
    """Return whether a watch is about an offer, or a candidate of its grab is."""
    if watch.grab is not None:
        return any(_fits(candidate, offer) for candidate in watch.grab.candidates)
    if watch.accounts and offer.ref.account not in watch.accounts:
        return False
    if watch.regions and not {offer.region, offer.region_name} & set(watch.regions):
        return False
    return bool(offer.gpu_model) and (
        not watch.models or any(gpu_matches(offer.gpu_model, model) for model in watch.models)
    )


def _fits(candidate: Candidate, offer: Offer) -> bool:
    """Return whether a candidate depends on an offer."""
    if candidate.account != offer.ref.account or not candidate.models:
        return False
    if not {offer.gpu_model, offer.vendor_name, offer.type_id} & set(candidate.models):
        return False
    return not candidate.regions or offer.region in candidate.regions


def price_of(offer: Offer, paid: Paid) -> Money | None:
    """Return the price of one GPU an hour: as offered, else as it is paid there now, else elsewhere in the account.

    None where it is unknown.
    """
    account, model = offer.ref.account, offer.gpu_model
    if (price := offer.price_from or paid.get((account, offer.region, model))) is not None:
        return price
    elsewhere = [price for (name, _, label), price in paid.items() if (name, label) == (account, model)]
    return min(elsewhere, key=lambda one: one.amount, default=None)


def why_not_idle(watch: Watch, offer: Offer, need: int, own: Collection[str]) -> str:
    """Return why not enough of an offer is idle; '' where it is. ``own`` are the accounts that list machines."""
    place = f"{offer.ref.account} {offer.region_name or offer.region}"
    if offer.idle is None:
        if not offer.available:
            return f"{place}: no {offer.gpu_model} is available."
        if watch.count > 1:
            return f"{offer.ref.account} does not say how many are idle: only a watch of 1 finds any."
    elif offer.idle < need:
        return f"{place}: {offer.idle} of {need} {offer.gpu_model} are idle."
    if watch.on_one_machine is None:
        return ""
    if offer.ref.account not in own or offer.idle is None:
        return f"{offer.ref.account} does not say how many GPUs are idle on one machine."
    if offer.idle < watch.on_one_machine:
        return f"{place}: {offer.idle} of {watch.on_one_machine} {offer.gpu_model} are idle on one machine."
    return ""


def idle_of(watch: Watch, offers: Iterable[Offer], paid: Paid, own: Collection[str]) -> Sequence[Idle]:
    """Return what is idle of the offers that a watch is about, each as far as its price is acceptable."""
    found = []
    for offer in offers:
        why = why_not_idle(watch, offer, watch.count, own)
        price = Money(_ZERO, "") if offer.ref.account in own else price_of(offer, paid)
        if not why and offer.ref.account not in own and not _is_within(price, watch.price_limit):
            why = f"{offer.ref.account}: the price is above the limit, or not known."
        found.append(Idle(offer.ref, not why, "" if why else _words(offer, price)))
    return found


def _is_within(price: Money | None, limit: Money | None) -> bool:
    """Return whether a price is known to be at most the limit: one of another currency is not."""
    if limit is None:
        return True
    return price is not None and price.currency == limit.currency and price.amount <= limit.amount


def _words(offer: Offer, price: Money | None) -> str:
    count = "Some" if offer.idle is None else f"{offer.idle:,}"
    place = f"{offer.ref.account} {offer.region_name or offer.region}"
    cost = f", from {format_money(price)}/h" if price is not None and price.currency else ""
    return f"{count} {offer.gpu_model} idle in {place}{cost}."


def chances_of(
    watch: Watch,
    offers: Sequence[Offer],
    instances: Iterable[Instance],
    paid: Paid,
    *,
    own: Collection[str],
    fresh: Collection[str],
) -> Sequence[Chance]:
    """Return the candidates of a grab as the stock is now.

    ``offers`` are those of now, of the accounts in ``fresh``; ``instances`` those that may be started.
    """
    assert watch.grab is not None  # noqa: S101  (of grabs alone)
    rows = {row.ref: row for row in instances}
    currency = watch.grab.ceiling.currency
    found = []
    for number, candidate in enumerate(watch.grab.candidates):
        chance = _stock_chance(watch, number, candidate, offers, paid, own, fresh, currency)
        if candidate.start is not None:
            chance = _start_chance(chance, candidate, rows.get(candidate.start))
        found.append(chance)
    return found


def _stock_chance(
    watch: Watch,
    number: int,
    candidate: Candidate,
    offers: Sequence[Offer],
    paid: Paid,
    own: Collection[str],
    fresh: Collection[str],
    currency: str,
) -> Chance:
    account = candidate.account
    free = Money(_ZERO, currency) if account in own else None
    if not candidate.models:
        return Chance(number, free, None)
    if account not in fresh:
        return Chance(number, free, enough=False, why=f"The stock of {account} is not known now.")
    fitting = [offer for offer in offers if _fits(candidate, offer)]
    need = max(watch.count, candidate.gpus)
    reasons = {offer.ref: why_not_idle(watch, offer, need, own) for offer in fitting}
    enough = [offer for offer in fitting if not reasons[offer.ref]]
    prices = [price for offer in enough or fitting if (price := _price_of_one(candidate, offer, paid)) is not None]
    least = min(
        (price for price in prices if price.currency == currency), key=lambda price: price.amount, default=None
    )
    if least is None and prices:
        least = prices[0]
    price = free if free is not None else least
    why = next(iter(reasons.values()), f"{account} offers none of it now.")
    bounds = [offer.price_from for offer in enough or fitting if offer.price_from is not None]
    # A machine has one GPU at least.
    bound = min(bounds, key=lambda one: one.amount, default=None) if not candidate.gpus else None
    return Chance(number, price, bool(enough), "" if enough else why, price if bound is None else bound)


def _price_of_one(candidate: Candidate, offer: Offer, paid: Paid) -> Money | None:
    """Return the price of an hour of one instance; None where it is unknown."""
    if not candidate.gpus:
        return offer.machine_price
    price = price_of(offer, paid)
    return None if price is None else price.times(candidate.gpus)


def _start_chance(chance: Chance, candidate: Candidate, row: Instance | None) -> Chance:
    if row is None:
        return Chance(chance.candidate, None, enough=False, why=f"{candidate.name} is not in the list now.")
    price = row.price if row.price is not None else chance.price
    if row.phase not in {Phase.STOPPED, Phase.FAILED}:
        return Chance(chance.candidate, price, enough=False, why=f"{candidate.name} is {row.status or row.phase}.")
    return Chance(chance.candidate, price, chance.enough, chance.why)


def in_few_words(watch: Watch) -> str:
    """Return a rule in a few words."""
    models = ", ".join(watch.models) or "any GPU"
    where = ", ".join(watch.accounts)
    place = f" in {where}" if where else ""
    regions = f" ({', '.join(watch.regions)})" if watch.regions else ""
    if watch.grab is None:
        limit = f" for at most {format_money(watch.price_limit)}/h" if watch.price_limit is not None else ""
        return f"notify when {watch.count:,} × {models} idle{place}{regions}{limit}"
    grab = watch.grab
    things = dict.fromkeys(one.template or (one.name if one.start else one.kind) for one in grab.candidates)
    verb = "start" if any(one.start for one in grab.candidates) else "create"
    what = f"{verb} {grab.count:,} × {', '.join(things)}"
    accounts = ", ".join(dict.fromkeys(one.account for one in grab.candidates))
    on = f" on {models}" if watch.models else ""
    return f"{what} in {accounts}{on} for at most {format_money(grab.ceiling)}/h" + (
        f" ({counted(len(grab.candidates), 'candidate')})" if len(grab.candidates) > 1 else ""
    )


_ZERO = Decimal(0)
