"""How a price is shown and sorted, the same in every list: exact, ``~`` an estimate, ``?`` unknown, ``–`` free.

Pure. What has ended and is not said to cost anything has no price in a list, whatever it cost while it ran.
"""

from __future__ import annotations

from gputui.analytics.prices import _NO_INSTANCES, ByDeployment, Priced, may_cost, price_now
from gputui.formatting import format_money
from gputui.models import Deployment, Money, Volume

UNKNOWN, FREE = "?", "–"


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
