"""The fields of lines of spending."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gputui.analytics.prices import price_key
from gputui.analytics.spend import SpendLine
from gputui.formatting import format_money
from gputui.models.periods import By
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context
from gputui.presentation.prices import UNKNOWN
from gputui.presentation.spend import NONE, span_text

SPEND_TABLE = "account name count spent estimate hour time prepaid unpriced deployment owner"
"""The keys of the columns in tables of the command line."""


def spend_columns(context: Context) -> Sequence[Column[SpendLine]]:
    """Return the fields."""

    def account(row: SpendLine) -> Cell:
        if len(row.accounts) == 1:
            return (row.accounts[0], context.account_style(row.accounts[0]))
        return ", ".join(row.accounts)

    return [
        Column(
            "account",
            account,
            lambda row: row.accounts,
            max_width=24,
            anchor=True,
            plain=lambda row: ", ".join(row.accounts),
        ),
        fields.name_like(
            "name",
            lambda row: "" if row.by is By.ACCOUNT else row.name or NONE[row.by],
            width=14,
            flex=True,
            anchor=True,
            when_filled=True,
        ),
        fields.figure("count", lambda row: row.count, priority=4),
        Column(
            "spent",
            _spent,
            lambda row: price_key(row.spent),
            right=True,
            number=lambda row: fields.amount(row.spent),
        ),
        Column(
            "estimate",
            lambda row: ("" if row.estimate is None else f"+ {format_money(row.estimate)}", "warning"),
            lambda row: price_key(row.estimate),
            heading="UNOBSERVED",
            right=True,
            priority=2,
            when_filled=True,
            number=lambda row: fields.amount(row.estimate),
        ),
        Column(
            "hour",
            lambda row: format_money(row.per_hour),
            lambda row: price_key(row.per_hour),
            heading="NOW/H",
            right=True,
            priority=1,
            when_filled=True,
            number=lambda row: fields.amount(row.per_hour),
        ),
        _time("time", lambda row: row.seconds, 3),
        _time("prepaid", lambda row: row.prepaid, 3),
        _time("unpriced", lambda row: row.unpriced, 2, "warning"),
        fields.text(
            "deployment", lambda row: row.parent if row.by is By.INSTANCE else "", priority=5, when_filled=True
        ),
        fields.text("owner", lambda row: "" if row.by is By.OWNER else row.owner, priority=5, when_filled=True),
    ]


def _time(key: str, seconds: Callable[[SpendLine], float], priority: int, style: str = "") -> Column[SpendLine]:
    """Return a column of running time, summed over all things of a line."""
    return Column(
        key,
        lambda row: (span_text(seconds(row)), style),
        lambda row: seconds(row) or None,
        right=True,
        priority=priority,
        when_filled=True,
        number=seconds,
    )


def _spent(row: SpendLine) -> Cell:
    if row.spent is None:
        if row.unpriced:
            return (UNKNOWN, "warning")
        return "" if row.prepaid and row.estimate is None else (UNKNOWN, "muted")
    known = (format_money(row.spent), "strong")
    return [known, (f" + {UNKNOWN}", "warning")] if row.unpriced else known
