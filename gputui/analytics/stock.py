"""The meaning of offers: whether GPUs are idle, and the price of one an hour. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TypeAlias

from gputui.analytics.prices import price_key, price_now
from gputui.models import Instance, Money, Offer, Ref

Paid: TypeAlias = Mapping[tuple[str, str, str], Money]
"""The price of one GPU an hour in running instances, by account, region and model."""


def has_idle(offer: Offer, at_least: int = 1) -> bool:
    """Return whether so many are idle; where they are not counted, whether some are available."""
    return bool(offer.available) if offer.idle is None else offer.idle >= at_least


def may_have_idle(offer: Offer) -> bool:
    """Return whether some are idle, or that is not known."""
    return has_idle(offer) or (offer.idle is None and offer.available is None)


def idle_order(offers: Iterable[Offer]) -> float | None:
    """Return how many are idle, to sort by: available without a count is less than one; None when unknown."""
    offers = list(offers)
    if idle := sum(offer.idle or 0 for offer in offers):
        return idle
    if any(offer.idle is None and offer.available for offer in offers):
        return 0.5
    return None if any(map(may_have_idle, offers)) else 0


def paid_prices(instances: Iterable[Instance]) -> dict[tuple[str, str, str], Money]:
    """Return the least that a GPU costs an hour in the instances that run, by account, region and model.

    Back ends may have prices of what runs and none of what could.
    """
    found: dict[tuple[str, str, str], Money] = {}
    for row in instances:
        if not row.gpu_model or not row.gpu_count:
            continue
        if (price := price_now(row)) is None:
            continue
        one = replace(price, amount=price.amount / row.gpu_count)
        key = (row.ref.account, row.region or "", row.gpu_model)
        if one.amount and (key not in found or one.amount < found[key].amount):
            found[key] = one
    return found


def price_of(offer: Offer, paid: Paid) -> Money | None:
    """Return the price of one GPU an hour: as offered, else as it is paid there now; None when unknown."""
    return offer.price_from or paid.get((offer.ref.account, offer.region, offer.gpu_model))


def least_prices(offers: Iterable[Offer], prices: Mapping[Ref, Money]) -> list[Money]:
    """Return the least of the prices of these offers in each currency, by its letters.

    Those of the offers that have something idle; where none has, those of all.
    """
    offers = list(offers)
    least: dict[str, Money] = {}
    for offer in [one for one in offers if has_idle(one)] or offers:
        price = prices.get(offer.ref)
        if price is not None and (price.currency not in least or price.amount < least[price.currency].amount):
            least[price.currency] = price
    return [price for _, price in sorted(least.items())]


def cheapest_first(offers: Iterable[Offer], paid: Paid, own: Container[str] = ()) -> list[Offer]:
    """Order by price, then the most idle: what is free first, an unknown price last; currencies stay apart.

    The accounts in ``own`` are machines of one's own: without a stated price they are free.
    """

    def key(offer: Offer) -> tuple[bool, tuple[str, Decimal], int, Ref]:
        price = price_key(price_of(offer, paid))
        if price is None and offer.ref.account in own:
            price = "", Decimal(0)
        return price is None, price or ("", Decimal(0)), -(offer.idle or 0), offer.ref

    return sorted(offers, key=key)
