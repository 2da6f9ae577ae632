"""The fields of waste."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from gputui.analytics.prices import price_key
from gputui.analytics.waste import so_far
from gputui.formatting import format_age, format_bytes, format_money
from gputui.models.waste import Waste, WasteReason
from gputui.presentation.actions import progress_text
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column, plain_text
from gputui.presentation.columns.context import Context
from gputui.presentation.prices import AT_LEAST, UNKNOWN, money_text
from gputui.presentation.times import end_text

REASONS: Mapping[WasteReason, str] = {
    WasteReason.IDLE: "idle",
    WasteReason.STUCK: "stuck",
    WasteReason.NONE_RUNNING: "none running",
    WasteReason.NO_REQUESTS: "no requests",
    WasteReason.STOPPED: "not running",
    WasteReason.UNMOUNTED: "not mounted",
    WasteReason.UNUSED: "not used",
}
"""The reasons in words, in their order."""

WASTE_TABLE = "reason name account gpus since price so_far owner details"
"""The keys of the columns in tables of the command line."""

_MINUTE, _CENT = 60.0, Decimal("0.01")
_ORDER = {reason: number for number, reason in enumerate(REASONS)}


def waste_columns(context: Context) -> Sequence[Column[Waste]]:
    """Return the fields."""

    def reason(row: Waste) -> Cell:
        pending = context.pending(row.ref)
        if pending is not None:
            return (f"◐ {progress_text(pending.action)}", "warning")
        return REASONS[row.reason]

    def since(row: Waste) -> Cell:
        if not is_timed(row):
            return (UNKNOWN, "muted")
        return _sign(row) + format_age(row.since, context.now())

    def is_timed(row: Waste) -> bool:
        """Whether it is known for how long: less than a minute, since it was seen first, is nothing."""
        return row.since is not None and not (row.at_least and (age(row) or 0) < _MINUTE)

    def age(row: Waste) -> float | None:
        return None if row.since is None else (context.now() - row.since).total_seconds()

    def cost(row: Waste) -> Cell:
        if row.reason is WasteReason.UNUSED:
            return ""
        total = so_far(row, context.now())
        if total is None or not is_timed(row):
            return (UNKNOWN, "muted")
        if total.amount < _CENT:
            # Of a lower bound it is not known whether it is less than that.
            return (UNKNOWN, "muted") if row.at_least else f"< {format_money(replace(total, amount=_CENT))}"
        return _sign(row) + format_money(total)

    def details(row: Waste) -> str:
        if row.snooze is None:
            return row.text
        until = end_text(row.snooze.until, context.now(), utc=context.utc)
        note = f": {row.snooze.note}" if row.snooze.note else ""
        return f"snoozed until {until}{note} ({row.snooze.user})"

    return [
        Column(
            "reason",
            reason,
            lambda row: _ORDER[row.reason],
            width=11,
            max_width=14,
            search=lambda row: f"{REASONS[row.reason]} {row.reason.value}",
            plain=lambda row: REASONS[row.reason],
        ),
        fields.name(least=10),
        fields.account(context, 3, max_width=24),
        Column(
            "gpus",
            _gpus,
            lambda row: row.gpus,
            priority=4,
            max_width=20,
            when_filled=True,
            number=lambda row: row.gpus,
        ),
        Column(
            "since",
            since,
            lambda row: row.since,
            heading="FOR",
            right=True,
            number=age,
            label="since",
            detail=lambda row: _began(row, utc=context.utc),
        ),
        Column(
            "price",
            _price,
            lambda row: price_key(row.per_hour),
            heading="PRICE/H",
            label="price/h",
            right=True,
            number=lambda row: fields.amount(row.per_hour),
        ),
        Column(
            "so_far",
            cost,
            lambda row: price_key(so_far(row, context.now())),
            heading="SO FAR",
            label="so far",
            right=True,
            priority=1,
            number=lambda row: fields.amount(so_far(row, context.now())),
        ),
        fields.text("owner", lambda row: row.owner, priority=5, when_filled=True, max_width=16),
        fields.text("details", details, width=12, max_width=70, flex=True, priority=2),
        fields.figure(
            "memory",
            lambda row: row.memory_in_use,
            format_bytes,
            shown=False,
        ),
    ]


def waste_fields(row: Waste, context: Context) -> Sequence[tuple[str, Cell]]:
    """Return what a description says of the waste of a resource: label and content."""
    columns = {column.key: column for column in waste_columns(context)}
    chosen = (columns[key] for key in ("reason", "since", "price", "so_far", "details"))
    found = ((column.label or column.title.lower(), column.described(row)) for column in chosen)
    return [(label, cell) for label, cell in found if plain_text(cell)]


def _began(row: Waste, *, utc: bool) -> str:
    if row.since is None:
        return UNKNOWN
    return f"{fields.stamp(row.since, utc=utc)}{' or earlier' if row.at_least else ''}"


def _sign(row: Waste) -> str:
    return AT_LEAST if row.at_least else ""


def _gpus(row: Waste) -> Cell:
    if row.gpus is None and not row.gpu_model:
        return ""
    count = UNKNOWN if row.gpus is None else str(row.gpus)
    return "" if row.reason is WasteReason.UNUSED else f"{count} {row.gpu_model}".rstrip()


def _price(row: Waste) -> Cell:
    if row.per_hour is None:
        return ("prepaid", "muted") if row.reason is WasteReason.UNUSED else (UNKNOWN, "warning")
    return (money_text(row.per_hour), "strong")
