"""Captions of the stock: of the cell under the cursor, the signs in the map, and the places of a model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from textual.content import Content

from gputui.analytics.stock import Paid, price_of
from gputui.analytics.stock_trends import arrow, sparkline
from gputui.formatting import format_money
from gputui.models import Offer, Ref
from gputui.presentation.offers import idle_words, place_name, where
from gputui.screens import dialogs
from gputui.widgets.heatmap.grid import (
    AVAILABLE,
    FAILED,
    NONE_IDLE,
    NOT_OFFERED,
    OLD,
    WATCHED,
    YOURS,
    Grid,
    Place,
)

SINGLE_CARDS = "single GPUs, possibly on different machines"
GAP = "   "


def price_words(offer: Offer, paid: Paid, own: Collection[str] = ()) -> str:
    """Return the price of one GPU an hour, in words. ``own`` are accounts of one's own machines."""
    if offer.ref.account in own:
        stated = offer.price_from if offer.price_from is not None and offer.price_from.amount else None
        return f"{YOURS}, {format_money(stated)}/h" if stated else f"{YOURS}, free"
    if offer.price_from is not None:
        return f"from {format_money(offer.price_from)}/h" if offer.price_from.amount else "free"
    price = price_of(offer, paid)
    return f"you pay {format_money(price)}/h" if price else "price unknown"


def cell_line(offer: Offer, paid: Paid, *, watched: bool, own: Collection[str] = ()) -> Content:
    """Return the line that describes a cell."""
    name = f"{offer.gpu_model} · {where(offer)}"
    parts = [name, idle_words(offer), price_words(offer, paid, own), "notification set" if watched else ""]
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


def past_line(
    offer: Offer, series: Sequence[int | None], *, one_machine: bool, roomy: bool, odds: str = ""
) -> Content:
    """Return the quiet line under it: the last day, the ``odds``, and what the figures do not promise.

    In ``one_machine`` there is no such warning; ``roomy``: there is room for more words.
    """
    parts = []
    if series:
        most = f", {max(value or 0 for value in series)} at most" if roomy else ""
        parts.append(f"last 24 h {sparkline(series)} now{most}")
    if odds:
        parts.append(odds)
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


def holder_choices(
    offers: Sequence[Offer],
    news: Mapping[Ref, int],
    paid: Paid,
    *,
    old: Collection[Ref],
    own: Collection[str] = (),
    account_style: Callable[[str], str] = lambda account: "",
) -> list[dialogs.Choice]:
    """Return the lines of the menu with the places of a model, figures under figures; ``old`` ones are marked.

    ``account_style`` returns the style of an account's name.
    """
    figures = [
        AVAILABLE if offer.idle is None else f"{offer.idle}" + ("" if offer.total is None else f"/{offer.total}")
        for offer in offers
    ]
    prices = [price_words(offer, paid, own) for offer in offers]
    wide, long = max(map(len, figures), default=0), max(map(len, prices), default=0)
    choices = []
    for offer, figure, price in zip(offers, figures, prices, strict=True):
        parts = [
            f"{figure:>{wide}}",
            f"{price:<{long}}" if long else "",
            f"{OLD} old" if offer.ref in old else arrow(news.get(offer.ref, 0)),
        ]
        note = GAP.join(part for part in parts if part)
        style = account_style(offer.ref.account)
        choices.append(dialogs.Choice(str(offer.ref), where(offer), note=note, style=style))
    return choices
