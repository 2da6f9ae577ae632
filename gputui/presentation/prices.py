"""How a price is shown and sorted, the same in every list: exact, ``~`` an estimate, ``?`` unknown, ``–`` free.

Pure. What has ended and is not said to cost anything has no price in a list, whatever it cost while it ran.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from types import MappingProxyType

from gputui.formatting import format_money
from gputui.models import Deployment, Instance, Money, Phase, Ref, Row, Volume

UNKNOWN, FREE = "?", "–"

Priced = Instance | Deployment | Volume

_FIGURES = {
    "assets": "total",
    "blocked_asset": "blocked",
    "voucher_balance": "vouchers",
    "certain_conditions_voucher_balance": "conditional vouchers",
    "accumulate": "accumulated",
    "total_recharge_asset": "recharged in total",
    "available_coupon_num": "available coupons",
    "to_expire_voucher_num": "expiring vouchers",
}
"""Names for the other figures of a balance, by those of the wallet's answer."""

CHARGED = frozenset({Phase.RUNNING, Phase.PENDING})
"""States in which an instance is paid for."""

_NO_INSTANCES: Mapping[Ref, Sequence[Instance]] = MappingProxyType({})
_ENDED = frozenset({Phase.STOPPED, Phase.FAILED})


ByDeployment = Mapping[Ref, Sequence[Instance]]
"""Instances by the deployment that they belong to."""


def by_deployment(rows: Iterable[Row]) -> ByDeployment:
    """Return the instances of deployments, by these."""
    found: dict[Ref, list[Instance]] = {}
    for row in rows:
        if isinstance(row, Instance) and row.parent is not None:
            found.setdefault(row.parent, []).append(row)
    return found


def price_now(row: Priced, instances: ByDeployment = _NO_INSTANCES) -> Money | None:
    """Return what an hour of it costs now: None where that is not known, and where it has ended.

    A deployment whose ``instances`` state their own prices costs the sum of these; where one of them is not known, it
    has its estimate. What failed and is still said to cost something costs that.
    """
    match row:
        case Instance():
            return None if row.phase in _ENDED else row.price
        case Volume():
            return row.price
    if row.phase in _ENDED:
        return row.price if _still_costs(row) else None
    if row.price is not None:
        return row.price
    summed = _summed(row, instances.get(row.ref, ()))
    return row.price_estimate if summed is None else summed


def _summed(row: Deployment, instances: Sequence[Instance]) -> Money | None:
    """Return the sum of the prices of a deployment's instances; None where it would lack something."""
    charged = [each for each in instances if each.phase in CHARGED]
    whole = row.running is None or len(charged) >= row.running
    prices = [each.price for each in charged if each.price is not None]
    if not prices or not whole or len(prices) < len(charged) or len({price.currency for price in prices}) > 1:
        return None
    if any(each.phase is Phase.UNKNOWN for each in instances):
        return None
    return reduce(Money.__add__, prices)


def may_cost(row: Priced) -> bool:
    """Whether it may cost something now: a price that is missing is unknown then, not none."""
    match row:
        case Instance():
            return row.phase not in _ENDED
        case Volume():
            return row.phase is not Phase.FAILED or row.price is not None
    return row.phase not in _ENDED or _still_costs(row)


def _still_costs(row: Deployment) -> bool:
    """Whether a deployment that failed is said to cost something; one that was stopped does not."""
    return row.phase is Phase.FAILED and row.price is not None and row.price.amount > 0


def price_text(row: Priced, instances: ByDeployment = _NO_INSTANCES) -> str:
    """Write what an hour of it costs now; '' for what has ended and costs nothing."""
    price = price_now(row, instances)
    if price is None:
        return UNKNOWN if may_cost(row) else ""
    return money_text(price)


def price_sentence(row: Priced, *, billed: bool = True) -> str:
    """Say what an hour of it costs: ``$1.80 an hour``, ``unknown``, ``free``; '' for what has ended.

    What is not ``billed`` and has no price is not said to be unknown.
    """
    price = row.price
    if price is None:
        return "unknown" if billed and may_cost(row) else ""
    if not price.amount:
        return "free"
    whole = ", all of it" if isinstance(row, Deployment) else ""
    ended = " while it runs" if not isinstance(row, Volume) and price_now(row) is None else ""
    guess = "  (an estimate)" if price.estimated else ""
    return f"{format_money(price)}/h{whole}{ended}{guess}"


def money_text(price: Money) -> str:
    """Write a price; what costs nothing is free."""
    return FREE if not price.amount and not price.estimated else format_money(price)


def figure_name(key: str) -> str:
    """Return a name that people read for a figure of a balance; one that is not known keeps its words."""
    return _FIGURES.get(key) or key.replace("_", " ")


def price_key(price: Money | None) -> tuple[str, Decimal] | None:
    """Return what amounts are ordered by: their currency first, since two of them are never compared."""
    return None if price is None else (price.currency, price.amount)
