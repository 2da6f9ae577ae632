"""The fields of the lines of the home view."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.home.lines import MORE, HomeLine
from gputui.presentation.prices import FREE, UNKNOWN


def home_columns() -> Sequence[Column[HomeLine]]:
    """Return the fields: figures next to the names, and the text behind them, which has the rest of the line."""
    return [
        Column("name", _name, width=16, least=14, max_width=34, flex=True, middle=True, search=lambda row: row.name),
        fields.text("account", _account, priority=3, max_width=16, when_filled=True),
        fields.text("gpu", lambda row: row.gpus, heading="GPU", priority=6, max_width=22, when_filled=True),
        Column("price", _price, heading="PRICE/H", right=True, priority=4, when_filled=True),
        Column("age", lambda row: (row.time, "muted"), right=True, priority=2, when_filled=True),
        Column("state", _state, flex=True, width=24, max_width=400),
        fields.hidden("section", lambda row: row.section.value),
    ]


def _name(row: HomeLine) -> Cell:
    if row.key == MORE:
        return (f"  {row.name}", "muted")
    return [(f"{row.glyph} ", row.style), (row.name, "")]


def _account(row: HomeLine) -> str:
    return "" if row.account == row.name else row.account


def _price(row: HomeLine) -> Cell:
    if row.price == FREE:
        return ""
    return (row.price, "warning" if row.price == UNKNOWN else "")


def _state(row: HomeLine) -> Cell:
    return (row.text, row.style if row.loud else "")
