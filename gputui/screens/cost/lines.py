"""The lines of the cost view: what accounts, deployments and volumes cost, and what of it has no price. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce

from gputui.analytics.cost import Lasting, Part, Total, billed, by_account, lasting, parts
from gputui.models import Balance, Money, Package, Ref, Row
from gputui.screens.instances import UNPRICED


@dataclass(frozen=True, slots=True)
class CostLine:
    """What an account, one of its deployments, or its volumes, spend an hour in one currency.

    ``deployment`` is None for the line of an account as a whole, which has its ``balance``, for what belongs to no
    deployment, for ``volumes``, of which it has the number, and for the instances without a price (``per_hour`` is
    None). ``name`` is empty for a whole account; of its ``things``, ``lacking`` have no price. ``gpus`` are
    those of all but the ``unsure``, whose number of GPUs is not known.
    """

    ref: Ref
    name: str
    deployment: Ref | None
    instances: int
    gpus: int
    per_hour: Money | None
    balance: Money | None = None
    volumes: int = 0
    unsure: int = 0
    things: int = 0
    lacking: int = 0
    lasting: Lasting | None = None

    @property
    def is_unpriced(self) -> bool:
        """Whether this is the line of the instances without a price."""
        return bool(self.name) and self.per_hour is None


def cost_lines(
    rows: Collection[Row],
    balances: Iterable[Balance],
    names: Mapping[Ref, str],
    accounts: Iterable[str],
    *,
    packages: Collection[Package] = (),
    billing: Collection[str] = (),
    now: datetime | None = None,
) -> list[CostLine]:
    """Return a line for each account and currency, each followed by its deployments, the dearest first.

    ``names`` are those of the deployments. An account that tells a balance has a line in its currency. What has no
    price has a line of its own at the end of its account, and is counted in the account's first line. ``billing`` are
    the accounts whose instances are billed.
    """
    sums = billed(by_account(rows), billing)
    have = {(balance.ref.account, balance.available.currency): balance for balance in balances}
    at = now or datetime.now(UTC)
    found = parts(rows)
    lines: list[CostLine] = []
    for account in accounts:
        total = sums.get(account, Total())
        own = [part for part in found if part.account == account and account in sums]
        without = [part for part in own if part.per_hour is None]
        priced = sorted(
            (_line(part, part.per_hour, names) for part in own if part.per_hour is not None),
            key=lambda line: line.per_hour.amount if line.per_hour else Decimal(0),
            reverse=True,
        )
        told = [part.per_hour.currency for part in own if part.per_hour is not None]
        currencies = dict.fromkeys((*told, *(currency for name, currency in have if name == account)))
        if without and not currencies:
            currencies = {"": None}
        for number, currency in enumerate(currencies):
            group = [line for line in priced if line.per_hour and line.per_hour.currency == currency]
            counted = [*group, *(_unpriced(account, without) if without and not number else ())]
            balance = have.get((account, currency))
            whole = CostLine(
                Ref(account, "cost", currency or UNPRICED),
                "",
                None,
                sum(line.instances for line in counted),
                sum(line.gpus for line in counted),
                _sum_of(line.per_hour for line in group),
                None if balance is None else balance.available,
                sum(line.volumes for line in counted),
                unsure=sum(line.unsure for line in counted),
                things=total.things,
                lacking=0 if number else total.lacking,
                lasting=lasting(balance, rows, packages, at) if balance else None,
            )
            # What is free is counted, and needs no line of its own.
            lines += [whole, *(line for line in group if line.per_hour and line.per_hour.amount)]
        lines += _unpriced(account, without) if without else ()
    return lines


def _sum_of(amounts: Iterable[Money | None]) -> Money | None:
    known = [money for money in amounts if money is not None]
    return None if not known else reduce(Money.__add__, known)


def _unpriced(account: str, without: Iterable[Part]) -> list[CostLine]:
    """Return the line of what has no price."""
    counts = [(part.instances, part.gpus, part.volumes, part.unsure) for part in without]
    instances, gpus, volumes, unsure = (sum(column) for column in zip(*counts, strict=True))
    return [
        CostLine(
            Ref(account, "cost", f"{UNPRICED}/"),
            "unpriced",
            None,
            instances,
            gpus,
            None,
            volumes=volumes,
            unsure=unsure,
            things=instances + volumes,
            lacking=instances + volumes,
        )
    ]


def _line(part: Part, per_hour: Money, names: Mapping[Ref, str]) -> CostLine:
    if part.volumes:
        name, what = f"{part.volumes} volume{'s' if part.volumes > 1 else ''}", "volumes/"
    elif part.deployment is None:
        name, what = "no deployment", ""
    else:
        name, what = names.get(part.deployment, part.deployment.id), part.deployment.id
    return CostLine(
        Ref(part.account, "cost", f"{per_hour.currency}/{what}"),
        name,
        part.deployment,
        part.instances,
        part.gpus,
        per_hour,
        volumes=part.volumes,
        unsure=part.unsure,
    )
