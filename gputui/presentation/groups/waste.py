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
from gputui.presentation.groups.grouping import Grouping
from gputui.presentation.prices import sum_cell

_ORDER = {reason: number for number, reason in enumerate(REASONS)}


def waste_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings, with the price of an hour of what counts."""

    def sums(rows: Sequence[Waste]) -> Mapping[str, Cell]:
        amounts, unpriced = totals(row for row in rows if row.counts)
        return {"price": sum_cell("  ".join(map(format_money, amounts.values())), unpriced)}

    return [
        Grouping(
            "reason",
            lambda row: row.reason,
            lambda reason, rows: forms.line(context, REASONS[reason], rows, sums),
            lambda reason: _ORDER[reason],
        ),
        forms.account(context, sums),
    ]
