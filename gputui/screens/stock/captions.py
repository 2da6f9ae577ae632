"""Captions of the stock: of the cell under the cursor, the signs in the map, and the places of a model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeAlias

from textual.content import Content

from gputui.analytics.prices import price_now
from gputui.analytics.stock_trends import arrow, sparkline
from gputui.formatting import counted, format_money
from gputui.models import Instance, Money, Offer, Ref
from gputui.screens import dialogs
from gputui.widgets.heatmap.grid import AVAILABLE, FAILED, NONE_IDLE, NOT_OFFERED, OLD, WATCHED, Grid, Place

SINGLE_CARDS = "single GPUs, possibly on different machines"
GAP = "   "

Paid: TypeAlias = Mapping[tuple[str, str, str], Money]
"""The price of one GPU an hour in running instances, by account, region and model."""


def place_name(account: str, region: str) -> str:
    """Return the name of a place: ``hub · sgp1``, and a host by its account alone."""
    return account if region == account else f"{account} · {region}"


def where(offer: Offer) -> str:
    """Return the name of the place an offer is in."""
    return place_name(offer.ref.account, offer.region)


def idle_words(offer: Offer) -> str:
    """Return how many are available: ``12 idle of 64 GPUs``."""
    if offer.idle is None:
        return "available" if offer.available else "not available now"
    if offer.total is None:
        return f"{offer.idle} idle"
    return f"{offer.idle} idle of {counted(offer.total, 'GPU')}"


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


def price_words(offer: Offer, paid: Paid) -> str:
    """Return the price of one GPU an hour, in words; '' when unknown."""
    if offer.price_from:
        return f"from {format_money(offer.price_from)}/h"
    price = price_of(offer, paid)
    return f"you pay {format_money(price)}/h" if price else ""


def cell_line(offer: Offer, paid: Paid, *, watched: bool) -> Content:
    """Return the line that describes a cell."""
    name = f"{offer.gpu_model} · {where(offer)}"
    parts = [name, idle_words(offer), price_words(offer, paid), "notification set" if watched else ""]
    line = Content.styled(GAP.join(part for part in parts if part), "bold")
    if offer.problem:
        line = Content.assemble(line, (f"{GAP}{OLD} refresh failed", "$text-error"))
    return line


def empty_cell_line(grid: Grid, model: str, place: Place) -> Content:
    """Return the line for a cell without an offer: nothing to have there, or not known."""
    name = Content.styled(f"{model} · {place_name(*place)}", "bold")
    if place in grid.failed:
        return Content.assemble(name, (f"{GAP}{FAILED} could not be read", "$text-error"))
    return Content.assemble(name, (f"{GAP}not offered here", "$muted"))


def empty_cell_text(grid: Grid, model: str, place: Place) -> str:
    """Return in a sentence that there is no offer in a cell: nothing to have there, or not known."""
    if place in grid.failed:
        return f"{place_name(*place)} could not be read: it is not known whether {model} is offered there."
    return f"{model} is not offered in {place_name(*place)}."


def problem_line(grid: Grid, place: Place) -> Content:
    """Return the reason why a place could not be read; empty where it was."""
    # The message may name the account itself, for readers of more than this line.
    return Content.styled(grid.failed.get(place, "").removeprefix(f"{place[0]}: "), "$text-error")


def past_line(offer: Offer, series: Sequence[int | None], *, one_machine: bool, roomy: bool) -> Content:
    """Return the quiet line under it: the last day, and what the figures do not promise.

    In ``one_machine`` there is no such warning; ``roomy``: there is room for more words.
    """
    parts = []
    if series:
        most = f", {max(value or 0 for value in series)} at most" if roomy else ""
        parts.append(f"last 24 h {sparkline(series)} now{most}")
    if offer.remark:
        parts.append(offer.remark)
    elif offer.idle is not None and offer.idle > 1 and not one_machine:
        parts.append(SINGLE_CARDS)
    return Content.styled(GAP.join(parts), "$muted")


def legend(grid: Grid, *, news: bool, watched: bool) -> Content:
    """Return the meaning of the signs in the map."""
    offers = grid.cells.values()
    uncounted = any(offer.idle is None and offer.available for offer in offers)
    old = any(figures.style == "stale" for figures in map(grid.figures, grid.cells))
    signs = [
        "idle/total",
        f"{NONE_IDLE} none idle",
        f"{NOT_OFFERED} not offered",
        f"{AVAILABLE} available" if uncounted else "",
        f"{OLD} old" if old else "",
        f"{FAILED} not read" if grid.failed else "",
        "↑↓ in 5 min" if news else "",
        f"{WATCHED} notification set" if watched else "",
    ]
    return Content("  ".join(sign for sign in signs if sign))


def cheapest_first(offers: Iterable[Offer], paid: Paid) -> list[Offer]:
    """Order by price, then the most idle; an unknown price comes last, and currencies stay apart."""

    def key(offer: Offer) -> tuple[bool, str, Decimal, int, Ref]:
        price = price_of(offer, paid)
        amount, currency = (price.amount, price.currency) if price else (Decimal(0), "")
        return price is None, currency, amount, -(offer.idle or 0), offer.ref

    return sorted(offers, key=key)


def holder_choices(
    offers: Sequence[Offer], news: Mapping[Ref, int], paid: Paid, *, old: Collection[Ref]
) -> list[dialogs.Choice]:
    """Return the lines of the menu with the places of a model, figures under figures; ``old`` ones are marked."""
    figures = [
        AVAILABLE if offer.idle is None else f"{offer.idle}" + ("" if offer.total is None else f"/{offer.total}")
        for offer in offers
    ]
    prices = [price_words(offer, paid) for offer in offers]
    if any(prices):
        prices = [price or "price unknown" for price in prices]
    wide, long = max(map(len, figures), default=0), max(map(len, prices), default=0)
    choices = []
    for offer, figure, price in zip(offers, figures, prices, strict=True):
        parts = [
            f"{figure:>{wide}}",
            f"{price:<{long}}" if long else "",
            f"{OLD} old" if offer.ref in old else arrow(news.get(offer.ref, 0)),
        ]
        note = GAP.join(part for part in parts if part)
        choices.append(dialogs.Choice(str(offer.ref), where(offer), note=note))
    return choices
