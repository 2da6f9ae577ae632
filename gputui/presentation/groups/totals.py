"""The totals in headings. A sum says what it lacks; currencies are never added; unknown is neither none nor zero."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from gputui.analytics.cost import costing
from gputui.analytics.prices import may_cost, price_now
from gputui.formatting import format_bytes, format_money
from gputui.models import Deployment, Instance, Money, Phase, Ref, Volume
from gputui.presentation.columns.column import Cell, Span
from gputui.presentation.columns.context import Context
from gputui.presentation.glyphs import PHASE_GLYPHS, PHASE_STYLES
from gputui.presentation.prices import FREE, UNKNOWN, is_own, sum_cell

_NOTED = (Phase.FAILED, Phase.UNKNOWN, Phase.PENDING, Phase.STOPPING)
"""The phases that are counted next to what runs, in their order: those to look at."""


def known_sum(values: Iterable[float | None]) -> tuple[float, int, int]:
    """Return the sum of the known values, how many are known, and how many are not."""
    total, known, unknown = 0.0, 0, 0
    for value in values:
        if value is None:
            unknown += 1
        else:
            total, known = total + value, known + 1
    return total, known, unknown


def number_total(values: Iterable[float | None]) -> Cell:
    """Write a sum of counts: ``18``, ``18 + ?``, ``?``."""
    total, known, unknown = known_sum(values)
    if not known:
        return (UNKNOWN, "warning") if unknown else ""
    return _with_doubt(f"{total:,.0f}", unknown)


def size_total(sizes: Iterable[int | None]) -> Cell:
    """Write a sum of bytes: ``61.0G``, ``61.0G + ?``; '' where none is known, as in the rows."""
    total, known, unknown = known_sum(sizes)
    return _with_doubt(format_bytes(int(total)), unknown) if known else ""


def _with_doubt(text: str, unknown: int) -> Cell:
    return ((text, ""), (f" + {UNKNOWN}", "warning")) if unknown else text


def phase_total(rows: Sequence[Any], word: str = "running") -> Cell:
    """Count what runs, then what failed, is unknown or in transition: ``9 running  ✗ 1``."""
    counts = Counter(row.phase for row in rows)
    noted: Counter[Span] = Counter()
    for phase in _NOTED:
        noted[PHASE_GLYPHS[phase], PHASE_STYLES[phase]] += counts[phase]
    others = [(f"  {glyph} {count}", style) for (glyph, style), count in noted.items() if count]
    return ((f"{counts[Phase.RUNNING]:,} {word}", "" if counts[Phase.RUNNING] else "muted"), *others)


def price_total(rows: Sequence[Instance | Deployment | Volume], context: Context) -> Cell:
    """Write what an hour of these costs now, by currency, and how many have no price: ``$3.20 + 2 unpriced``.

    Instances without a price, whose deployment has one for all of them, cost as much as that where all of them are
    here; else they are unpriced. Accounts that are not billed have no unknown prices.
    """
    amounts: dict[str, Decimal] = {}
    estimated: set[str] = set()
    free, unpriced = False, 0
    within: Counter[Ref] = Counter()

    def add(price: Money) -> None:
        nonlocal free
        if not price.amount and not price.estimated:
            free = True
            return
        amounts[price.currency] = amounts.get(price.currency, Decimal(0)) + price.amount
        if price.estimated:
            estimated.add(price.currency)

    instances = context.by_deployment()
    for row in rows:
        price = price_now(row, instances)
        if price is not None:
            add(price)
        elif may_cost(row) and not is_own(row) and context.bills(row.ref.account):
            if isinstance(row, Instance) and row.parent is not None:
                within[row.parent] += 1
            else:
                unpriced += 1
    for ref, count in within.items():
        parent = context.get(ref)
        whole = isinstance(parent, Deployment) and bool(costing([parent]))
        if whole and isinstance(parent, Deployment) and parent.price is not None and count >= (parent.running or 0):
            add(parent.price)
        else:
            unpriced += count
    # In the same order in all headings, whatever their rows.
    ordered = sorted(amounts.items(), reverse=True)
    sums = [Money(amount, currency, currency in estimated) for currency, amount in ordered]
    known = "  ".join(map(format_money, sums)) or (FREE if free else "")
    return sum_cell(known, unpriced)


def common_account(rows: Sequence[Any], context: Context) -> Cell:
    """Return the account that all rows have; '' for several."""
    accounts = {row.ref.account for row in rows}
    if len(accounts) != 1:
        return ""
    name = accounts.pop()
    return (name, context.account_style(name) or "muted")
