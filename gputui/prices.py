"""How a price is shown and sorted, the same in every list: exact, ``~`` an estimate, ``?`` unknown, ``–`` free.

Pure. What has ended and is not said to cost anything has no price in a list, whatever it cost while it ran.
"""

from __future__ import annotations

from decimal import Decimal

from gputui.models import Deployment, Instance, Money, Phase, Volume
from gputui.text import format_money

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

_ENDED = frozenset({Phase.STOPPED, Phase.FAILED})


def price_now(row: Priced) -> Money | None:
    """Return what an hour of it costs now: None where that is not known, and where it has ended.

    A deployment whose instances tell their own prices has its estimate. What failed and is still said to cost
    something costs that.
    """
    match row:
        case Instance():
            return None if row.phase in _ENDED else row.price
        case Volume():
            return row.price
    if row.phase in _ENDED:
        return row.price if _still_costs(row) else None
    return row.price if row.price is not None else row.price_estimate


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


def price_text(row: Priced) -> str:
    """Write what an hour of it costs now; '' for what has ended and costs nothing."""
    price = price_now(row)
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
    return f"{format_money(price)} an hour{whole}{ended}{guess}"


def money_text(price: Money) -> str:
    """Write a price; what costs nothing is free."""
    return FREE if not price.amount and not price.estimated else format_money(price)


def figure_name(key: str) -> str:
    """Return a name that people read for a figure of a balance; one that is not known keeps its words."""
    return _FIGURES.get(key) or key.replace("_", " ")


def price_key(price: Money | None) -> tuple[str, Decimal] | None:
    """Return what amounts are ordered by: their currency first, since two of them are never compared."""
    return None if price is None else (price.currency, price.amount)
