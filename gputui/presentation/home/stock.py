"""Watched stock on the home view: the offers that a notification was asked for, and what is idle there now."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gputui.formatting import format_money
from gputui.late_dataclasses import dataclass
from gputui.models import Offer, Ref
from gputui.presentation.home.lines import HomeLine, HomeSection, Opens, Section, in_order
from gputui.presentation.offers import idle_words


@dataclass(frozen=True, slots=True)
class Watched:
    """An offer that is watched, None while its list was not read, and whether ``at_least`` so many are idle."""

    ref: Ref
    at_least: int
    offer: Offer | None
    enough: bool = False


def watched_stock(
    watched: Iterable[Watched], is_stale: Callable[[Ref], bool], *, key: str, rules: Iterable[HomeLine] = ()
) -> HomeSection:
    """Return a line for each watched offer, those with enough first, then the ``rules`` that wait for stock.

    ``key`` is what watches an offer in Stock.
    """
    lines = [*(_line(each, stale=is_stale(each.ref)) for each in watched), *rules]
    quiet = f"No stock is watched ({key} in Stock)."
    return HomeSection(Section.WATCHED, in_order(lines), more=Opens("stock", typed=""), quiet=quiet)


def _line(watch: Watched, *, stale: bool) -> HomeLine:
    offer, ref = watch.offer, watch.ref
    region, _, model = ref.id.rpartition("/")
    if offer is None:
        text, price = "not read yet", ""
    else:
        region, model = offer.region_name or offer.region, offer.gpu_model
        problem = ", refresh failed" if offer.problem else ""
        wanted = f", notifies from {watch.at_least}" if watch.at_least > 1 else ""
        text = f"{idle_words(offer)}{wanted}{problem}"
        price = format_money(offer.price_from) if offer.price_from else ""
    place = f"{region}: " if region and region != ref.account else ""
    return HomeLine(
        section=Section.WATCHED,
        name=model or ref.id,
        account=ref.account,
        about=ref,
        opens=Opens("stock", select=ref),
        glyph="●" if watch.enough else "○",
        style="good" if watch.enough else "muted",
        text=f"{place}{text}",
        loud=watch.enough,
        price=price,
        stale=stale,
        rank=(not watch.enough, 0),
    )
