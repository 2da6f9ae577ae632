"""The hourly cost of the fleet, and its unknown parts.

Currencies are never added. A sum includes the number of its unknown parts, see :class:`Total`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import field, replace
from decimal import Decimal
from functools import reduce

from gputui.analytics.prices import is_charged_for, may_cost
from gputui.late_dataclasses import dataclass
from gputui.models import Deployment, GpuDevice, HostInfo, Instance, Money, Phase, Resource, Row, Volume

Amounts = Mapping[str, Money]
"""An amount for each currency, by name, in the order of first occurrence."""

COSTING = (Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.VOLUMES)
"""The lists whose rows may cost money."""

SIZING = (Resource.HOSTS, Resource.GPUS)
"""The lists with the number of GPUs of an instance that has all of its host's."""

Costing = Instance | Deployment | Volume
_COSTING = Instance, Deployment, Volume  # found faster in a tuple


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


HostGpus = Mapping[tuple[str, str], int]
"""Numbers of GPUs by account and name of the host, '' for the only one; of those seen from within one by its Ref."""


def host_gpus(rows: Iterable[Row]) -> HostGpus:
    """Return how many GPUs each host has, as far as hosts or their GPUs are among the rows."""
    reported: dict[tuple[str, str], int] = {}
    seen: dict[tuple[str, str], set[int]] = {}
    inside: dict[tuple[str, str], set[int]] = {}
    for row in rows:
        if isinstance(row, HostInfo) and row.gpu_count is not None:
            reported[row.ref.account, row.name] = row.gpu_count
        elif isinstance(row, GpuDevice) and row.through is None:
            seen.setdefault((row.ref.account, row.host), set()).add(row.index)
        elif isinstance(row, GpuDevice):
            inside.setdefault((row.ref.account, str(row.through)), set()).add(row.index)
    known = {place: len(indices) for place, indices in seen.items()} | reported
    hosts = Counter(account for account, _ in known)
    only = {(account, ""): count for (account, _), count in known.items() if hosts[account] == 1}
    return {place: len(indices) for place, indices in inside.items()} | known | only


def costing(rows: Iterable[Row]) -> list[Costing]:
    """Return the billed rows: running and starting instances, and existing volumes.

    Rows without a price are included, unless their deployment has one for all of them. A deployment is included only
    where it has a price, in place of its instances.
    """
    found = [row for row in rows if isinstance(row, _COSTING) and _is_charged(row)]
    whole = {row.ref for row in found if isinstance(row, Deployment)}
    return [row for row in found if not isinstance(row, Instance) or row.parent not in whole]


def _is_charged(row: Costing) -> bool:
    if isinstance(row, Instance):
        # A row in an unknown state may cost something. Rows that could not be read are reported by not_read().
        return is_charged_for(row.phase) or (row.phase is Phase.UNKNOWN and row.problem is None)
    if row.price is None:
        return isinstance(row, Volume) and may_cost(row) and row.problem is None
    # A failed row with a price is billed; a stopped deployment is not.
    return row.price.amount > 0 and not (isinstance(row, Deployment) and row.phase is Phase.STOPPED)


def price_of(row: Costing) -> Money | None:
    """Return the hourly price of a row; None where it is unknown."""
    return None if isinstance(row, Instance) and not is_charged_for(row.phase) else row.price


def not_read(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that may cost something and are in no sum, as no more than their names could be read."""
    return [
        row
        for row in rows
        if (isinstance(row, Instance) and row.problem and row.phase is Phase.UNKNOWN)
        or (isinstance(row, Volume) and row.problem and row.price is None and may_cost(row))
    ]


def is_unpriced(row: Instance, parent: Row | None) -> bool:
    """Whether an instance may have a cost without a known price, of its own or of the ``parent``."""
    whole = isinstance(parent, Deployment) and _is_charged(parent)
    return _is_charged(row) and price_of(row) is None and not whole


def by_account(rows: Iterable[Row]) -> dict[str, Total]:
    """Return the hourly cost by account, without accounts that have no cost."""
    kept = list(rows)
    return sums_of(costing(kept), host_gpus(kept))


def sums_of(rows: Iterable[Costing], hosts: HostGpus) -> dict[str, Total]:
    """Return the hourly cost of billed rows by account."""
    groups: dict[str, list[Costing]] = {}
    for row in rows:
        groups.setdefault(row.ref.account, []).append(row)
    return {account: sum_of(group, hosts) for account, group in groups.items()}


def in_order(totals: Mapping[str, Total], accounts: Iterable[str], currencies: Iterable[str] = ()) -> Total:
    """Return the sum of these, its currencies in the order of the accounts that spend them.

    ``accounts`` are the names in the order of the configuration, so that the order of their answers has no effect.
    ``currencies`` come first: those that accounts have by the configuration, also before they have answered.
    """
    return reordered(
        reduce(Total.__add__, (totals[name] for name in accounts if name in totals), Total()), currencies
    )


def reordered(total: Total, currencies: Iterable[str]) -> Total:
    """Return a sum with these currencies first, in their order, as far as it has them."""
    order = dict.fromkeys((*currencies, *total.amounts))
    return replace(total, amounts={each: total.amounts[each] for each in order if each in total.amounts})


def billed(totals: Mapping[str, Total], billing: Collection[str]) -> dict[str, Total]:
    """Return the totals that belong in a sum: of accounts that are billed, or in which a resource has a price.

    An own server without a configured price is not an unknown part of a bill.
    """
    return {account: sums for account, sums in totals.items() if account in billing or sums.priced or sums.amounts}


def sum_of(rows: Collection[Costing], hosts: HostGpus) -> Total:
    """Return the hourly cost of billed rows; ``hosts`` are for instances with all GPUs of theirs."""
    amounts: dict[str, Decimal] = {}
    estimated: set[str] = set()
    things = priced = gpus = unsure = 0
    for row in rows:
        price = price_of(row)
        if price is None:
            things += 1
            count = gpus_in(row, hosts)
            gpus, unsure = gpus + (count or 0), unsure + (count is None)
            continue
        count = 0 if isinstance(row, Volume) else max(1, instances_in(row))
        things, priced = things + count, priced + count
        if price.amount:
            # Not as Money: an object for each row takes most of the time.
            known = amounts.get(price.currency)
            amounts[price.currency] = price.amount if known is None else known + price.amount
            if price.estimated:
                estimated.add(price.currency)
    money = {currency: Money(amount, currency, currency in estimated) for currency, amount in amounts.items()}
    return Total(money, things, priced, gpus, unsure)


def instances_in(row: Row) -> int:
    """Return the number of instances that a row counts as: those of a deployment that run."""
    return (row.running or 0) if isinstance(row, Deployment) else 1


def gpus_in(row: Costing, hosts: HostGpus) -> int | None:
    """Return the number of GPUs that a billed row uses; None where it is unknown."""
    if isinstance(row, Deployment):
        if row.running == 0:
            return 0
        return None if row.running is None or row.gpu_count is None else row.running * row.gpu_count
    return gpus_of(row, hosts) if isinstance(row, Instance) else 0


def gpus_of(instance: Instance, hosts: HostGpus) -> int | None:
    """Return the number of GPUs of an instance, for all GPUs that of the host; None where it is unknown."""
    if instance.gpu_all:
        places = ((instance.ref.account, name) for name in (instance.host or "", str(instance.ref)))
        return next((hosts[place] for place in places if place in hosts), None)
    if instance.gpu_indices is not None:
        return len(instance.gpu_indices)
    return instance.gpu_count
