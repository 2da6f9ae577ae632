"""The fields of lines of cost."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.analytics.cost_lines import CostLine
from gputui.analytics.prices import price_key
from gputui.formatting import format_money
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context
from gputui.presentation.prices import AT_LEAST, UNKNOWN, gpus_text, money_text, runs_out_text

COST_TABLE = "account deployment instances gpus volumes hour"
"""The keys of the columns in tables of the command line."""


def cost_columns(context: Context) -> Sequence[Column[CostLine]]:
    """Return the fields."""

    def count(row: CostLine, text: str) -> Cell:
        only_volumes = row.volumes and not row.whole and not row.instances
        return ("–", "muted") if only_volumes else text

    def gpus(row: CostLine) -> str:
        return _sign(row) + gpus_text(row.gpus, row.gpus_unknown)

    def instances(row: CostLine) -> str:
        return f"{_sign(row)}{row.instances}"

    def account(row: CostLine) -> Cell:
        name = row.ref.account
        return (name, context.account_style(name) or ("strong" if row.whole else "muted"))

    return [
        Column(
            "account",
            account,
            lambda row: row.ref.account,
            max_width=24,
            anchor=True,
        ),
        fields.text(
            "deployment",
            _name,
            width=14,
            flex=True,
            anchor=True,
            plain=lambda row: (
                row.name or ("volumes" if row.volumes else "unpriced" if row.is_unpriced else "no deployment")
            ),
        ),
        Column(
            "instances",
            lambda row: count(row, instances(row)),
            lambda row: row.instances,
            right=True,
            priority=4,
            plain=lambda row: "" if row.volumes else instances(row),
        ),
        Column(
            "gpus",
            lambda row: count(row, gpus(row)),
            lambda row: row.gpus,
            right=True,
            priority=2,
            plain=lambda row: "" if row.volumes else gpus(row),
        ),
        Column("volumes", lambda row: str(row.volumes or ""), right=True, listed=False),
        Column(
            "priced",
            _priced,
            lambda row: row.lacking or None,
            right=True,
            priority=3,
            when_filled=True,
        ),
        Column(
            "hour",
            _per_hour,
            lambda row: price_key(row.per_hour),
            heading="PER HOUR",
            right=True,
            number=_amount,
            plain=lambda row: UNKNOWN if row.per_hour is None else money_text(row.per_hour),
        ),
        Column("day", _per_day, lambda row: price_key(row.per_hour), heading="PER DAY", right=True, priority=5),
        Column(
            "balance",
            lambda row: format_money(row.balance),
            lambda row: price_key(row.balance),
            right=True,
            priority=1,
            when_filled=True,
        ),
        Column(
            "lasts",
            lambda row: runs_out_text(row.lasting, context.now()),
            lambda row: row.lasting and row.lasting.until,
            heading="RUNS OUT",
            width=9,
            right=True,
            priority=1,
            when_filled=True,
        ),
    ]


def _sign(row: CostLine) -> str:
    return AT_LEAST if row.partial else ""


def _name(row: CostLine) -> str:
    if row.whole:
        return ""
    if row.is_unpriced:
        return "unpriced"
    if row.volumes:
        return f"{row.volumes} volume{'s' if row.volumes > 1 else ''}"
    return row.name or "no deployment"


def _priced(row: CostLine) -> Cell:
    if not row.whole or not row.lacking:
        return ""
    return (f"{row.things - row.lacking} of {row.things}", "warning")


def _per_hour(row: CostLine) -> Cell:
    price = row.per_hour
    if price is None:
        return (UNKNOWN, "warning") if row.lacking or row.partial else ("nothing", "muted")
    known = (_sign(row) + money_text(price), "strong" if row.whole else "")
    return [known, (f" + {UNKNOWN}", "warning")] if row.lacking else known


def _per_day(row: CostLine) -> Cell:
    price = row.per_hour
    if price is None or not price.amount:
        return ""
    return (_sign(row) + format_money(price.times(24)) + (f" + {UNKNOWN}" if row.lacking else ""), "muted")


def _amount(row: CostLine) -> float | None:
    """Return the value that filters compare: where nothing runs, an hour costs 0; unknown where a part is."""
    if row.lacking or row.partial:
        return None
    return 0.0 if row.per_hour is None else float(row.per_hour.amount)
