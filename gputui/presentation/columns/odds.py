"""The fields of the odds of offers."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.analytics.place_odds import PlaceOdds
from gputui.analytics.prices import price_key
from gputui.analytics.stock_odds import Chance, slot_text
from gputui.formatting import format_minutes, format_money
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context
from gputui.presentation.odds import observed, obtained_words, percent

ODDS_TABLE = "model account region now overall observed best cheapest wait creates"
"""The keys of the columns in tables of the command line."""


def odds_columns(context: Context) -> Sequence[Column[PlaceOdds]]:
    """Return the fields."""
    return [
        fields.name_like("model", lambda row: row.place.name, width=10, anchor=True),
        fields.account(context, 2),
        fields.name_like("region", lambda row: row.place.region, max_width=20, when_filled=True),
        Column(
            "now",
            lambda row: _chance(row.now),
            lambda row: row.now.share,
            heading="THIS HOUR",
            right=True,
            number=lambda row: row.now.share,
        ),
        Column(
            "overall",
            lambda row: _chance(row.odds.total),
            lambda row: row.odds.total.share,
            heading="ALL HOURS",
            right=True,
            number=lambda row: row.odds.total.share,
        ),
        Column(
            "observed",
            lambda row: observed(row.odds.total),
            lambda row: row.odds.total.observed,
            right=True,
            priority=3,
            number=lambda row: row.odds.total.observed,
        ),
        Column("best", _best, _best, heading="BEST HOUR", priority=1, when_filled=True),
        Column(
            "cheapest",
            _cheapest,
            lambda row: price_key(None if row.odds.cheapest is None else row.odds.cheapest.price),
            heading="CHEAPEST",
            priority=4,
            when_filled=True,
        ),
        Column(
            "wait",
            _wait,
            lambda row: row.odds.waits[0].length if row.odds.waits else None,
            heading="LONGEST WAIT",
            right=True,
            priority=5,
            when_filled=True,
        ),
        fields.text(
            "creates",
            lambda row: obtained_words(row.obtained, row.odds.count),
            priority=6,
            when_filled=True,
            max_width=70,
            flex=True,
        ),
    ]


def _chance(chance: Chance) -> Cell:
    return (percent(chance), "" if chance.share is not None and not chance.is_thin else "muted")


def _best(row: PlaceOdds) -> str:
    if row.odds.best is None:
        return ""
    slot, chance = row.odds.best
    return f"{slot_text(slot)} {percent(chance)}"


def _cheapest(row: PlaceOdds) -> str:
    found = row.odds.cheapest
    return "" if found is None else f"{found.hour:02}:00 {format_money(found.price)}"


def _wait(row: PlaceOdds) -> str:
    if not row.odds.waits:
        return ""
    longest = row.odds.waits[0]
    text = format_minutes(int(longest.length.total_seconds()) // 60)
    return f"≥ {text}" if longest.open else text
