"""What the fleet costs an hour, and how long prepaid time lasts. Two currencies are never added."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from gputui.models import Instance, Money, Package, Phase, Ref, Row, gpu_label

Totals = dict[str, Money]
"""An amount for each currency, by its name, in the order in which the currencies came."""

_CHARGED = frozenset({Phase.RUNNING, Phase.PENDING})


def priced(rows: Iterable[Row]) -> list[Instance]:
    """Return the instances that are paid for now: running, or on the way there, with a price."""
    return [row for row in rows if isinstance(row, Instance) and row.price is not None and row.phase in _CHARGED]


def hourly(rows: Iterable[Row]) -> Totals:
    """Return what an hour of these instances costs, by currency."""
    totals: Totals = {}
    for instance in priced(rows):
        if (price := instance.price) is not None:
            totals[price.currency] = totals[price.currency] + price if price.currency in totals else price
    return totals


def by_account(rows: Iterable[Row]) -> dict[str, Totals]:
    """Return what an hour costs, by account and currency; accounts without a price are not in it."""
    groups: dict[str, list[Row]] = {}
    for instance in priced(rows):
        groups.setdefault(instance.ref.account, []).append(instance)
    return {account: hourly(instances) for account, instances in groups.items()}


def by_parent(rows: Iterable[Row]) -> dict[tuple[str, Ref | None], list[Instance]]:
    """Return the instances that are paid for, by account and deployment; None is for those without one."""
    groups: dict[tuple[str, Ref | None], list[Instance]] = {}
    for instance in priced(rows):
        groups.setdefault((instance.ref.account, instance.parent), []).append(instance)
    return groups


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
