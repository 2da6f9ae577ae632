"""The fields of the stock, of prepaid packages and of balances."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.analytics.prices import price_key
from gputui.formatting import format_bytes, format_money
from gputui.models import Balance, Offer, Package, Resource
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context, Lists
from gputui.presentation.deployments import price_range
from gputui.presentation.glyphs import bar
from gputui.presentation.prices import FREE, UNKNOWN, figure_name

BAR_CELLS = 6
_LEFT_CELLS = 12
"""Hours left of all of a package: ``61.5 of 1000``."""
LOW = 0.1
"""Below this share of it left, a package is highlighted."""


def offer_columns(context: Context) -> Sequence[Column[Offer]]:
    """Return the fields of the stock as a list."""

    def price(row: Offer) -> Cell:
        if text := FREE if _is_free(row) else price_range(row.price_from, row.price_to):
            return text
        return (UNKNOWN, "muted") if _is_offer(row) and not context.owns(row.ref.account) else ""

    return [
        Column("gpu", lambda row: row.gpu_model),
        fields.detail("vendor's name", lambda row: row.vendor_name if row.vendor_name != row.gpu_model else ""),
        fields.account(context),
        Column(
            "region",
            lambda row: row.region,
            detail=lambda row: f"{row.region} ({row.region_name})" if row.region_name else row.region,
        ),
        Column("type", lambda row: row.type_id, when_filled=True, label="machine type"),
        Column("idle", _idle, _idle_order, right=True, number=lambda row: row.idle, detail=_idle_of_total),
        fields.figure("total", lambda row: row.total, applies=_is_offer, label=None),
        fields.detail("note", _notes),
        fields.hidden("remark", lambda row: row.remark),
        fields.figure("vram", lambda row: row.gpu_memory, format_bytes, applies=_is_offer, label="gpu memory"),
        Column(
            "price",
            price,
            lambda row: price_key(row.price_to if row.price_from is None else row.price_from),
            heading="PRICE/H",
            number=lambda row: fields.amount(row.price_to if row.price_from is None else row.price_from),
            right=True,
            label="price",
            detail=_price,
        ),
        fields.detail("machine price", _machine_price),
        fields.problem(),
    ]


def _machine_price(row: Offer) -> str:
    return "" if row.machine_price is None else f"{format_money(row.machine_price)}/h"


def _is_free(row: Offer) -> bool:
    return row.price_to is not None and not row.price_to.amount


def _price(row: Offer) -> str:
    if _is_free(row):
        return "free"
    return f"{price}/h" if (price := price_range(row.price_from, row.price_to)) else ""


def _notes(row: Offer) -> str:
    """Return what the figures do not say."""
    single = "counts single GPUs, possibly on different machines" if (row.idle or 0) > 1 else ""
    return "\n".join(note for note in (single, row.remark) if note)


def _is_offer(row: Offer) -> bool:
    """Return whether it is an offer, and not a place whose models could not be read."""
    return bool(row.gpu_model)


def _idle(row: Offer) -> str:
    if row.idle is None and row.available is not None:
        return "yes" if row.available else "no"
    return fields.text_of(row.idle) or (UNKNOWN if _is_offer(row) else "")


def _idle_order(row: Offer) -> int | None:
    """Return how many are idle; where only yes or no is known, one or none."""
    return row.idle if row.idle is not None or row.available is None else int(row.available)


def _idle_of_total(row: Offer) -> str:
    of = f" of {row.total}" if row.total is not None else ""
    return f"{_idle(row)}{of}" if row.idle is not None else _idle(row)


def package_columns(context: Context) -> Sequence[Column[Package]]:
    """Return the fields of prepaid packages."""
    return [
        Column("gpu", lambda row: row.gpu_model or "?", lambda row: (row.gpu_model, row.ref), max_width=24),
        fields.detail("vendor's name", lambda row: row.vendor_name if row.vendor_name != row.gpu_model else ""),
        fields.account(None, 1),
        fields.problem(),
        Column(
            "regions",
            lambda row: ", ".join(row.regions) or ("all" if row.gpu_model else ""),
            width=6,
            max_width=30,
            flex=True,
            priority=2,
        ),
        Column(
            "left",
            _left,
            lambda row: row.balance,
            heading="HOURS LEFT",
            width=BAR_CELLS + 5,
            right=True,
            plain=lambda row: hours_text(row.balance),
            label="left",
            detail=_left_of_total,
        ),
        fields.figure(
            "total",
            lambda row: row.total,
            _hours,
            heading="HOURS",
            shown=False,
            plain=lambda row: hours_text(row.total),
            label="total",
            detail=lambda row: _gpu_hours(row.total),
        ),
    ]


def balance_columns(context: Context) -> Sequence[Column[Balance]]:
    """Return the fields of balances."""
    return [
        fields.account(context),
        fields.figure("available", lambda row: row.available, format_money),
        Column(
            "other",
            lambda row: ", ".join(f"{figure_name(name)} {figure}" for name, figure in row.parts),
            heading="OTHER FIGURES",
            detail=lambda row: "\n".join(f"{figure_name(name)} {figure}" for name, figure in row.parts),
        ),
    ]


def _gpu_hours(seconds: int | None) -> str:
    return "" if seconds is None else f"{seconds / 3600:,.1f} GPU hours  ({seconds:,} s)"


def _left_of_total(row: Package) -> str:
    share = f", {row.balance / row.total:.0%}" if row.balance is not None and row.total else ""
    return f"{_gpu_hours(row.balance)}{share}"


def hours_text(seconds: int | None) -> str:
    """Write GPU time as it is sold: ``120.5 h``; '' when unknown."""
    if seconds is None:
        return ""
    return f"{seconds / 3600:.1f} h" if abs(seconds) < 2**63 else "?"


def _hours(seconds: int | None) -> str:
    if seconds is None:
        return ""
    hours = seconds / 3600
    return f"{hours:.1f}" if 0 < abs(hours) < 99.95 else f"{hours:.0f}"


def _left(row: Package) -> Cell:
    if row.problem:
        return ("not read", "warning") if row.balance is None else f"{_hours(row.balance)}  (not read again)"
    if row.balance is None:
        return ("not reported", "muted")
    if not row.total or row.total < 0:
        return _hours(row.balance)
    share = min(1.0, max(0.0, row.balance / row.total))
    left, total = _hours(row.balance), f" of {_hours(row.total)}"
    return [
        (bar(share, BAR_CELLS), "bad" if share < LOW else "accent"),
        (f" {left:>{_LEFT_CELLS - len(total)}}", ""),
        (total, "muted"),
    ]


LISTS: Lists = {
    Resource.STOCK: (offer_columns, "gpu account region idle total vram price type"),
    Resource.PACKAGES: (package_columns, "gpu account left total regions"),
    Resource.BALANCES: (balance_columns, "account available other"),
}
