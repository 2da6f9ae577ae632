"""What the fleet costs an hour, and how long prepaid time lasts. Two currencies are never added."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gputui.models import Deployment, Instance, Money, Package, Phase, Ref, Resource, Row, Volume, gpu_label

Totals = dict[str, Money]
"""An amount for each currency, by its name, in the order in which the currencies came."""

COSTING = (Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.VOLUMES)
"""The lists whose rows may cost money."""

_CHARGED = frozenset({Phase.RUNNING, Phase.PENDING})


@dataclass(frozen=True, slots=True)
class Part:
    """What some things of an account cost an hour in one currency.

    They are the instances of a ``deployment``, or that as a whole; where it is None, the instances that have none, or
    the ``volumes``. How many there are of each is 0 where the part is made of the other.
    """

    account: str
    deployment: Ref | None
    per_hour: Money
    instances: int = 0
    gpus: int = 0
    volumes: int = 0


def priced(rows: Iterable[Row]) -> list[Instance | Deployment | Volume]:
    """Return what is paid for now and tells its price: what runs or is on the way there, and volumes that are there.

    A deployment has a price of its own only where its instances tell none.
    """
    return [row for row in rows if isinstance(row, Instance | Deployment | Volume) and row.price and _is_charged(row)]


def _is_charged(row: Instance | Deployment | Volume) -> bool:
    # What tells what it costs now costs that, also where it failed.
    return row.phase in _CHARGED if isinstance(row, Instance) else row.price is not None and row.price.amount > 0


def not_read(rows: Iterable[Row]) -> set[str]:
    """Return the accounts of which something that may cost could not be read in full: their sums may be too low."""
    return {row.ref.account for row in rows if isinstance(row, Instance | Volume) and row.problem}


def hourly(rows: Iterable[Row]) -> Totals:
    """Return what an hour of these costs, by currency."""
    totals: Totals = {}
    for row in priced(rows):
        if (price := row.price) is not None:
            totals[price.currency] = totals[price.currency] + price if price.currency in totals else price
    return totals


def by_account(rows: Iterable[Row]) -> dict[str, Totals]:
    """Return what an hour costs, by account and currency; accounts without a price are not in it."""
    groups: dict[str, list[Row]] = {}
    for row in priced(rows):
        groups.setdefault(row.ref.account, []).append(row)
    return {account: hourly(rows) for account, rows in groups.items()}


def parts(rows: Iterable[Row]) -> list[Part]:
    """Return what is paid for in parts, by account, deployment and currency; volumes are a part of their own."""
    groups: dict[tuple[str, Ref | None, bool, str], list[Instance | Deployment | Volume]] = {}
    for row in priced(rows):
        parent = row.ref if isinstance(row, Deployment) else row.parent if isinstance(row, Instance) else None
        currency = row.price.currency if row.price is not None else ""
        groups.setdefault((row.ref.account, parent, isinstance(row, Volume), currency), []).append(row)
    return [
        Part(
            account,
            parent,
            hourly(group)[currency],
            instances=0 if volumes else sum(map(_instances_in, group)),
            gpus=0 if volumes else sum(map(_gpus_in, group)),
            volumes=len(group) if volumes else 0,
        )
        for (account, parent, volumes, currency), group in groups.items()
    ]


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
