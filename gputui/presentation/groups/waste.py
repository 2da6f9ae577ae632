"""The groupings of waste."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gputui.analytics.waste import totals
from gputui.formatting import format_money
from gputui.models.waste import Waste
from gputui.presentation.columns.column import Cell
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.waste import REASONS
from gputui.presentation.groups import forms
from gputui.presentation.groups.grouping import Grouping, Total
from gputui.presentation.prices import sum_cell

_ORDER = {reason: number for number, reason in enumerate(REASONS)}


def waste_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings, with the price of an hour of what counts."""

    def combine(rows: Mapping[Waste | None, int]) -> Cell:
        amounts, unpriced = totals(row for row in rows if row is not None)
        # In the same order in all headings, whatever their rows.
        ordered = (amounts[currency] for currency in sorted(amounts, reverse=True))
        return sum_cell("  ".join(map(format_money, ordered)), unpriced)

    sums: forms.Totals = {"price": Total(lambda row: row if row.counts else None, combine)}

    return [
        Grouping(
            "reason",
            lambda row: row.reason,
            lambda reason, rows: forms.line(context, REASONS[reason], rows),
            forms.with_account(context, sums),
            lambda reason: _ORDER[reason],
        ),
        forms.account(context, sums),
    ]
