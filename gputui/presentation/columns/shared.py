"""The columns that several kinds of rows have in common."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from gputui.formatting import format_age, format_time
from gputui.models import Money, Phase
from gputui.presentation.actions import progress_text, state_words
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.glyphs import PHASE_GLYPHS
from gputui.presentation.prices import FREE, UNKNOWN, ByDeployment, may_cost, price_key, price_now, price_text

PHASE_TABLE_STYLES = {
    Phase.PENDING: "warning",
    Phase.RUNNING: "good",
    Phase.STOPPING: "warning",
    Phase.STOPPED: "muted",
    Phase.FAILED: "bad",
    Phase.UNKNOWN: "warning",
}
PHASE_ORDER = {phase: number for number, phase in enumerate((Phase.FAILED, Phase.UNKNOWN, *Phase))}


def text_of(value: object) -> str:
    """Return a value as text; '' where it is unknown."""
    return "" if value is None else str(value)


def stamp(at: datetime | None) -> str:
    """Write a local date and time for tables of the command line; '' where it is unknown."""
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def age_order(since: datetime | None) -> float | None:
    """Return the sort key of ages: the younger, the less. None where it is unknown."""
    return None if since is None else -since.timestamp()


def amount(price: Money | None) -> float | None:
    """Return the amount that filters compare, of whatever currency; None where it is unknown."""
    return None if price is None else float(price.amount)


def name_column(*, least: int = 0) -> Column[Any]:
    """Return the column of names, in natural order."""
    return Column(
        "name",
        "NAME",
        lambda row: row.name,
        lambda row: (natural_key(row.name), row.ref.account),
        width=12,
        least=least,
        flex=True,
        max_width=40,
        middle=True,
    )


def account_column(context: Context | None, priority: int = 0) -> Column[Any]:
    """Return the column of accounts: among the first to go where ``context`` has one account only."""
    return Column(
        "account",
        "ACCOUNT",
        lambda row: row.ref.account,
        lambda row: row.ref.account,
        priority=9 if context is not None and context.one_account else priority,
    )


def age_column(context: Context, priority: int, since: Callable[[Any], datetime | None] | None = None) -> Column[Any]:
    """Return the column of the time since creation, where that is known."""
    at = since or (lambda row: row.created_at)

    def seconds(row: Any) -> float | None:
        return None if (time := at(row)) is None else (context.now() - time).total_seconds()

    return Column(
        "age",
        "AGE",
        lambda row: format_age(at(row), context.now()),
        lambda row: age_order(at(row)),
        number=seconds,
        right=True,
        priority=priority,
        when_filled=True,
    )


def time_column(key: str, context: Context, at: Callable[[Any], datetime | None], **options: Any) -> Column[Any]:
    """Return a column of times, local or UTC as chosen; without options one for filters and sorting alone."""

    def text(row: Any) -> str:
        return "" if (time := at(row)) is None else format_time(time, utc=context.utc)

    return Column(key, key.upper(), text, at, plain=lambda row: stamp(at(row)), **(options or {"shown": False}))


def hidden(key: str, text: Callable[[Any], str], title: str = "") -> Column[Any]:
    """Return a column for filters alone."""
    return Column(key, title or key.upper(), text, shown=False)


def id_column(**options: Any) -> Column[Any]:
    """Return the column of ids."""
    return Column("id", "ID", lambda row: row.ref.id, lambda row: natural_key(row.ref.id), **options)


def hidden_state_columns() -> tuple[Column[Any], ...]:
    """Return the phase and the problem of a row, for filters."""
    return hidden("phase", lambda row: row.phase.value), hidden("problem", lambda row: row.problem or "")


def state_column(context: Context, cell: Callable[[Any], Cell] | None = None, **widths: int) -> Column[Any]:
    """Return the column of the state, which shows a change that is under way first."""
    return Column(
        "state",
        "STATE",
        cell or (lambda row: state_cell(row, context)),
        lambda row: (PHASE_ORDER[row.phase], row.status),
        search=lambda row: f"{row.phase} {row.status}",
        plain=state_words,
        **widths,  # type: ignore[arg-type]  # the options are all widths
    )


def state_cell(row: Any, context: Context, *, unread: bool = True) -> Cell:
    """Return the change under way, else the state with its glyph; ``unread``: a row with a problem was not read."""
    pending = context.pending(row.ref)
    if pending is not None:
        return (f"◐ {progress_text(pending.action)}", "warning")
    if unread and row.problem:
        return (f"{PHASE_GLYPHS[row.phase]} not read", "warning")
    return (f"{PHASE_GLYPHS[row.phase]} {row.status}", PHASE_TABLE_STYLES[row.phase])


def region_column() -> Column[Any]:
    """Return the column of regions."""
    return Column(
        "region",
        "REGION",
        lambda row: row.region or "",
        lambda row: natural_key(row.region or ""),
        priority=3,
        max_width=20,
        when_filled=True,
    )


def price_column(context: Context, priority: int) -> Column[Any]:
    """Return the column of the current price of an hour.

    It is there where something has a price, or is billed and should have one.
    """

    def now(row: Any) -> Money | None:
        return price_now(row, context.by_deployment())

    return Column(
        "price",
        "PRICE/H",
        lambda row: price_cell(row, context.by_deployment()),
        lambda row: price_key(now(row)),
        number=lambda row: amount(now(row)),
        right=True,
        priority=priority,
        when_filled=True,
        filled=lambda row: now(row) is not None or (may_cost(row) and context.bills(row.ref.account)),
    )


def price_cell(row: Any, instances: ByDeployment) -> Cell:
    """Return the current price of an hour, with the style of a figure, of one that is not known, or of none."""
    text = price_text(row, instances)
    return (text, {UNKNOWN: "warning", FREE: "muted"}.get(text, ""))
