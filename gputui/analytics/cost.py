"""The hourly cost of the fleet, its unknown parts, and how long balances and prepaid time last.

Currencies are never added. A sum includes the number of its unknown parts, see :class:`Total`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING

from gputui.models import (
    Balance,
    Deployment,
    GpuDevice,
    HostInfo,
    Instance,
    Money,
    Package,
    Phase,
    Ref,
    Resource,
    Row,
    Volume,
    gpu_label,
)
from gputui.presentation.prices import CHARGED, may_cost

if TYPE_CHECKING:
    pass

Amounts = Mapping[str, Money]
"""An amount for each currency, by name, in the order of first occurrence."""

COSTING = (Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.VOLUMES)
"""The lists whose rows may cost money."""

SIZING = (Resource.HOSTS, Resource.GPUS)
"""The lists with the number of GPUs of an instance that has all of its host's."""

Costing = Instance | Deployment | Volume


@dataclass(frozen=True, slots=True)
class Total:
    """The hourly cost of some resources, and the unknown parts of the sum.

    ``things`` is the number of instances, with those of a deployment that has a price, and of volumes without a
    price; ``priced`` of them have a price, free ones too. ``gpus`` is the number of GPUs of the others, without the
    ``unsure`` of them whose number of GPUs is unknown.
    """

    amounts: Amounts = field(default_factory=dict)
    things: int = 0
    priced: int = 0
    gpus: int = 0
    unsure: int = 0

    @property
    def lacking(self) -> int:
        """The number of resources that are not in the sum."""
        return self.things - self.priced

    def __add__(self, other: Total) -> Total:
        amounts = dict(self.amounts)
        for currency, money in other.amounts.items():
            amounts[currency] = amounts[currency] + money if currency in amounts else money
        return Total(
            amounts,
            self.things + other.things,
            self.priced + other.priced,
            self.gpus + other.gpus,
            self.unsure + other.unsure,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """The hourly cost of a part of an account in one currency; ``per_hour`` is None for resources without a price.

    The part is a ``deployment``, by instances or as a whole; where that is None, the instances without a deployment,
    or the ``volumes``: one of the two numbers is 0. ``gpus`` does not count the ``unsure`` instances, whose number of
    GPUs is unknown.
    """

    account: str
    deployment: Ref | None
    per_hour: Money | None
    instances: int = 0
    gpus: int = 0
    volumes: int = 0
    unsure: int = 0


HostGpus = Mapping[tuple[str, str], int]
"""How many GPUs the hosts have that an account lists, by account and name of the host."""


def host_gpus(rows: Iterable[Row]) -> HostGpus:
    """Return how many GPUs each host has, as far as hosts or their GPUs are among the rows."""
    told: dict[tuple[str, str], int] = {}
    seen: dict[tuple[str, str], set[int]] = {}
    for row in rows:
        if isinstance(row, HostInfo) and row.gpu_count is not None:
            told[row.ref.account, row.name] = row.gpu_count
        elif isinstance(row, GpuDevice) and row.through is None:
            # Seen from within an instance, those would be the instance's.
            seen.setdefault((row.ref.account, row.host), set()).add(row.index)
    return {place: len(indices) for place, indices in seen.items()} | told


def gpus_text(known: int, unsure: int) -> str:
    """Format a number of GPUs, plus ``unsure`` instances with an unknown number: ``8``, ``8 + ?``, ``?``."""
    if not unsure:
        return str(known)
    return f"{known} + ?" if known else "?"


def costing(rows: Iterable[Row]) -> list[Costing]:
    """Return the billed rows: running and starting instances, and existing volumes.

    Rows without a price are included, unless their deployment has one for all of them. A deployment is included only
    where it has a price, in place of its instances.
    """
    found = [row for row in rows if isinstance(row, Costing) and _is_charged(row)]
    whole = {row.ref for row in found if isinstance(row, Deployment)}
    return [row for row in found if not isinstance(row, Instance) or row.parent not in whole]


def _is_charged(row: Costing) -> bool:
    if isinstance(row, Instance):
        # A row in an unknown state may cost something. Rows that could not be read are reported by not_read().
        return row.phase in CHARGED or (row.phase is Phase.UNKNOWN and row.problem is None)
    if row.price is None:
        return isinstance(row, Volume) and may_cost(row) and row.problem is None
    # A failed row with a price is billed; a stopped deployment is not.
    return row.price.amount > 0 and not (isinstance(row, Deployment) and row.phase is Phase.STOPPED)


def price_of(row: Costing) -> Money | None:
    """Return the hourly price of a row; None where it is unknown."""
    return None if isinstance(row, Instance) and row.phase not in CHARGED else row.price


def not_read(rows: Iterable[Row]) -> set[str]:
    """Return the accounts of which something that may cost could not be read in full: their sums may be too low."""
    return {row.ref.account for row in rows if isinstance(row, Instance | Volume) and row.problem}


def is_unpriced(row: Instance, parent: Row | None) -> bool:
    """Whether an instance may have a cost without a known price, of its own or of the ``parent``."""
    whole = isinstance(parent, Deployment) and _is_charged(parent)
    return _is_charged(row) and price_of(row) is None and not whole


def total(rows: Iterable[Row]) -> Total:
    """Return the hourly cost of these, with the unknown parts."""
    kept = list(rows)
    return _sum(costing(kept), host_gpus(kept))


def hourly(rows: Iterable[Row]) -> Amounts:
    """Return the known hourly cost of these, by currency."""
    return total(rows).amounts


def by_account(rows: Iterable[Row]) -> dict[str, Total]:
    """Return the hourly cost by account, without accounts that have no cost."""
    kept = list(rows)
    hosts = host_gpus(kept)
    groups: dict[str, list[Costing]] = {}
    for row in costing(kept):
        groups.setdefault(row.ref.account, []).append(row)
    return {account: _sum(group, hosts) for account, group in groups.items()}


def unpriced_text(total: Total) -> str:
    """Format how many GPUs of a sum have no price: ``8 GPUs unpriced``, ``8 + ? GPUs unpriced``; '' without any."""
    if not total.gpus and not total.unsure:
        return ""
    return f"{gpus_text(total.gpus, total.unsure)} GPU{'' if (total.gpus, total.unsure) == (1, 0) else 's'} unpriced"


def in_order(totals: Mapping[str, Total], accounts: Iterable[str]) -> Total:
    """Return the sum of these, its currencies in the order of the accounts that spend them.

    ``accounts`` are the names in the order of the configuration, so that the order of their answers has no effect.
    """
    return reduce(Total.__add__, (totals[name] for name in accounts if name in totals), Total())


def billed(totals: Mapping[str, Total], billing: Collection[str]) -> dict[str, Total]:
    """Return the totals that belong in a sum: of accounts that are billed, or in which a resource has a price.

    An own server without a configured price is not an unknown part of a bill.
    """
    return {account: sums for account, sums in totals.items() if account in billing or sums.priced or sums.amounts}


def _sum(rows: Collection[Costing], hosts: HostGpus) -> Total:
    amounts: dict[str, Money] = {}
    things = priced = gpus = unsure = 0
    for row in rows:
        price = price_of(row)
        if price is None:
            things += 1
            count = _gpus_in(row, hosts)
            gpus, unsure = gpus + (count or 0), unsure + (count is None)
            continue
        count = 0 if isinstance(row, Volume) else max(1, _instances_in(row))
        things, priced = things + count, priced + count
        if price.amount:
            amounts[price.currency] = amounts[price.currency] + price if price.currency in amounts else price
    return Total(amounts, things, priced, gpus, unsure)


def parts(rows: Iterable[Row]) -> list[Part]:
    """Return the billed parts by account, deployment and currency; volumes are a separate part."""
    kept = list(rows)
    hosts = host_gpus(kept)
    groups: dict[tuple[str, Ref | None, bool, str], list[Costing]] = {}
    for row in costing(kept):
        parent = row.ref if isinstance(row, Deployment) else row.parent if isinstance(row, Instance) else None
        price = price_of(row)
        groups.setdefault(
            (row.ref.account, parent, isinstance(row, Volume), price.currency if price else ""), []
        ).append(row)
    return [
        Part(
            account,
            parent,
            _sum(group, hosts).amounts.get(currency, Money(Decimal(0), currency)) if currency else None,
            instances=0 if volumes else sum(map(_instances_in, group)),
            gpus=sum(_gpus_in(row, hosts) or 0 for row in group),
            volumes=len(group) if volumes else 0,
            unsure=sum(_gpus_in(row, hosts) is None for row in group),
        )
        for (account, parent, volumes, currency), group in groups.items()
    ]


def _instances_in(row: Row) -> int:
    return (row.running or 0) if isinstance(row, Deployment) else 1


def _gpus_in(row: Costing, hosts: HostGpus) -> int | None:
    if isinstance(row, Deployment):
        if row.running == 0:
            return 0
        return None if row.running is None or row.gpu_count is None else row.running * row.gpu_count
    return gpus_of(row, hosts) if isinstance(row, Instance) else 0


def gpus_of(instance: Instance, hosts: HostGpus) -> int | None:
    """Return the number of GPUs of an instance, for all GPUs that of the host; None where it is unknown."""
    if instance.gpu_all:
        return hosts.get((instance.ref.account, instance.host or ""))
    if instance.gpu_indices is not None:
        return len(instance.gpu_indices)
    return instance.gpu_count


def covered(package: Package, rows: Iterable[Row]) -> list[Instance]:
    """Return the running instances that use a package: of the same account, GPU model and regions."""
    model = gpu_label(package.gpu_model)
    return [
        row
        for row in rows
        if isinstance(row, Instance)
        and row.phase is Phase.RUNNING
        and row.ref.account == package.ref.account
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
    try:
        return now + timedelta(seconds=max(0, package.balance) / gpus)
    except OverflowError:
        return None


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
        spent = _sum([row for row in paid if draws.get(row.ref) is None], hosts)
        rates = {id(package): sum(gpus[ref] or 0 for ref in draws if draws[ref] is package) for package in prepaid}
        at_most = at_most or spent.lacking > 0
        at_most = at_most or any(package is not None and gpus[ref] is None for ref, package in draws.items())
        price = spent.amounts.get(currency)
        hourly_price = Fraction(price.amount) if price is not None and price.amount > 0 else Fraction(0)
        estimated = estimated or (price is not None and price.estimated)
        ends = [package.left / rates[id(package)] for package in prepaid if package.left > 0 and rates[id(package)]]
        step = min(ends, default=None)
        if hourly_price and (step is None or hourly_price * step >= money * 3600):
            return _lasting(now, seconds + money * 3600 / hourly_price, at_most=at_most, estimated=estimated)
        if step is None:
            return None
        money -= hourly_price * step / 3600
        seconds += step
        for package in prepaid:
            package.left -= rates[id(package)] * step


def _lasting(now: datetime, seconds: Fraction, *, at_most: bool, estimated: bool) -> Lasting | None:
    try:
        return Lasting(now + timedelta(seconds=float(seconds)), at_most, estimated)
    except (OverflowError, ValueError):
        return None
