"""Adds up what was spent in a period, from observed time and prices. Pure.

Time that was not observed is no part of a sum: it is named, and what was probably spent in it is a figure of its own.
Each instant of a thing counts once, whoever has recorded it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType

from gputui.analytics.spend import Forecast, SpendReport, Unobserved, Window
from gputui.analytics.spend_groups import Groups, to_cent_parts
from gputui.analytics.time_spans import Span, union, without
from gputui.models import Money, Ref, Resource
from gputui.models.periods import By
from gputui.models.spend import Charge, Look, SpendRecord

WRITTEN_WITHIN = 180.0
"""Present spending is in the history within so many seconds: until then the end of a period is no gap."""
SHORTEST_GAP = 60.0
"""Shorter gaps in seconds are not named: lists are read at intervals of up to a minute."""
CURRENT = 600.0
"""A rate that was observed so many seconds ago is still that of now, for a forecast."""
NOTHING_PREPAID: Mapping[Ref, datetime] = MappingProxyType({})
_Place = tuple[str, Resource]
_ThingSpan = tuple[float, float, int]


class Ledger:
    """A record of spending, in which each instant of a thing has one charge: periods are added up from it.

    ``prepaid_until`` is when the prepaid time of things ends that use it now, for forecasts; it may lack some.
    ``billing`` are the accounts that are known to bill: one of which nothing is recorded lacks in a sum.
    """

    def __init__(
        self,
        record: SpendRecord,
        now: datetime,
        prepaid_until: Mapping[Ref, datetime] = NOTHING_PREPAID,
        billing: Collection[str] = (),
    ) -> None:
        self._billing = billing
        self._prepaid_until = prepaid_until
        self._record = record
        self._now = now.timestamp()
        self._charges, numbers = _known_better(record.charges)
        self._currencies = _currencies(self._charges.values())
        self._things = _things(record, self._charges, numbers, self._now)
        self._looks: dict[_Place, list[Look]] = {}
        for look in record.looks:
            if look.since < self._now:
                self._looks.setdefault((look.account, look.resource), []).append(look)
        self._covered = {
            place: union((one.since, one.until) for one in looks) for place, looks in self._looks.items()
        }

    def report(self, period: Window, by: By, accounts: Collection[str] | None = None) -> SpendReport:
        """Add up a period for all accounts, or for some of them."""
        begin, end = period.since.timestamp(), min(self._now, period.until.timestamp())
        groups = Groups(by, self._currencies)
        self._add_all(groups, begin, end, accounts)
        unobserved = {name: self._unobserved(name, begin, end) for name in self._recorded(accounts)}
        never = [name for name in self._billing if name not in unobserved and (accounts is None or name in accounts)]
        report = SpendReport(window=period, by=by, unobserved=unobserved, never=never)
        if begin <= self._now < period.until.timestamp():
            return self._with_present(report, groups, accounts)
        return replace(report, lines=groups.lines(accounts, report.lacking))

    def _recorded(self, accounts: Collection[str] | None) -> list[str]:
        begun = self._record.begun
        return [name for name in (begun if accounts is None else accounts) if name in begun]

    def _add_all(self, groups: Groups, begin: float, end: float, accounts: Collection[str] | None) -> None:
        """Add the time of all things to their groups, and that in gaps between two spans of the same charge.

        Written for speed: a month may have 100,000 spans, most of which have the same gaps between them.
        """
        charges = self._charges
        seconds: dict[int, float] = {}
        missed: dict[int, float] = {}
        known: dict[_Place, dict[Span, float]] = {}
        for ref, spans in self._things.items():
            if accounts is not None and ref.account not in accounts:
                continue
            place = ref.account, charges[spans[0][2]].resource
            gaps = known.setdefault(place, {})
            left, last = begin, -1
            for since, until, number in spans:
                if until > begin and since < end:
                    part = (until if until < end else end) - (since if since > begin else begin)
                    seconds[number] = seconds.get(number, 0.0) + part
                if number == last and since > begin and left < end:
                    gap = (left, since)
                    time = gaps.get(gap)
                    if time is None:
                        time = gaps[gap] = self._missed(place, gap, begin, end)
                    if time:
                        missed[number] = missed.get(number, 0.0) + time
                left, last = until, number
        for number, time in seconds.items():
            groups.of(charges[number]).add(charges[number], time)
        for number, time in missed.items():
            groups.of(charges[number]).add_gap(charges[number], time)

    def _with_present(self, report: SpendReport, groups: Groups, accounts: Collection[str] | None) -> SpendReport:
        """Return a report with the present rates, and with what they add up to until the end of the period."""
        seen_from = self._current()
        end = report.window.until.timestamp()
        rates: dict[str, Decimal] = {}
        later: dict[str, Decimal] = {}
        lacking = False
        for ref, spans in self._things.items():
            charge = self._charges[spans[-1][2]]
            seen = seen_from.get((ref.account, charge.resource))
            if seen is None or spans[-1][1] < seen or (accounts is not None and ref.account not in accounts):
                continue
            if charge.price and not charge.prepaid:
                rates[charge.currency] = rates.get(charge.currency, Decimal(0)) + Decimal(charge.price)
                groups.of(charge).add_rate(charge)
            elif charge.price and (until := self._prepaid_until.get(ref)) is not None:
                hours = Decimal(round(max(0.0, end - max(self._now, until.timestamp())))) / 3600
                later[charge.currency] = later.get(charge.currency, Decimal(0)) + Decimal(charge.price) * hours
            else:
                lacking = True
        known = {account for account, _ in seen_from}
        outdated = [name for name in self._recorded(accounts) if name not in known]
        report = replace(report, lines=groups.lines(accounts, report.lacking), outdated=outdated)
        if len(outdated) == len(report.unobserved):
            return report
        at_least = lacking or bool(outdated or report.unpriced or report.lacking)
        hours = Decimal(round(end - self._now)) / 3600
        forecasts = {}
        nothing = Decimal(0)
        for currency in dict.fromkeys((*report.totals, *rates, *later)):
            spent = report.totals[currency].amount if currency in report.totals else nothing
            amount = spent + to_cent_parts(rates.get(currency, nothing) * hours + later.get(currency, nothing))
            forecasts[currency] = Forecast(Money(amount, currency, estimated=True), at_least)
        return replace(report, forecasts=forecasts)

    def _current(self) -> Mapping[_Place, float]:
        """Return since when a thing must have been seen to continue now, for each list that was read lately."""
        found: dict[_Place, float] = {}
        for place, looks in self._looks.items():
            last = max(looks, key=lambda one: one.until)
            if self._now - last.until <= CURRENT:
                found[place] = last.until - (1.0 if last.whole else WRITTEN_WITHIN)
        return found

    def _missed(self, place: _Place, gap: Span, begin: float, end: float) -> float:
        """Return how much of the time between two spans nothing was read, within a period."""
        holes = without(gap, self._covered.get(place, []))
        return sum(max(0.0, min(last, end) - max(first, begin)) for first, last in holes)

    def _unobserved(self, account: str, begin: float, end: float) -> Unobserved:
        first = self._record.begun[account]
        since = max(begin, first)
        gaps: list[Span] = []
        partial: list[Span] = []
        lists = {resource: looks for (name, resource), looks in self._looks.items() if name == account}
        for resource, looks in lists.items():
            covered = self._covered[account, resource]
            # Whether an account has a list other than instances depends on its server: it may have none any more.
            of = (since, end) if resource is Resource.INSTANCES else _within((since, end), covered)
            gaps += without(of, covered)
            whole = union((one.since, one.until) for one in looks if one.whole)
            for look in looks:
                if not look.whole:
                    partial += without(_clipped((look.since, look.until), (since, end)), whole)
        if not lists:
            gaps = without((since, end), [])
        recent = self._now - 1
        least = {True: WRITTEN_WITHIN, False: SHORTEST_GAP}
        found = tuple(gap for gap in union(gaps) if gap[1] - gap[0] >= least[gap[1] >= recent])
        seconds = sum(until - begun for begun, until in union(partial))
        return Unobserved(account, datetime.fromtimestamp(first, UTC), found, seconds)


def _currencies(charges: Iterable[Charge]) -> Mapping[str, str]:
    """Return the currency of each account of which all prices have the same one."""
    found: dict[str, set[str]] = {}
    for charge in charges:
        if charge.currency:
            found.setdefault(charge.ref.account, set()).add(charge.currency)
    return {account: next(iter(each)) for account, each in found.items() if len(each) == 1}


def _clipped(span: Span, to: Span) -> Span:
    return max(span[0], to[0]), min(span[1], to[1])


def _within(span: Span, covered: Sequence[Span]) -> Span:
    return _clipped(span, (covered[0][0], covered[-1][1]))


def _known_better(charges: Mapping[int, Charge]) -> tuple[Mapping[int, Charge], Mapping[int, int]]:
    """Return charges with the name and the owner of their deployment, and for each number the first with the same.

    While the deployments of an account were not read, its instances have neither.
    """
    names: dict[str, str] = {}
    owners: dict[str, str] = {}
    for charge in charges.values():
        if charge.deployment and not charge.deployment.endswith(f"/{charge.parent}"):
            names[charge.deployment] = charge.parent
        if charge.deployment and charge.owner:
            owners[charge.deployment] = charge.owner
    found: dict[int, Charge] = {}
    first: dict[Charge, int] = {}
    numbers: dict[int, int] = {}
    for number, charge in charges.items():
        parent = names.get(charge.deployment, charge.parent)
        owner = charge.owner or owners.get(charge.deployment, "")
        if (parent, owner) != (charge.parent, charge.owner):
            charge = replace(charge, parent=parent, owner=owner)  # noqa: PLW2901  (the same, better known)
        numbers[number] = first.setdefault(charge, number)
        found[number] = charge
    return found, numbers


def _things(
    record: SpendRecord, charges: Mapping[int, Charge], numbers: Mapping[int, int], now: float
) -> Mapping[Ref, Sequence[_ThingSpan]]:
    """Return the spans of each thing, none of which overlap, with their charges, in the order of time.

    Where two processes saw different charges at the same time, the one that began later counts: it is newer. What is
    recorded of the future, by a clock that was wrong, does not count yet.
    """
    found: dict[Ref, list[_ThingSpan]] = {}
    # The charges of a thing share one list: no Ref is hashed for each span.
    lists = {number: found.setdefault(charge.ref, []) for number, charge in charges.items()}
    tangled: set[Ref] = set()
    for recorded, since, until in record.spans:
        if since >= now:
            continue
        number = numbers[recorded]
        spans, end = lists[number], min(until, now)
        if spans and since <= spans[-1][1]:
            last = spans[-1]
            if last[2] == number:
                spans[-1] = (last[0], max(last[1], end), number)
                continue
            if since < last[1]:
                tangled.add(charges[number].ref)
        spans.append((since, end, number))
    for ref in tangled:
        found[ref] = list(_untangled(found[ref]))
    return {ref: spans for ref, spans in found.items() if spans}


def _untangled(spans: Sequence[_ThingSpan]) -> Iterator[_ThingSpan]:
    edges = sorted({edge for since, until, _ in spans for edge in (since, until)})
    active: list[_ThingSpan] = []
    begun = 0
    current: _ThingSpan | None = None
    for since, until in pairwise(edges):
        while begun < len(spans) and spans[begun][0] <= since:
            active.append(spans[begun])
            begun += 1
        active = [span for span in active if span[1] > since]
        if not active:
            continue
        newest = max(active, key=lambda span: span[0])[2]
        if current is not None and current[2] == newest and current[1] == since:
            current = (current[0], until, newest)
            continue
        if current is not None:
            yield current
        current = (since, until, newest)
    if current is not None:
        yield current
