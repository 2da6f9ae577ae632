"""Prices and sums in words: exact, ``~`` estimated, ``?`` unknown, ``–`` free, ``≥`` at least. Pure.

What has ended and is not reported to cost anything has no price, whatever it cost while it ran.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from gputui.analytics.cost import Total
from gputui.analytics.prices import NO_INSTANCES, ByDeployment, Priced, may_cost, price_now
from gputui.analytics.run_out import Lasting
from gputui.formatting import format_minutes, format_money
from gputui.models import Deployment, Instance, Money, Volume
from gputui.presentation.columns.column import Cell

UNKNOWN, FREE, AT_LEAST = "?", "–", "≥ "


_FIGURES = {
    "assets": "total",
    "blocked_asset": "blocked",
    "voucher_balance": "vouchers",
    "certain_conditions_voucher_balance": "conditional vouchers",
    "accumulate": "spent in total",
    "total_recharge_asset": "recharged in total",
    "available_coupon_num": "available coupons",
    "to_expire_voucher_num": "expiring vouchers",
}
"""Names for the other figures of a balance, by those of the wallet's answer."""


def price_text(row: Priced, instances: ByDeployment = NO_INSTANCES) -> str:
    """Write what an hour of it costs now; '' for what has ended and costs nothing, and for machines of one's own."""
    price = price_now(row, instances)
    if price is None:
        return UNKNOWN if may_cost(row) and not is_own(row) else ""
    return money_text(price)


def is_own(row: Priced) -> bool:
    """Return whether it is a machine that no vendor rents out, or a container on one."""
    return isinstance(row, Instance) and (row.machine is not None or bool(row.ssh is not None and row.ssh.enter))


def price_sentence(row: Priced, instances: ByDeployment = NO_INSTANCES, *, billed: bool = True) -> str:
    """Say what an hour of it costs: ``$1.80/h``, ``unknown``, ``free``; '' for what has ended.

    A deployment that costs nothing has no instances now: that is not free of charge.
    What is not ``billed`` and has no price is not said to be unknown.
    """
    price = price_now(row, instances) if row.price is None else row.price
    if price is None:
        return "unknown" if billed and may_cost(row) else ""
    if not price.amount:
        return "no cost now" if isinstance(row, Deployment) else "free"
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


# --- sums -----------------------------------------------------------------------------------------------------

SOON = 24 * 60
"""Within so many minutes the end of a balance is highlighted."""


def gpus_text(known: int, unknown: int) -> str:
    """Write a number of GPUs, plus ``unknown`` instances whose number is not known: ``8``, ``8 + ?``, ``?``."""
    if not unknown:
        return str(known)
    return f"{known} + ?" if known else "?"


def unpriced_gpus_text(total: Total) -> str:
    """Write how many GPUs of a sum have no price: ``8 GPUs unpriced``, ``8 + ? GPUs unpriced``; '' for none."""
    if not total.gpus and not total.unsure:
        return ""
    return f"{gpus_text(total.gpus, total.unsure)} GPU{'' if (total.gpus, total.unsure) == (1, 0) else 's'} unpriced"


def lacking_text(total: Total) -> str:
    """Write what a sum lacks: ``20 GPUs unpriced``, without GPUs ``3 unpriced``; '' for nothing."""
    if not total.lacking:
        return ""
    return unpriced_gpus_text(total) or unpriced_text(total.lacking)


def unpriced_text(count: int) -> str:
    """Write how many things of a sum have no price: ``3 unpriced``; '' for none."""
    return f"{count:,} unpriced" if count else ""


def sum_parts(amounts: Iterable[Money], unpriced: int) -> list[str]:
    """Return what a sum by the hour consists of, to be joined by ``+``: ``$3.20/h``, ``2 unpriced``."""
    return [*(f"{format_money(each)}/h" for each in amounts), *filter(None, [unpriced_text(unpriced)])]


def sum_cell(known: str, unpriced: int) -> Cell:
    """Return a sum in a table, and how many have no price: ``$3.20 + 2 unpriced``."""
    lacking = unpriced_text(unpriced)
    return ((known, ""), (f"{' + ' if known else ''}{lacking}", "warning")) if lacking else known


def unstated_text(accounts: Collection[str]) -> str:
    """Say that these accounts are in no sum since their prices are not configured, and how to do that."""
    tables = ", ".join(f"[accounts.{name}]" for name in accounts)
    return f"{', '.join(accounts)}: no price stated; set price, or price = 0, in {tables}."


def runs_out_text(end: Lasting | None, now: datetime) -> Cell:
    """Write in how long money runs out: ``2d 07h``, ``~`` for an estimate, ``≤`` where it may end sooner."""
    if end is None:
        return ""
    minutes = int((end.until - now).total_seconds()) // 60
    if minutes <= 0:
        return ("✗ used up", "bad")
    sign = "≤ " if end.at_most else "~" if end.estimated else ""
    return (f"{sign}{format_minutes(minutes)}", "warning" if minutes < SOON else "")
