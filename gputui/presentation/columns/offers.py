"""The columns of the stock, of prepaid packages and of balances."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.formatting import format_bytes, format_money
from gputui.models import Balance, Offer, Package
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.shared import account_column, text_of
from gputui.presentation.deployments import price_range
from gputui.presentation.glyphs import bar
from gputui.presentation.prices import figure_name

BAR_CELLS = 6
LOW = 0.1
"""Below this share of it left, a package is highlighted."""


def offer_columns(context: Context) -> Sequence[Column[Offer]]:
    """Return the columns of the stock as a list."""
    return [
        Column("gpu", "GPU", lambda row: row.gpu_model),
        account_column(context),
        Column("region", "REGION", lambda row: row.region),
        Column("idle", "IDLE", _idle, right=True),
        Column("total", "TOTAL", lambda row: text_of(row.total), right=True),
        Column("vram", "VRAM", lambda row: format_bytes(row.gpu_memory), right=True),
        Column("price", "PRICE/H", lambda row: price_range(row.price_from, row.price_to), right=True),
    ]


def _idle(row: Offer) -> str:
    if row.idle is None and row.available is not None:
        return "yes" if row.available else "no"
    return text_of(row.idle)


def package_columns(context: Context) -> Sequence[Column[Package]]:
    """Return the columns of prepaid packages."""
    return [
        Column("gpu", "GPU", lambda row: row.gpu_model or "?", lambda row: (row.gpu_model, row.ref), max_width=24),
        account_column(None, 1),
        Column(
            "regions",
            "REGIONS",
            lambda row: ", ".join(row.regions) or ("all" if row.gpu_model else ""),
            width=6,
            max_width=30,
            flex=True,
            priority=2,
        ),
        Column(
            "left",
            "HOURS LEFT",
            _left,
            lambda row: row.balance,
            width=BAR_CELLS + 5,
            plain=lambda row: hours_text(row.balance),
        ),
        Column(
            "total",
            "HOURS",
            lambda row: _hours(row.total),
            lambda row: row.total,
            shown=False,
            plain=lambda row: hours_text(row.total),
        ),
    ]


def balance_columns(context: Context) -> Sequence[Column[Balance]]:
    """Return the columns of balances."""
    return [
        account_column(context),
        Column("available", "AVAILABLE", lambda row: format_money(row.available), right=True),
        Column(
            "other",
            "OTHER FIGURES",
            lambda row: ", ".join(f"{figure_name(name)} {figure}" for name, figure in row.parts),
        ),
    ]


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
    return [
        (bar(share, BAR_CELLS), "bad" if share < LOW else "accent"),
        (f" {_hours(row.balance)}", ""),
        (f" of {_hours(row.total)}", "muted"),
    ]
