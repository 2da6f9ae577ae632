"""What the fleet costs an hour, what of that is not known, and how long money and prepaid time last.

Two currencies are never added. A sum carries what it lacks: see :class:`Total`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from gputui.models import Balance, Deployment, Instance, Money, Package, Phase, Ref, Resource, Row, Volume, gpu_label
from gputui.prices import may_cost

Amounts = Mapping[str, Money]
"""An amount for each currency, by its name, in the order in which the currencies came."""

COSTING = (Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.VOLUMES)
"""The lists whose rows may cost money."""

Costing = Instance | Deployment | Volume

_CHARGED = frozenset({Phase.RUNNING, Phase.PENDING})


@dataclass(frozen=True, slots=True)
class Total:
    """What an hour of some things costs, and what that sum lacks.

    ``things`` are instances, those of a deployment with a price of its own included, and volumes that have no price;
    ``priced`` of them have a price, free ones too. ``gpus`` are how many GPUs the others have, as far as that is
    known.
    """

    amounts: Amounts = field(default_factory=dict)
    things: int = 0
    priced: int = 0
    gpus: int = 0

    @property
    def lacking(self) -> int:
        """How many things are not in the sum."""
        return self.things - self.priced

    def __add__(self, other: Total) -> Total:
        amounts = dict(self.amounts)
        for currency, money in other.amounts.items():
            amounts[currency] = amounts[currency] + money if currency in amounts else money
        return Total(amounts, self.things + other.things, self.priced + other.priced, self.gpus + other.gpus)


@dataclass(frozen=True, slots=True)
class Part:
    """What some things of an account cost an hour in one currency; ``per_hour`` is None for those without a price.

    They are the instances of a ``deployment``, or that as a whole; where it is None, the instances that have none, or
    the ``volumes``. How many there are of each is 0 where the part is made of the other.
    """

    account: str
    deployment: Ref | None
    per_hour: Money | None
    instances: int = 0
    gpus: int = 0
    volumes: int = 0


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
        return row.phase in _CHARGED or (row.phase is Phase.UNKNOWN and row.problem is None)
    if row.price is None:
        return isinstance(row, Volume) and may_cost(row) and row.problem is None
    # What failed and still costs something costs that; a deployment that was stopped does not.
    return row.price.amount > 0 and not (isinstance(row, Deployment) and row.phase is Phase.STOPPED)


def price_of(row: Costing) -> Money | None:
    """Return what it adds to a sum; None where that is not known."""
    return None if isinstance(row, Instance) and row.phase not in _CHARGED else row.price


def not_read(rows: Iterable[Row]) -> set[str]:
    """Return the accounts of which something that may cost could not be read in full: their sums may be too low."""
    return {row.ref.account for row in rows if isinstance(row, Instance | Volume) and row.problem}


def is_unpriced(row: Instance, parent: Row | None) -> bool:
    """Whether an instance may cost something of which no price is known, in its ``parent`` neither."""
    whole = isinstance(parent, Deployment) and _is_charged(parent)
    return _is_charged(row) and price_of(row) is None and not whole


def total(rows: Iterable[Row]) -> Total:
    """Return what an hour of these costs, and what that lacks."""
    return _sum(costing(rows))


def hourly(rows: Iterable[Row]) -> Amounts:
    """Return what an hour of these costs, by currency, as far as it is known."""
    return total(rows).amounts


def by_account(rows: Iterable[Row]) -> dict[str, Total]:
    """Return what an hour costs, by account; accounts in which nothing may cost are not in it."""
    groups: dict[str, list[Costing]] = {}
    for row in costing(rows):
        groups.setdefault(row.ref.account, []).append(row)
    return {account: _sum(group) for account, group in groups.items()}


def billed(totals: Mapping[str, Total], billing: Collection[str]) -> dict[str, Total]:
    """Return the totals that belong in a sum: of accounts that are billed, or of which something has a price.

    An own server that nobody stated a price for is no gap in a bill.
    """
    return {account: sums for account, sums in totals.items() if account in billing or sums.priced or sums.amounts}


def _sum(rows: Collection[Costing]) -> Total:
    amounts: dict[str, Money] = {}
    things = priced = gpus = 0
    for row in rows:
        price = price_of(row)
        if price is None:
            things += 1
            gpus += _known_gpus(row)
            continue
        count = 0 if isinstance(row, Volume) else max(1, _instances_in(row))
        things, priced = things + count, priced + count
        if price.amount:
            amounts[price.currency] = amounts[price.currency] + price if price.currency in amounts else price
    return Total(amounts, things, priced, gpus)


def parts(rows: Iterable[Row]) -> list[Part]:
    """Return what is paid for in parts, by account, deployment and currency; volumes are a part of their own."""
    groups: dict[tuple[str, Ref | None, bool, str], list[Costing]] = {}
    for row in costing(rows):
        parent = row.ref if isinstance(row, Deployment) else row.parent if isinstance(row, Instance) else None
        price = price_of(row)
        groups.setdefault(
            (row.ref.account, parent, isinstance(row, Volume), price.currency if price else ""), []
        ).append(row)
    return [
        Part(
            account,
            parent,
            _sum(group).amounts.get(currency, Money(Decimal(0), currency)) if currency else None,
            instances=0 if volumes else sum(map(_instances_in, group)),
            gpus=0 if volumes else sum(map(_gpus_in, group)),
            volumes=len(group) if volumes else 0,
        )
        for (account, parent, volumes, currency), group in groups.items()
    ]


def _known_gpus(row: Costing) -> int:
    known = isinstance(row, Instance) and (row.gpu_indices is not None or row.gpu_count is not None)
    return _gpus_in(row) if known else 0


def _instances_in(row: Row) -> int:
    return (row.running or 0) if isinstance(row, Deployment) else 1


def _gpus_in(row: Row) -> int:
    if isinstance(row, Deployment):
        return (row.running or 0) * (1 if row.gpu_count is None else row.gpu_count)
    return gpus_of(row) if isinstance(row, Instance) else 0


def gpus_of(instance: Instance) -> int:
    """Return how many GPUs an instance has; one that does not say has one."""
    if instance.gpu_indices is not None:
        return len(instance.gpu_indices)
    return 1 if instance.gpu_count is None else instance.gpu_count


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


def gpus_in_use(package: Package, rows: Iterable[Row]) -> int:
    """Return how many GPUs draw on a package now."""
    return sum(gpus_of(instance) for instance in covered(package, rows))


def run_out(package: Package, rows: Iterable[Row], now: datetime) -> datetime | None:
    """Return when a package is used up if what draws on it now goes on and no other package helps.

    None when nothing draws on it, when its balance is not known, or when it is further off than a calendar goes.
    """
    gpus = gpus_in_use(package, rows)
    if gpus <= 0 or package.balance is None:
        return None
    try:
        return now + timedelta(seconds=max(0, package.balance) / gpus)
    except OverflowError:
        return None


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a balance lasts at what is spent now. ``until`` is when it is used up.

    ``at_most``: something that runs has no price, so it may end sooner. ``estimated``: the spending is an estimate.
    """

    until: datetime
    at_most: bool
    estimated: bool


def lasting(balance: Balance, rows: Collection[Row], packages: Collection[Package], now: datetime) -> Lasting | None:
    """Return how long a balance lasts if what runs in its account goes on.

    What draws on prepaid time is not paid from it. None when nothing that is known is paid from it in its currency,
    or when the end is further off than a calendar goes.
    """
    account, currency = balance.ref.account, balance.available.currency
    own = [row for row in rows if row.ref.account == account]
    prepaid = {
        instance.ref
        for package in packages
        if package.ref.account == account and package.balance
        for instance in covered(package, own)
    }
    spent = total([row for row in own if row.ref not in prepaid])
    money = spent.amounts.get(currency)
    if money is None or money.amount <= 0:
        return None
    try:
        hours = float(max(Decimal(0), balance.available.amount) / money.amount)
        return Lasting(now + timedelta(hours=hours), spent.lacking > 0, money.estimated or bool(prepaid))
    except (OverflowError, ArithmeticError, ValueError):
        return None
