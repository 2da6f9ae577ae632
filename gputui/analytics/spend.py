"""The spending of a period, and the parts that its sums lack. Currencies are never added. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import cached_property

from gputui.analytics.time_spans import Span
from gputui.late_dataclasses import dataclass
from gputui.models import Money, Ref
from gputui.models.periods import By, Period


@dataclass(frozen=True, slots=True)
class Window:
    """A period from ``since`` to ``until``, which may be in the future; both aware, ``until`` is not part of it."""

    since: datetime
    until: datetime


def window(period: Period, now: datetime, zone: tzinfo | None = None) -> Window:
    """Return the period that contains ``now`` in a time zone, None for that of this machine.

    Its days are those of the calendar: one on which clocks are changed has 23 or 25 hours.
    """
    day = now.astimezone(zone).date()
    if period is Period.TODAY:
        first, last = day, day + timedelta(days=1)
    elif period is Period.WEEK:
        first = day - timedelta(days=day.weekday())
        last = first + timedelta(days=7)
    else:
        first = day.replace(day=1)
        last = (first + timedelta(days=32)).replace(day=1)

    def midnight(date: datetime) -> datetime:
        return (date.replace(tzinfo=zone) if zone is not None else date.astimezone()).astimezone(UTC)

    return Window(midnight(datetime.combine(first, time())), midnight(datetime.combine(last, time())))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendLine:
    """The spending of one group in one currency.

    ``key`` identifies the group, '' for what belongs to none; ``name`` is what it is called. ``spent`` is None where
    it is unknown: nothing of it has a price, or no time of it was observed yet. ``estimate`` was probably spent in
    gaps, in addition. The seconds are summed over all things: ``seconds`` at a price, ``unpriced`` at an unknown
    one, ``prepaid`` paid for by a package.
    ``deployment`` is a Ref as text, ``parent`` its name. ``currency`` is '' where that is unknown.
    """

    ref: Ref
    by: By
    key: str
    name: str
    accounts: tuple[str, ...]
    count: int
    currency: str
    spent: Money | None
    seconds: float = 0.0
    unpriced: float = 0.0
    prepaid: float = 0.0
    estimate: Money | None = None
    estimated_seconds: float = 0.0
    per_hour: Money | None = None
    owner: str = ""
    label: str = ""
    deployment: str = ""
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Unobserved:
    """The time of a period in which an account was not looked at, or its lists lacked rows.

    ``gaps`` are the spans without any reading since ``begun``, in seconds since 1970; ``partial`` are the seconds in
    which a list lacked something. ``begun`` is when the account was recorded first.
    """

    account: str
    begun: datetime
    gaps: tuple[Span, ...] = ()
    partial: float = 0.0

    @property
    def seconds(self) -> float:
        """The length of all gaps."""
        return sum(until - since for since, until in self.gaps)


@dataclass(frozen=True, slots=True)
class Forecast:
    """The spending at the end of a period if all that runs now continues at its price.

    ``at_least``: something is not in it, such as unpriced things, gaps, and the time after prepaid time has ended.
    """

    money: Money
    at_least: bool


@dataclass(frozen=True, kw_only=True)
class SpendReport:
    """The spending of a period. ``forecasts`` are by currency, empty where it is over or no rate is known."""

    window: Window
    by: By
    lines: Sequence[SpendLine] = ()
    unobserved: Mapping[str, Unobserved] = field(default_factory=dict)
    forecasts: Mapping[str, Forecast] = field(default_factory=dict)
    outdated: Collection[str] = ()
    """The accounts whose present rate is not known, because they were not looked at for a while."""
    never: Collection[str] = ()
    """The accounts that bill and of which nothing was ever recorded, as far as that is known."""

    @cached_property
    def totals(self) -> Mapping[str, Money]:
        """The observed spending, by currency."""
        return _sums(line.spent for line in self.lines)

    @cached_property
    def estimates(self) -> Mapping[str, Money]:
        """The amounts that were probably spent in gaps in addition, by currency."""
        return _sums(line.estimate for line in self.lines)

    def of(self, accounts: Collection[str]) -> SpendReport:
        """Return the report of some accounts alone, of a report by account; without forecasts."""
        return replace(
            self,
            lines=[line for line in self.lines if line.key in accounts],
            unobserved={name: one for name, one in self.unobserved.items() if name in accounts},
            forecasts={},
            outdated=[name for name in self.outdated if name in accounts],
            never=[name for name in self.never if name in accounts],
        )

    def lacks(self, account: str) -> bool:
        """Whether something of an account was not observed in the period, or it was recorded later first."""
        one = self.unobserved[account]
        return bool(one.gaps or one.partial) or one.begun > self.window.since

    @cached_property
    def lacking(self) -> Collection[str]:
        """The accounts of which something was not observed in the period."""
        return [*self.never, *filter(self.lacks, self.unobserved)]

    @property
    def unpriced(self) -> float:
        """The time at unknown prices, in seconds."""
        return sum(line.unpriced for line in self.lines)

    @property
    def prepaid(self) -> float:
        """The time that packages have paid for, in seconds."""
        return sum(line.prepaid for line in self.lines)


def _sums(amounts: Iterable[Money | None]) -> dict[str, Money]:
    found: dict[str, Money] = {}
    for money in amounts:
        if money is not None:
            found[money.currency] = found[money.currency] + money if money.currency in found else money
    return found
