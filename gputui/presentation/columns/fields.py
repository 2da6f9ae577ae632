"""The fields that several kinds of rows have in common, and the forms of others: ``fields.text(…)``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from gputui.analytics.prices import may_cost, price_key, price_now
from gputui.formatting import format_age, format_bytes, format_money, format_time, status_text
from gputui.models import Money, Phase, Service
from gputui.presentation.actions import progress_text, state_word, state_words
from gputui.presentation.columns.column import Cell, Column, natural_key, plain_text
from gputui.presentation.columns.context import Context
from gputui.presentation.glyphs import PHASE_GLYPHS, PHASE_STYLES
from gputui.presentation.prices import FREE, UNKNOWN, price_sentence, price_text

PHASE_ORDER = {phase: number for number, phase in enumerate((Phase.FAILED, Phase.UNKNOWN, *Phase))}


def text_of(value: object) -> str:
    """Return a value as text; '' where it is unknown."""
    return "" if value is None else str(value)


def yes_no(value: bool | None) -> str:
    """Return ``yes`` or ``no``; '' where it is unknown."""
    return "" if value is None else "yes" if value else "no"


def stamp(at: datetime | None, *, utc: bool = False) -> str:
    """Write a local date and time, or one in UTC; '' where it is unknown."""
    return "" if at is None else at.astimezone(UTC if utc else None).strftime("%Y-%m-%d %H:%M:%S")


def size_and_bytes(size: int | None) -> str:
    """Write a size with the exact number of bytes; '' where it is unknown."""
    return "" if size is None else f"{format_bytes(size)}  ({size:,} bytes)"


def share(used: int | None, size: int | None) -> str:
    """Write a part of a size: ``412.0G of 1.8T``; '' where nothing is known."""
    return "" if used is None and size is None else f"{format_bytes(used) or '?'} of {format_bytes(size) or '?'}"


def amount(price: Money | None) -> float | None:
    """Return the amount that filters compare, of whatever currency; None where it is unknown."""
    return None if price is None else float(price.amount)


# --- forms -----------------------------------------------------------------------------------------------------


def text(key: str, text: Callable[[Any], str], **options: Any) -> Column[Any]:
    """Return a column that is ordered by its text."""
    return Column(key, text, text, **options)


def name_like(key: str, name: Callable[[Any], str | None], **options: Any) -> Column[Any]:
    """Return a column of names in natural order."""
    return Column(key, lambda row: name(row) or "", lambda row: natural_key(name(row) or ""), **options)


def figure(
    key: str, value: Callable[[Any], Any], text: Callable[[Any], Cell] = text_of, **options: Any
) -> Column[Any]:
    """Return a column of a figure, on the right, ordered and compared by its value; ``cell`` shows it otherwise.

    ``applies`` returns whether a row has such a figure: it is ``?`` there where it is unknown, and blank elsewhere.
    """
    known = options.pop("cell", None) or (lambda row: text(value(row)))
    applies = options.pop("applies", None)
    if applies is None:
        return Column(key, known, value, number=value, **{"right": True, **options})
    plain = options.pop("plain", None) or (lambda row: plain_text(known(row)))
    options = {
        "right": True,
        "filled": lambda row: bool(plain_text(known(row))),
        "plain": lambda row: plain(row) or (UNKNOWN if applies(row) else ""),
        "detail": plain,
        **options,
    }
    return Column(key, _or_unknown(known, applies), value, number=value, **options)


def always(row: Any) -> bool:
    """Every row has such a figure."""
    return True


def _or_unknown(cell: Callable[[Any], Cell], applies: Callable[[Any], bool]) -> Callable[[Any], Cell]:
    """Return what shows ``?`` where a cell has no content and should have some."""

    def shown(row: Any) -> Cell:
        content = cell(row)
        return content if plain_text(content) or not applies(row) else (UNKNOWN, "muted")

    return shown


def hidden(key: str, text: Callable[[Any], str], **options: Any) -> Column[Any]:
    """Return a column for filters, which descriptions show too where it has a ``label``."""
    return Column(key, text, shown=False, **{"label": None, **options})


def detail(label: str, text: Callable[[Any], Cell], group: str = "") -> Column[Any]:
    """Return a field for descriptions alone."""
    return Column(label, text, listed=False, group=group)


# --- fields ----------------------------------------------------------------------------------------------------


def name(*, least: int = 0, reserve: int = 0) -> Column[Any]:
    """Return the column of names, in natural order."""
    return Column(
        "name",
        lambda row: row.name,
        lambda row: (natural_key(row.name), row.ref.account),
        width=12,
        least=least,
        reserve=reserve,
        flex=True,
        max_width=40,
        middle=True,
        anchor=True,
        detail=lambda row: (row.name, "strong"),
    )


def account_named(name: Callable[[Any], str], style: Callable[[str], str], **options: Any) -> Column[Any]:
    """Return a column of accounts of rows that are not of one alone; ``style`` gives that of an account's name."""
    return Column("account", lambda row: (name(row), style(name(row))), name, **options)


def account(context: Context | None, priority: int = 0, **options: Any) -> Column[Any]:
    """Return the column of accounts: among the first to go where ``context`` has one account only.

    A description has the whole Ref instead.
    """

    def cell(row: Any) -> Cell:
        account = row.ref.account
        return (account, context.account_style(account)) if context is not None else account

    return Column(
        "account",
        cell,
        lambda row: row.ref.account,
        priority=9 if context is not None and context.one_account else priority,
        label="ref",
        detail=lambda row: str(row.ref),
        **options,
    )


def age(context: Context, priority: int, since: Callable[[Any], datetime | None] | None = None) -> Column[Any]:
    """Return the column of the time since creation, where that is known; descriptions have the time itself."""
    at = since or (lambda row: row.created_at)

    def order(row: Any) -> float | None:
        return None if (time := at(row)) is None else -time.timestamp()

    def seconds(row: Any) -> float | None:
        return None if (time := at(row)) is None else (context.now() - time).total_seconds()

    def text(row: Any) -> str:
        return format_age(at(row), context.now())

    options: Any = {"right": True, "priority": priority, "when_filled": True, "label": None}
    return Column("age", text, order, number=seconds, **options)


def time(key: str, context: Context, at: Callable[[Any], datetime | None], **options: Any) -> Column[Any]:
    """Return a column of times, local or UTC as chosen; without options one for filters and sorting alone.

    ``form`` writes a time where that is not :func:`format_time`.
    """
    form: Callable[..., str] = options.pop("form", format_time)

    def text(row: Any) -> str:
        return "" if (time := at(row)) is None else form(time, utc=context.utc)

    options = options or {"shown": False}
    return Column(key, text, at, plain=lambda row: stamp(at(row), utc=context.utc), **options)


def time_of_day(context: Context) -> Column[Any]:
    """Return the column of the time at which something happened, after the day when that is another one."""

    def form(at: datetime, *, utc: bool) -> str:
        return format_time(at, utc=utc).removeprefix(f"{at.year}-")  # it would take room from the rest

    return time("time", context, lambda row: row.at, form=form, width=8, anchor=True)


def time_detail(label: str, context: Context, at: Callable[[Any], datetime | None], group: str = "") -> Column[Any]:
    """Return a time for descriptions alone."""
    return detail(label, lambda row: stamp(at(row), utc=context.utc), group)


def row_id(**options: Any) -> Column[Any]:
    """Return the column of ids; descriptions have the whole Ref."""
    return name_like("id", lambda row: row.ref.id, label=None, **options)


def problem() -> Column[Any]:
    """Return the reason why a row could not be read in full."""
    return hidden("problem", lambda row: row.problem or "", label="", detail=lambda row: (row.problem or "", "bad"))


def phase() -> Column[Any]:
    """Return the phase of a row, for filters; descriptions have the state."""
    return hidden("phase", lambda row: row.phase.value)


def state(context: Context, cell: Callable[[Any], Cell] | None = None, **options: Any) -> Column[Any]:
    """Return the column of the state, which shows a change that is under way first."""
    return Column(
        "state",
        cell or (lambda row: state_cell(row, context)),
        lambda row: (PHASE_ORDER[row.phase], status_text(row.status)),
        search=_searched_state,
        plain=state_words,
        detail=lambda row: (state_words(row), PHASE_STYLES[row.phase]),
        **{"brief": state_word, **options},
    )


def _searched_state(row: Any) -> str:
    """Return phase and status; once where they are the same, so that ``state:=running`` is exact."""
    status = status_text(row.status)
    return row.phase.value if status in ("", row.phase.value) else f"{row.phase.value} ({row.status})"


def state_cell(row: Any, context: Context, *, unread: bool = True) -> Cell:
    """Return the change under way, else the state with its glyph; ``unread``: a row with a problem was not read."""
    pending = context.pending(row.ref)
    if pending is not None:
        return (f"◐ {progress_text(pending.action)}", "warning")
    if unread and row.problem:
        return (f"{PHASE_GLYPHS[row.phase]} not read", "warning")
    return (f"{PHASE_GLYPHS[row.phase]} {state_word(row)}", PHASE_STYLES[row.phase])


def region(**options: Any) -> Column[Any]:
    """Return the column of regions."""
    options = {"priority": 3, "max_width": 20, "when_filled": True, **options}
    return name_like("region", lambda row: row.region, **options)


def price(context: Context, priority: int, **options: Any) -> Column[Any]:
    """Return the column of the current price of an hour.

    It is there where something has a price, or is billed and should have one.
    """

    def now(row: Any) -> Money | None:
        return price_now(row, context.by_deployment())

    def cell(row: Any) -> Cell:
        """Return the price, with the style of a figure, of one that is unknown, or of none."""
        text = price_text(row, context.by_deployment())
        return (text, {UNKNOWN: "warning", FREE: "muted"}.get(text, ""))

    def brief(row: Any) -> str:
        return f"{format_money(cost)}/h" if (cost := now(row)) is not None and cost.amount else ""

    return Column(
        "price",
        cell,
        lambda row: price_key(now(row)),
        heading="PRICE/H",
        number=lambda row: amount(now(row)),
        right=True,
        priority=priority,
        when_filled=True,
        filled=lambda row: now(row) is not None or (may_cost(row) and context.bills(row.ref.account)),
        label="price",
        detail=lambda row: price_sentence(row, context.by_deployment(), billed=context.bills(row.ref.account)),
        **{"brief": brief, **options},
    )


def addresses(services: tuple[Service, ...]) -> str:
    """Write the public addresses of ports, each on a line."""
    return "\n".join(f"{service.port}  {service.url}" for service in services)
