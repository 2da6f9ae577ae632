"""The lines of the cost view: each account as a whole, followed by its parts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import reduce
from typing import Any

from gputui.analytics.cost import Part, Total, billed, by_account, parts
from gputui.analytics.run_out import Lasting, lasting
from gputui.models import Balance, Money, Package, Ref, Row

UNPRICED = "unpriced"
"""The kind of a Ref of the resources of an account without a price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine(Part):
    """A part of an account, or the ``whole`` of it in one currency.

    Of its ``things``, ``lacking`` have no price. The whole has the ``balance`` in its currency, and how long that is
    ``lasting``. It is ``partial`` where a filter may exclude rows that cost: all its numbers are lower bounds.
    """

    ref: Ref
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
    sums = billed(by_account(rows), billing)
    money = {(balance.ref.account, balance.available.currency): balance for balance in balances}
    at = now or datetime.now(UTC)
    found = parts(rows, billing)
    lines: list[CostLine] = []
    for account in accounts:
        total = sums.get(account, Total())
        own = [part for part in found if part.account == account]
        without = [part for part in own if part.per_hour is None]
        used = [part.per_hour.currency for part in own if part.per_hour is not None]
        currencies = list(dict.fromkeys((*used, *(currency for name, currency in money if name == account))))
        for number, currency in enumerate(currencies or ([""] if without else [])):
            group = [part for part in own if part.per_hour is not None and part.per_hour.currency == currency]
            balance = money.get((account, currency))
            whole = line_of(
                Ref(account, "cost", currency or UNPRICED),
                _merged(account, [*group, *(without if number == 0 else ())]),
                whole=True,
                things=total.things,
                lacking=0 if number else total.lacking,
                balance=None if balance is None else balance.available,
                lasting=None if balance is None else lasting(balance, rows, packages, at),
            )
            # Free resources are counted, and need no line of their own.
            lines += [whole, *(_line(part, currency) for part in group if part.per_hour and part.per_hour.amount)]
        if without:
            merged = _merged(account, without)
            things = merged.instances + merged.volumes
            lines.append(line_of(Ref(account, "cost", f"{UNPRICED}/"), merged, things=things, lacking=things))
    return [_lower_bound(line) if line.ref.account in partial else line for line in lines]


def _lower_bound(line: CostLine) -> CostLine:
    end = line.lasting and replace(line.lasting, at_most=True)
    return replace(line, partial=True, lasting=end)


def line_of(ref: Ref, part: Part, **more: Any) -> CostLine:
    """Return the line of a part."""
    return CostLine(**{field.name: getattr(part, field.name) for field in fields(Part)}, ref=ref, **more)


def _merged(account: str, several: Sequence[Part]) -> Part:
    """Return the sum of parts; without a price where none has one."""
    prices = [part.per_hour for part in several if part.per_hour is not None]
    return Part(
        account,
        None,
        "",
        sum(part.instances for part in several),
        sum(part.gpus for part in several),
        reduce(Money.__add__, prices) if prices else None,
        sum(part.volumes for part in several),
        sum(part.gpus_unknown for part in several),
    )


def _line(part: Part, currency: str) -> CostLine:
    what = "volumes/" if part.volumes else "" if part.deployment is None else part.deployment.id
    return line_of(Ref(part.account, "cost", f"{currency}/{what}"), part)
