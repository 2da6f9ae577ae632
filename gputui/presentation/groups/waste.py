"""The groupings of waste."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gputui.analytics.waste import totals
from gputui.formatting import format_money
from gputui.models.waste import Waste
from gputui.presentation.columns.column import Cell
from gputui.presentation.columns.waste import REASONS
from gputui.presentation.groups import forms
from gputui.presentation.groups.grouping import Grouping

_ORDER = {reason: number for number, reason in enumerate(REASONS)}


def waste_groupings() -> Sequence[Grouping[Any]]:
    """Return the groupings, with the price of an hour of what counts."""

    def sums(rows: Sequence[Waste]) -> Mapping[str, Cell]:
        amounts, unpriced = totals(row for row in rows if row.counts)
        known = "  ".join(map(format_money, amounts.values()))
        if not unpriced:
            return {"price": known}
        return {"price": ((known, ""), (f"{' + ' if known else ''}{unpriced:,} unpriced", "warning"))}

    return [
        Grouping(
            "reason",
            lambda row: row.reason,
            lambda reason, rows: forms.line(REASONS[reason], rows, sums),
            lambda reason: _ORDER[reason],
        ),
        forms.account(sums),
    ]
