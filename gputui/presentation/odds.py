"""The odds of the stock in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from gputui.analytics.obtained import Obtained
from gputui.analytics.place_odds import PlaceOdds
from gputui.analytics.stock_odds import FEW_HOURS, Chance, Odds, Slot, Wait, slot_text
from gputui.formatting import counted, format_minutes, format_money
from gputui.presentation.prices import UNKNOWN

FEW = "?"
"""The mark of a chance from few hours."""


def percent(chance: Chance) -> str:
    """Write a chance: ``72 %``, ``<1 %``, ``72 % ?`` from few hours; ``?`` where it is unknown."""
    share = chance.share
    if share is None:
        return UNKNOWN
    number = round(share * 100)
    if share > 0 and number == 0:
        text = "<1 %"
    elif share < 1 and number == 100:
        text = ">99 %"
    else:
        text = f"{number} %"
    return f"{text} {FEW}" if chance.is_thin else text


def observed(chance: Chance) -> str:
    """Write how long was observed: ``41h 10m``; '' for none."""
    minutes = int(chance.observed // 60)
    return format_minutes(minutes) if minutes else "<1m" if chance.observed else ""


def chance_words(chance: Chance) -> str:
    """Write a chance with what it is from: ``72 % of 3h 10m observed in 4 hours``."""
    if chance.share is None:
        if chance.uncounted:
            return "unknown: available without a number"
        return "never observed"
    return f"{percent(chance)} of {observed(chance)} observed in {_hours(chance)}"


def _hours(chance: Chance) -> str:
    return counted(chance.hours, "hour")


def count_words(count: int) -> str:
    """Write the number that the odds are of: ``4 or more idle``."""
    return f"{count} or more idle"


def slot_words(slot: Slot) -> str:
    """Write an hour of the week with its end: ``Mon 14:00–15:00``."""
    return f"{slot_text(slot)}–{(slot[1] + 1) % 24:02}:00"


def stamp(at: datetime, zone: tzinfo | None) -> str:
    """Write a time to the minute with its day: ``Sun 2026-11-22 03:00``."""
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M}"


def wait_words(wait: Wait, zone: tzinfo | None) -> str:
    """Write a wait: ``14h from Sun 2026-11-22 03:00``, ``at least 14h …`` where it may have been longer."""
    hours = format_minutes(int(wait.length.total_seconds()) // 60)
    return f"{'at least ' if wait.open else ''}{hours} from {stamp(wait.begin, zone)}"


def cheapest_words(odds: Odds) -> str:
    """Write the cheapest hour of the day: ``03:00–04:00 at $0.70/h, other hours up to $0.90/h``.

    '' where no price is known.
    """
    if not odds.prices:
        return ""
    cheapest = odds.cheapest
    if cheapest is None:
        return f"no hour is cheaper: {format_money(odds.prices[0].price)}/h in all observed"
    same = [one.hour for one in odds.prices if one.price == cheapest.price]
    more = f" and {counted(len(same) - 1, 'hour')} more" if len(same) > 1 else ""
    most = max(odds.prices, key=lambda one: one.price.amount).price
    text = f"{cheapest.hour:02}:00–{(cheapest.hour + 1) % 24:02}:00{more} at {format_money(cheapest.price)}/h"
    return f"{text}, other hours up to {format_money(most)}/h"


def obtained_words(obtained: Obtained, count: int) -> str:
    """Write what creates obtained: ``5 of 7 accepted, 2 refused for lack of stock, 1 of them while …``."""
    if not obtained.requests:
        return ""
    text = f"{obtained.accepted} of {counted(obtained.requests, 'create')} accepted"
    if not obtained.refused:
        return text
    text += f", {obtained.refused} refused for lack of stock"
    if obtained.idle:
        text += f", {obtained.idle} of them while {count} or more were shown idle"
    if obtained.unknown:
        text += f", {obtained.unknown} of them while the stock was not observed"
    return text


def summary(found: PlaceOdds) -> Iterator[tuple[str, str]]:
    """Yield the facts with their names, in their order; those that are not known are left out."""
    odds, zone = found.odds, found.zone
    if odds.since is not None and odds.until is not None:
        yield "now", f"{slot_words(found.slot)}: {chance_words(found.now)}"
        yield "all", f"{chance_words(odds.total)} since {stamp(odds.since, zone)}"
    if odds.best is not None:
        slot, chance = odds.best
        yield "best", f"{slot_words(slot)}: {chance_words(chance)}"
    if odds.waits:
        yield "waits", ", ".join(wait_words(wait, zone) for wait in odds.waits[:2])
    if text := cheapest_words(odds):
        yield "price", text
    if text := obtained_words(found.obtained, odds.count):
        yield "creates", text


def zone_name(zone: tzinfo | None) -> str:
    """Name the time zone of hours: ``UTC``, ``local time``."""
    return "UTC" if zone is UTC else "local time"


FEW_NOTE = f"{FEW}: observed in fewer than {FEW_HOURS} hours"
