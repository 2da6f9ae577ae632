"""How long prepaid time and balances last if the present use continues."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from gputui.analytics.cost import costing, gpus_of, host_gpus, sum_of
from gputui.late_dataclasses import dataclass
from gputui.models import Balance, Instance, Package, Phase, Ref, Row, gpu_label


def covered(package: Package, rows: Iterable[Row]) -> list[Instance]:
    """Return the running instances that use a package: of the same account, GPU model and regions."""
    model, account = gpu_label(package.gpu_model), package.ref.account
    return [
        row
        for row in rows
        if isinstance(row, Instance)
        and row.phase is Phase.RUNNING
        and row.ref.account == account
        and gpu_label(row.gpu_model or "") == model
        and (not package.regions or row.region in package.regions)
    ]


def gpus_in_use(package: Package, rows: Iterable[Row]) -> tuple[int, int]:
    """Return how many GPUs use a package now, and how many instances with an unknown number of GPUs do."""
    kept = list(rows)
    hosts = host_gpus(kept)
    counts = [gpus_of(instance, hosts) for instance in covered(package, kept)]
    return sum(count or 0 for count in counts), counts.count(None)


def run_out(package: Package, rows: Iterable[Row], now: datetime) -> datetime | None:
    """Return when a package is used up if the present use continues and no other package applies.

    None when it is not in use, when its balance or the number of GPUs is unknown, or when the time is beyond the
    range of dates.
    """
    gpus, unsure = gpus_in_use(package, rows)
    if unsure and package.balance:
        return None
    if gpus <= 0 or package.balance is None:
        return None
    return _later(now, max(0, package.balance) / gpus)


def prepaid_until(packages: Iterable[Package], rows: Collection[Row], now: datetime) -> Mapping[Ref, datetime]:
    """Return when the prepaid time of each instance ends that uses one package, if the present use continues."""
    found: dict[Ref, datetime | None] = {}
    for package in packages:
        if package.balance is None or package.balance > 0:
            end = None if package.problem else run_out(package, rows, now)
            for row in covered(package, rows):
                found[row.ref] = None if row.ref in found else end
    return {ref: end for ref, end in found.items() if end is not None}


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a balance lasts. ``until`` is when it is used up.

    ``at_most``: it may end sooner, because a resource paid from it has no price or a package may end early.
    ``estimated``: a price is an estimate, or packages pay for a part of the instances.
    """

    until: datetime
    at_most: bool
    estimated: bool


@dataclass(slots=True)
class _Prepaid:
    """The rest of a package, in GPU-seconds, and the instances that may use it."""

    left: Fraction
    may_draw: frozenset[Ref]


def lasting(balance: Balance, rows: Collection[Row], packages: Collection[Package], now: datetime) -> Lasting | None:
    """Return how long a balance lasts if the present use of its account continues.

    Instances with a package are paid from the balance as soon as that is used up: spending rises then. Several
    packages of an instance are used one after the other, in their order. None when nothing is known to be paid from
    the balance in its currency, or when the end is beyond the range of dates.
    """
    account, currency = balance.ref.account, balance.available.currency
    own = [row for row in rows if row.ref.account == account]
    covering = [(package, covered(package, own)) for package in packages if package.ref.account == account]
    prepaid = [
        _Prepaid(Fraction(package.balance), frozenset(row.ref for row in drawing))
        for package, drawing in covering
        if drawing and package.balance is not None and package.balance > 0
    ]
    # It is unknown how long a package with an unknown balance pays.
    estimated = bool(prepaid) or any(drawing and package.balance is None for package, drawing in covering)
    drawing = {row.ref: row for _, instances in covering for row in instances}
    hosts = host_gpus(own)
    gpus = {ref: gpus_of(row, hosts) for ref, row in drawing.items()}
    paid = costing(own)
    money, seconds, at_most = Fraction(max(Decimal(0), balance.available.amount)), Fraction(0), False
    while True:
        draws = {
            ref: next((package for package in prepaid if package.left > 0 and ref in package.may_draw), None)
            for ref in drawing
        }
        spent = sum_of([row for row in paid if draws.get(row.ref) is None], hosts)
        rates = {id(package): sum(gpus[ref] or 0 for ref in draws if draws[ref] is package) for package in prepaid}
        at_most = at_most or spent.lacking > 0
        at_most = at_most or any(package is not None and gpus[ref] is None for ref, package in draws.items())
        price = spent.amounts.get(currency)
        hourly_price = Fraction(price.amount) if price is not None and price.amount > 0 else Fraction(0)
        estimated = estimated or (price is not None and price.estimated)
        ends = [package.left / rates[id(package)] for package in prepaid if package.left > 0 and rates[id(package)]]
        step = min(ends, default=None)
        if hourly_price and (step is None or hourly_price * step >= money * 3600):
            until = _later(now, seconds + money * 3600 / hourly_price)
            return None if until is None else Lasting(until, at_most, estimated)
        if step is None:
            return None
        money -= hourly_price * step / 3600
        seconds += step
        for package in prepaid:
            package.left -= rates[id(package)] * step


def _later(now: datetime, seconds: float | Fraction) -> datetime | None:
    """Return the time so many seconds later; None beyond the range of dates."""
    try:
        return now + timedelta(seconds=float(seconds))
    except (OverflowError, ValueError):
        return None
