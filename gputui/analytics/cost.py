"""What the fleet costs an hour, what of that is not known, and how long money and prepaid time last.

Two currencies are never added. A sum carries what it lacks: see :class:`Total`.
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
"""An amount for each currency, by its name, in the order in which the currencies came."""

COSTING = (Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.VOLUMES)
"""The lists whose rows may cost money."""

SIZING = (Resource.HOSTS, Resource.GPUS)
"""The lists that say how many GPUs an instance has that has all of its host's."""

Costing = Instance | Deployment | Volume


@dataclass(frozen=True, slots=True)
class Total:
    """What an hour of some things costs, and what that sum lacks.

    ``things`` are instances, those of a deployment with a price of its own included, and volumes that have no price;
    ``priced`` of them have a price, free ones too. ``gpus`` are how many GPUs the others have, without the ``unsure``
    of them whose number of GPUs is not known.
    """

    amounts: Amounts = field(default_factory=dict)
    things: int = 0
    priced: int = 0
    gpus: int = 0
    unsure: int = 0

    @property
    def lacking(self) -> int:
        """How many things are not in the sum."""
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
    """What some things of an account cost an hour in one currency; ``per_hour`` is None for those without a price.

    They are the instances of a ``deployment``, or that as a whole; where it is None, the instances that have none, or
    the ``volumes``. How many there are of each is 0 where the part is made of the other. ``gpus`` does not count the
    ``unsure``, whose number of GPUs is not known.
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
    """Write how many GPUs things have of which ``unsure`` do not say: ``8``, ``8 + ?``, ``?``."""
    if not unsure:
        return str(known)
    return f"{known} + ?" if known else "?"


def costing(rows: Iterable[Row]) -> list[Costing]:
    """Return what is paid for now: what runs or is on the way there, and volumes that are there.

    What has no price is among them, unless its deployment has one for all of it. A deployment is among them only
    where it has a price of its own, and then counts in place of its instances.
    """
    found = [row for row in rows if isinstance(row, Costing) and _is_charged(row)]
    whole = {row.ref for row in found if isinstance(row, Deployment)}
    return [row for row in found if not isinstance(row, Instance) or row.parent not in whole]


def _is_charged(row: Costing) -> bool:
    if isinstance(row, Instance):
        # A state that is not known may cost something. What could not be read is said in another way: not_read().
        return row.phase in CHARGED or (row.phase is Phase.UNKNOWN and row.problem is None)
    if row.price is None:
        return isinstance(row, Volume) and may_cost(row) and row.problem is None
    # What failed and still costs something costs that; a deployment that was stopped does not.
    return row.price.amount > 0 and not (isinstance(row, Deployment) and row.phase is Phase.STOPPED)


def price_of(row: Costing) -> Money | None:
    """Return what it adds to a sum; None where that is not known."""
    return None if isinstance(row, Instance) and row.phase not in CHARGED else row.price


def not_read(rows: Iterable[Row]) -> set[str]:
    """Return the accounts of which something that may cost could not be read in full: their sums may be too low."""
    return {row.ref.account for row in rows if isinstance(row, Instance | Volume) and row.problem}


def is_unpriced(row: Instance, parent: Row | None) -> bool:
    """Whether an instance may cost something of which no price is known, in its ``parent`` neither."""
    whole = isinstance(parent, Deployment) and _is_charged(parent)
    return _is_charged(row) and price_of(row) is None and not whole


def total(rows: Iterable[Row]) -> Total:
    """Return what an hour of these costs, and what that lacks."""
    kept = list(rows)
    return _sum(costing(kept), host_gpus(kept))


def hourly(rows: Iterable[Row]) -> Amounts:
    """Return what an hour of these costs, by currency, as far as it is known."""
    return total(rows).amounts


def by_account(rows: Iterable[Row]) -> dict[str, Total]:
    """Return what an hour costs, by account; accounts in which nothing may cost are not in it."""
    kept = list(rows)
    hosts = host_gpus(kept)
    groups: dict[str, list[Costing]] = {}
    for row in costing(kept):
        groups.setdefault(row.ref.account, []).append(row)
    return {account: _sum(group, hosts) for account, group in groups.items()}


def unpriced_text(total: Total) -> str:
    """Say how many GPUs of a sum have no price: ``8 GPUs unpriced``, ``8 + ? GPUs unpriced``; '' without any."""
    if not total.gpus and not total.unsure:
        return ""
    return f"{gpus_text(total.gpus, total.unsure)} GPU{'' if (total.gpus, total.unsure) == (1, 0) else 's'} unpriced"


def in_order(totals: Mapping[str, Total], accounts: Iterable[str]) -> Total:
    """Return the sum of these, its currencies in the order of the accounts that spend them.

    ``accounts`` are the names in the order of the configuration: which of them has answered first changes nothing.
    """
    return reduce(Total.__add__, (totals[name] for name in accounts if name in totals), Total())


def billed(totals: Mapping[str, Total], billing: Collection[str]) -> dict[str, Total]:
    """Return the totals that belong in a sum: of accounts that are billed, or of which something has a price.

    An own server that nobody stated a price for is no gap in a bill.
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
    """Return what is paid for in parts, by account, deployment and currency; volumes are a part of their own."""
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
    """Return how many GPUs an instance has: of all GPUs as many as its host has. None where that is not known."""
    if instance.gpu_all:
        return hosts.get((instance.ref.account, instance.host or ""))
    if instance.gpu_indices is not None:
        return len(instance.gpu_indices)
    return instance.gpu_count


def covered(package: Package, rows: Iterable[Row]) -> list[Instance]:
    """Return the running instances whose GPUs draw on a package: of its account, GPU model and regions."""
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
    """Return how many GPUs draw on a package now, and how many instances do whose number of GPUs is not known."""
    kept = list(rows)
    hosts = host_gpus(kept)
    counts = [gpus_of(instance, hosts) for instance in covered(package, kept)]
    return sum(count or 0 for count in counts), counts.count(None)


def run_out(package: Package, rows: Iterable[Row], now: datetime) -> datetime | None:
    """Return when a package is used up if what draws on it now goes on and no other package helps.

    None when nothing draws on it, when its balance is not known, or how many GPUs draw on it, or when it is further
    off than a calendar goes.
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

    ``at_most``: something that is paid from it has no price, or a package may end earlier than is known, so it may
    end sooner. ``estimated``: a price is an estimate, or packages pay for a part of what runs.
    """

    until: datetime
    at_most: bool
    estimated: bool


@dataclass(slots=True)
class _Prepaid:
    """What is left of a package, in GPU-seconds, and the instances that may draw on it."""

    left: Fraction
    may_draw: frozenset[Ref]


def lasting(balance: Balance, rows: Collection[Row], packages: Collection[Package], now: datetime) -> Lasting | None:
    """Return how long a balance lasts if what runs in its account goes on.

    What draws on a package is paid from the balance as soon as that is used up: spending rises then. Where several
    packages cover an instance, it draws on one after the other in their order. None when nothing that is known is
    paid from the balance in its currency, or when the end is further off than a calendar goes.
    """
    account, currency = balance.ref.account, balance.available.currency
    own = [row for row in rows if row.ref.account == account]
    covering = [(package, covered(package, own)) for package in packages if package.ref.account == account]
    prepaid = [
        _Prepaid(Fraction(package.balance), frozenset(row.ref for row in drawing))
        for package, drawing in covering
        if drawing and package.balance is not None and package.balance > 0
    ]
    # Of a package whose balance is unknown nobody can say what it pays for.
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
