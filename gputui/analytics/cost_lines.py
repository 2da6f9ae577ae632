"""Lines of cost: the billed parts of accounts, and each account as a whole, followed by its parts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce
from typing import Any

from gputui.analytics import cost
from gputui.analytics.run_out import Lasting, lasting
from gputui.late_dataclasses import dataclass
from gputui.models import Balance, Deployment, Instance, Money, Package, Ref, Row, Volume

UNPRICED = "unpriced"
"""The kind of a Ref of the resources of an account without a price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """The hourly cost of a part of an account, or of the ``whole`` of it, in one currency.

    A part is a ``deployment``, by instances or as a whole; where that is None, the instances without a deployment,
    or the ``volumes``: one of the two numbers is 0. ``name`` is that of the deployment. ``gpus`` does not count the
    ``gpus_unknown`` instances, whose number of GPUs is unknown. ``per_hour`` is None for resources without a price.

    Of the ``things`` of a whole, ``lacking`` have no price. It has the ``balance`` in its currency, and how long that
    is ``lasting``. It is ``partial`` where a filter may exclude rows that cost: all its numbers are lower bounds.
    """

    ref: Ref
    account: str
    per_hour: Money | None
    deployment: Ref | None = None
    name: str = ""
    instances: int = 0
    gpus: int = 0
    volumes: int = 0
    gpus_unknown: int = 0
    whole: bool = False
    things: int = 0
    lacking: int = 0
    balance: Money | None = None
    lasting: Lasting | None = None
    partial: bool = False

    @property
    def is_unpriced(self) -> bool:
        """Whether this is the line of the resources without a price."""
        return not self.whole and self.per_hour is None


def parts(rows: Iterable[Row], billing: Collection[str] | None = None) -> list[CostLine]:
    """Return the billed parts by account, deployment and currency; volumes are a separate part.

    They are ordered by account, as the rows are, and currency, the most expensive first, those without a price last.
    ``billing`` leaves out accounts that are not billed and have no price (:func:`.billed`).
    """
    kept = list(rows)
    hosts, charged = cost.host_gpus(kept), cost.costing(kept)
    sums = cost.sums_of(charged, hosts)
    return _parts(kept, charged, hosts, sums if billing is None else cost.billed(sums, billing))


def _parts(
    rows: Iterable[Row], charged: Iterable[cost.Costing], hosts: cost.HostGpus, counted: Collection[str]
) -> list[CostLine]:
    """Return the parts of the ``counted`` accounts."""
    names = {row.ref: row.name for row in rows if isinstance(row, Deployment)}
    groups: dict[tuple[str, Ref | None, bool, str], list[cost.Costing]] = {}
    for row in charged:
        parent = row.ref if isinstance(row, Deployment) else row.parent if isinstance(row, Instance) else None
        price = cost.price_of(row)
        key = (row.ref.account, parent, isinstance(row, Volume), price.currency if price else "")
        groups.setdefault(key, []).append(row)
    found = [
        CostLine(
            ref=Ref(account, "cost", f"{currency}/{'volumes/' if volumes else '' if parent is None else parent.id}"),
            account=account,
            deployment=parent,
            name="" if parent is None else names.get(parent, parent.id),
            instances=0 if volumes else sum(map(cost.instances_in, group)),
            gpus=sum(count or 0 for count in counts),
            per_hour=cost.sum_of(group, hosts).amounts.get(currency, Money(Decimal(0), currency))
            if currency
            else None,
            volumes=len(group) if volumes else 0,
            gpus_unknown=counts.count(None),
        )
        for (account, parent, volumes, currency), group in groups.items()
        if account in counted
        for counts in [[cost.gpus_in(row, hosts) for row in group]]
    ]
    order = {account: place for place, account in enumerate(dict.fromkeys(part.account for part in found))}

    def place(part: CostLine) -> tuple[object, ...]:
        price = part.per_hour
        return (order[part.account], *((True, "", 0) if price is None else (False, price.currency, -price.amount)))

    return sorted(found, key=place)


def cost_lines(
    rows: Collection[Row],
    balances: Iterable[Balance],
    accounts: Iterable[str],
    *,
    packages: Collection[Package] = (),
    billing: Collection[str] = (),
    partial: Collection[str] = (),
    now: datetime | None = None,
) -> list[CostLine]:
    """Return a line for each account and currency, followed by its parts, the most expensive first.

    An account with a balance has a line in its currency. Resources without a price have a line of their own at the
    end of their account, and are counted in its first line. ``billing`` are the accounts whose instances are billed,
    ``partial`` those of which only some rows are known.
    """
    hosts, charged = cost.host_gpus(rows), cost.costing(rows)
    sums = cost.billed(cost.sums_of(charged, hosts), billing)
    money = {(balance.ref.account, balance.available.currency): balance for balance in balances}
    at = now or datetime.now(UTC)
    found = _parts(rows, charged, hosts, sums)
    lines: list[CostLine] = []
    for account in accounts:
        total = sums.get(account, cost.Total())
        own = [part for part in found if part.account == account]
        without = [part for part in own if part.per_hour is None]
        used = [part.per_hour.currency for part in own if part.per_hour is not None]
        currencies = list(dict.fromkeys((*used, *(currency for name, currency in money if name == account))))
        for number, currency in enumerate(currencies or ([""] if without else [])):
            group = [part for part in own if part.per_hour is not None and part.per_hour.currency == currency]
            balance = money.get((account, currency))
            whole = _merged(
                Ref(account, "cost", currency or UNPRICED),
                [*group, *(without if number == 0 else ())],
                whole=True,
                things=total.things,
                lacking=0 if number else total.lacking,
                balance=None if balance is None else balance.available,
                lasting=None if balance is None else lasting(balance, rows, packages, at),
            )
            # Free resources are counted, and need no line of their own.
            lines += [whole, *(part for part in group if part.per_hour and part.per_hour.amount)]
        if without:
            merged = _merged(Ref(account, "cost", f"{UNPRICED}/"), without)
            things = merged.instances + merged.volumes
            lines.append(replace(merged, things=things, lacking=things))
    return [_lower_bound(line) if line.ref.account in partial else line for line in lines]


def _lower_bound(line: CostLine) -> CostLine:
    end = line.lasting and replace(line.lasting, at_most=True)
    return replace(line, partial=True, lasting=end)


def _merged(ref: Ref, several: Sequence[CostLine], **more: Any) -> CostLine:
    """Return the sum of parts; without a price where none has one."""
    prices = [part.per_hour for part in several if part.per_hour is not None]
    return CostLine(
        ref=ref,
        account=ref.account,
        instances=sum(part.instances for part in several),
        gpus=sum(part.gpus for part in several),
        per_hour=reduce(Money.__add__, prices) if prices else None,
        volumes=sum(part.volumes for part in several),
        gpus_unknown=sum(part.gpus_unknown for part in several),
        **more,
    )
