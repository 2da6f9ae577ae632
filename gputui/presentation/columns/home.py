"""The fields of the lines of the home view."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.home.lines import MORE, HomeLine
from gputui.presentation.prices import FREE, UNKNOWN

_NAME, _GPUS, _AGE = 24, 14, 5
"""Cells of a glyph with a name (others are cut), of GPUs (``2 RTX PRO 6000``), and of a time (``≥ 26h``)."""
_LONGEST_ACCOUNT = 16


def home_columns(
    accounts: Iterable[str], account_style: Callable[[str], str] = lambda account: ""
) -> Sequence[Column[HomeLine]]:
    """Return the fields: figures next to the names, and the text behind them, which has the rest of the line.

    Lines come and go all the time: the columns are as wide as what may come, so that they do not move. ``accounts``
    are the names of all, ``account_style`` gives the style of one, '' for none of its own.
    """

    def name(row: HomeLine) -> Cell:
        if row.key == MORE:
            return (f"  {row.name}", "muted")
        return [(f"{row.glyph} ", row.style), (row.name, account_style(row.name) if row.name == row.account else "")]

    longest = max(map(len, accounts), default=1)
    return [
        Column(
            "name", name, width=_NAME, max_width=_NAME, least=14, flex=True, middle=True, search=lambda row: row.name
        ),
        fields.account_named(
            lambda row: "" if row.account == row.name else row.account,
            account_style,
            priority=3,
            width=min(longest, _LONGEST_ACCOUNT),
            max_width=_LONGEST_ACCOUNT,
            when_filled=True,
        ),
        fields.text(
            "gpu", lambda row: row.gpus, heading="GPU", priority=6, width=_GPUS, max_width=_GPUS + 2, when_filled=True
        ),
        Column("price", _price, heading="PRICE/H", right=True, priority=4, when_filled=True),
        Column("age", lambda row: (row.time, "muted"), right=True, width=_AGE, priority=2, when_filled=True),
        Column("state", _state, flex=True, width=24, max_width=400),
        fields.hidden("section", lambda row: row.section.value),
    ]


def _price(row: HomeLine) -> Cell:
    if row.price == FREE:
        return ""
    return (row.price, "warning" if row.price == UNKNOWN else "")


def _state(row: HomeLine) -> Cell:
    return (row.text, row.style if row.loud else "")
