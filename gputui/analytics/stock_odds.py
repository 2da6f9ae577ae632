"""The odds of the stock, from the hours in which it was observed: chances, waits, prices. Pure.

A chance is the share of the observed time in which at least so many GPUs were idle. What was not observed is
unknown, not unlikely.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from statistics import median

from gputui.analytics.prices import price_key
from gputui.late_dataclasses import dataclass
from gputui.models import Money
from gputui.models.stock import AVAILABLE, StockHour

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS = 24
FEW_HOURS = 3
"""With less than so many hours observed a chance says little."""
_SECONDS = 3600.0
_MOSTLY = 1800
"""With less than so many seconds observed, an hour is not known to have had none."""

Slot = tuple[int, int]
"""A day of the week, Monday is 0, and an hour of the day."""


@dataclass(frozen=True, slots=True)
class Chance:
    """How much of the observed time at least so many were idle.

    ``observed`` and ``idle`` are in seconds; ``uncounted`` is the part of the observed time in which some were
    available without a number, where more than one was asked for: it belongs to neither. ``hours`` is in how many
    hours of the calendar it was observed.
    """

    observed: float = 0.0
    idle: float = 0.0
    uncounted: float = 0.0
    hours: int = 0

    @property
    def share(self) -> float | None:
        """The chance from 0 to 1; None where it is unknown."""
        known = self.observed - self.uncounted
        return self.idle / known if known > 0 else None

    @property
    def is_thin(self) -> bool:
        """Whether it is from few hours."""
        return self.hours < FEW_HOURS


@dataclass(frozen=True, slots=True)
class Wait:
    """Observed hours in a row in which there never were enough.

    ``open`` is whether it may have been longer: the time before or after it was not observed, or it lasts.
    """

    begin: datetime
    end: datetime
    open: bool

    @property
    def length(self) -> timedelta:
        """How long it was, in full hours."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class HourPrice:
    """The median of the least prices that were observed in an hour of the day, and how many there were."""

    hour: int
    price: Money
    hours: int


@dataclass(frozen=True, slots=True)
class Odds:
    """The odds of an offer, for a number of GPUs.

    ``week`` has the slots that were observed. ``prices`` are those of the hours of the day in one currency, ordered
    by hour: the currency with the most hours.
    """

    count: int
    week: Mapping[Slot, Chance]
    waits: Sequence[Wait]
    prices: Sequence[HourPrice]
    since: datetime | None
    until: datetime | None

    @property
    def total(self) -> Chance:
        """The chance over all that was observed."""
        return _sum(self.week.values())

    def of(self, slot: Slot) -> Chance:
        """Return the chance in an hour of the week."""
        return self.week.get(slot, Chance())

    @property
    def best(self) -> tuple[Slot, Chance] | None:
        """The hour of the week with the best chance of those that were observed often enough; None without any."""
        known = [(slot, one) for slot, one in self.week.items() if one.share is not None and not one.is_thin]
        return max(
            known, key=lambda found: (found[1].share, found[1].hours, -found[0][0], -found[0][1]), default=None
        )

    @property
    def cheapest(self) -> HourPrice | None:
        """The hour of the day with the lowest price; None where none is known, or all are the same."""
        if len({one.price.amount for one in self.prices}) < 2:
            return None
        return min(self.prices, key=lambda one: (price_key(one.price), one.hour))


def slot_of(at: datetime, zone: tzinfo | None) -> Slot:
    """Return the hour of the week in a time zone, None for that of this machine."""
    local = at.astimezone(zone)
    return local.weekday(), local.hour


def slot_text(slot: Slot) -> str:
    """Write an hour of the week: ``Mon 14:00``."""
    return f"{DAYS[slot[0]]} {slot[1]:02}:00"


def odds(
    hours: Iterable[StockHour],
    count: int,
    zone: tzinfo | None = None,
    slots: dict[tzinfo | None, dict[datetime, Slot]] | None = None,
) -> Odds:
    """Return the odds of getting ``count`` GPUs of one offer, from its hours, oldest first.

    Slots are those of a time zone, None for that of this machine. An hour belongs to the slot in which it begins,
    where the zone is not a whole number of hours from UTC. ``slots`` keeps the slots of hours, for calls with other
    offers.
    """
    hours = list(hours)
    known: dict[datetime, Slot] = slots.setdefault(zone, {}) if slots is not None else {}
    sums: dict[Slot, list[float]] = {}
    had: list[tuple[datetime, bool]] = []
    prices: dict[str, dict[int, list[Decimal]]] = {}
    for hour in hours:
        begin, price = hour.begin, hour.price
        if (slot := known.get(begin)) is None:
            slot = known[begin] = slot_of(begin, zone)
        observed, idle, uncounted = _tally(hour.seconds, count)
        if (found := sums.get(slot)) is None:
            found = sums[slot] = [0.0, 0.0, 0.0, 0]
        found[0] += observed
        found[1] += idle
        found[2] += uncounted
        found[3] += observed > uncounted
        if idle or observed - uncounted >= _MOSTLY:
            had.append((begin, idle > 0))
        if price is not None:
            if (by_hour := prices.get(price.currency)) is None:
                by_hour = prices[price.currency] = {}
            by_hour.setdefault(slot[1], []).append(price.amount)
    return Odds(
        count,
        {slot: Chance(one[0], one[1], one[2], int(one[3])) for slot, one in sums.items()},
        _waits(had),
        _prices(prices),
        hours[0].begin if hours else None,
        hours[-1].begin + timedelta(hours=1) if hours else None,
    )


def chance(hour: StockHour, count: int) -> Chance:
    """Return for how long in an hour at least so many were idle."""
    observed, idle, uncounted = _tally(hour.seconds, count)
    return Chance(observed, idle, uncounted, 1 if observed > uncounted else 0)


def _tally(seconds: Mapping[int, int], count: int) -> tuple[int, int, int]:
    """Return the seconds that were observed, those with at least so many idle, and those without a number."""
    observed = sum(seconds.values())
    uncounted = seconds.get(AVAILABLE, 0)
    idle = 0
    for level, length in seconds.items():
        if level >= count:
            idle += length
    return (observed, idle + uncounted, 0) if count <= 1 else (observed, idle, uncounted)


def _sum(chances: Iterable[Chance]) -> Chance:
    """Return the chance over several times."""
    observed = idle = uncounted = 0.0
    hours = 0
    for one in chances:
        observed += one.observed
        idle += one.idle
        uncounted += one.uncounted
        hours += one.hours
    return Chance(observed, idle, uncounted, hours)


def tenths(share: float) -> int:
    """Return a chance in tenths; 0 is never, 10 is always, and all between is neither."""
    return 0 if share <= 0 else 10 if share >= 1 else min(max(round(share * 10), 1), 9)


def mean_idle(hour: StockHour) -> float | None:
    """Return the mean count of an hour; available without a number is 1 at least. None where nothing is known."""
    observed = sum(hour.seconds.values())
    counted = sum(abs(level) * seconds for level, seconds in hour.seconds.items())
    return counted / observed if observed else None


def hour_points(hours: Iterable[StockHour], now: datetime) -> list[tuple[datetime, float | None]]:
    """Return the mean count of each hour, at its middle, or now in that of now; for charts."""
    half = timedelta(minutes=30)
    return [(min(hour.begin + half, now), mean_idle(hour)) for hour in hours]


def fine_points(
    samples: Sequence[tuple[datetime, int | None]], hours: Iterable[StockHour], since: datetime, now: datetime
) -> list[tuple[datetime, float | None]]:
    """Return the count every five minutes of the hours that were observed, from samples of its changes.

    Samples are oldest first; before the first one the count is unknown.
    """
    observed = {int(hour.begin.timestamp() // _SECONDS) for hour in hours}
    found: list[tuple[datetime, float | None]] = []
    step = timedelta(minutes=5)
    place, idle, at = 0, None, since
    while at <= now:
        while place < len(samples) and samples[place][0] <= at:
            idle = samples[place][1]
            place += 1
        if idle is not None and int(at.timestamp() // _SECONDS) in observed:
            found.append((at, float(idle)))
        at += step
    return found


def _waits(known: Sequence[tuple[datetime, bool]]) -> list[Wait]:
    """Return the runs of hours without enough, the longest first, of hours and whether there were some."""
    length = timedelta(hours=1)
    runs: list[tuple[datetime, datetime, bool]] = []
    first = end = None
    state = False
    for begin, had in known:
        if begin != end or had is not state:
            if first is not None and end is not None:
                runs.append((first, end, state))
            first, state = begin, had
        end = begin + length
    if first is not None and end is not None:
        runs.append((first, end, state))
    ends = {end for _, end, had in runs if had}
    begins = {first for first, _, had in runs if had}
    found = [Wait(first, end, open=first not in ends or end not in begins) for first, end, had in runs if not had]
    return sorted(found, key=lambda one: (-one.length, -one.begin.timestamp()))


def _prices(by_currency: Mapping[str, Mapping[int, Sequence[Decimal]]]) -> list[HourPrice]:
    """Return the prices by hour of the day, in the currency that most hours have."""
    if not by_currency:
        return []
    currency = max(by_currency, key=lambda found: sum(map(len, by_currency[found].values())))
    return [
        HourPrice(hour, Money(median(amounts), currency), len(amounts))
        for hour, amounts in sorted(by_currency[currency].items())
    ]
