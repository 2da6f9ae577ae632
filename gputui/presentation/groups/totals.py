"""The totals in headings. A sum says what it lacks; currencies are never added; unknown is neither none nor zero."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, TypeAlias, TypeVar

from gputui.analytics.cost import costing
from gputui.analytics.prices import may_cost, price_now
from gputui.formatting import format_bytes, format_money
from gputui.models import Deployment, Instance, Money, Phase, Ref, Volume
from gputui.presentation.columns.column import Cell, Span
from gputui.presentation.columns.context import Context
from gputui.presentation.glyphs import PHASE_GLYPHS, PHASE_STYLES
from gputui.presentation.groups.grouping import Total
from gputui.presentation.prices import FREE, UNKNOWN, is_own, sum_cell

_NOTED = (Phase.FAILED, Phase.UNKNOWN, Phase.PENDING, Phase.STOPPING)
"""The phases that are counted next to what runs, in their order: those to look at."""


_Number = TypeVar("_Number", bound=float | None)


def known_sum(values: Mapping[_Number, int]) -> tuple[float, int, int]:
    """Return the sum of the known values, each as often as is said, how many are known, and how many are not."""
    total, known, unknown = 0.0, 0, 0
    for value, count in values.items():
        if value is None:
            unknown += count
        else:
            total, known = total + value * count, known + count
    return total, known, unknown


def number_total(values: Mapping[_Number, int]) -> Cell:
    """Write a sum of counts: ``18``, ``18 + ?``, ``?``."""
    total, known, unknown = known_sum(values)
    if not known:
        return (UNKNOWN, "warning") if unknown else ""
    return _with_doubt(f"{total:,.0f}", unknown)


def size_total(sizes: Mapping[int | None, int]) -> Cell:
    """Write a sum of bytes: ``61.0G``, ``61.0G + ?``; '' where none is known, as in the rows."""
    total, known, unknown = known_sum(sizes)
    return _with_doubt(format_bytes(int(total)), unknown) if known else ""


def _with_doubt(text: str, unknown: int) -> Cell:
    return ((text, ""), (f" + {UNKNOWN}", "warning")) if unknown else text


def phase_total(word: str = "running") -> Total[Any]:
    """Return the total that counts what runs, then what failed, is unknown or in transition: ``9 running  ✗ 1``."""

    def combine(counts: Mapping[Phase, int]) -> Cell:
        noted: Counter[Span] = Counter()
        for phase in _NOTED:
            noted[PHASE_GLYPHS[phase], PHASE_STYLES[phase]] += counts.get(phase, 0)
        others = [(f"  {glyph} {count}", style) for (glyph, style), count in noted.items() if count]
        running = counts.get(Phase.RUNNING, 0)
        return ((f"{running:,} {word}", "" if running else "muted"), *others)

    return Total(attrgetter("phase"), combine)


_Price: TypeAlias = tuple[str, Decimal, bool]
"""Currency, amount, and whether it is an estimate: such a part is compared in a fraction of the time of Money."""
_UNPRICED: Final = "unpriced"


def price_total(context: Context) -> Total[Any]:
    """Return the total of what an hour costs now, by currency, with how many have no price: ``$3.20 + 2 unpriced``.

    Instances without a price, whose deployment has one for all of them, cost as much as that where all of them are
    here; else they are unpriced. Accounts that are not billed have no unknown prices.
    """

    def part(row: Instance | Deployment | Volume) -> _Price | Ref | str | None:
        """Return the price, the deployment that may have it, or that it is unknown."""
        price = price_now(row, context.by_deployment())
        if price is not None:
            return price.currency, price.amount, price.estimated
        if not may_cost(row) or is_own(row) or not context.bills(row.ref.account):
            return None
        return row.parent if isinstance(row, Instance) and row.parent is not None else _UNPRICED

    def combine(parts: Mapping[_Price | Ref | str | None, int]) -> Cell:
        unpriced = parts.get(_UNPRICED, 0)
        prices: list[tuple[Money, int]] = []
        for one, count in parts.items():
            if isinstance(one, tuple):
                currency, amount, estimated = one
                prices.append((Money(amount, currency, estimated), count))
            elif isinstance(one, Ref):
                whole = _price_of_all(one, count, context)
                prices += [] if whole is None else [(whole, 1)]
                unpriced += count if whole is None else 0
        return sum_cell(_money(prices), unpriced)

    return Total(part, combine)


def _price_of_all(ref: Ref, count: int, context: Context) -> Money | None:
    """Return the price that a deployment has for all its instances, where so many are all of them."""
    parent = context.get(ref)
    if not isinstance(parent, Deployment) or not costing([parent]) or count < (parent.running or 0):
        return None
    return parent.price


def _money(prices: list[tuple[Money, int]]) -> str:
    """Write the sums of prices, each as often as is said, by currency: ``$2.41  ¥3.10``; ``–`` where all is free."""
    sums: dict[str, Money] = {}
    for price, count in prices:
        if price.amount or price.estimated:
            before = sums.get(price.currency, Money(Decimal(0), price.currency))
            sums[price.currency] = before + price.times(count)
    # In the same order in all headings, whatever their rows.
    ordered = (sums[currency] for currency in sorted(sums, reverse=True))
    return "  ".join(map(format_money, ordered)) or (FREE if prices else "")


def common_account(context: Context) -> Total[Any]:
    """Return the account that all rows have; '' for several."""

    def combine(accounts: Mapping[str, int]) -> Cell:
        if len(accounts) != 1:
            return ""
        name = next(iter(accounts))
        return (name, context.account_style(name) or "muted")

    return Total(attrgetter("ref.account"), combine)
