"""The forms of groupings that several lists have in common: ``forms.account(totals)``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gputui.presentation.columns.column import Cell, natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.groups.grouping import Grouping, GroupLine
from gputui.presentation.groups.totals import common_account

Totals = Callable[[Sequence[Any]], Mapping[str, Cell]]
"""The totals of rows by the keys of columns."""


def line(
    context: Context,
    name: Cell,
    rows: Sequence[Any],
    totals: Totals,
    *,
    also_account: bool = True,
    in_account: bool = False,
) -> GroupLine:
    """Return the heading of a group: its name, the number of rows, its account where that is one, the totals.

    ``in_account``: the name is one within its account, so that another account may have it too.
    """
    account = {"account": common_account(rows, context)} if also_account else {}
    distinct = "account" if in_account and not context.one_account else ""
    return GroupLine(name, (f"  {len(rows):,}", "muted"), {**account, **totals(rows)}, distinct)


def text(
    context: Context,
    key: str,
    of: Callable[[Any], str | None],
    totals: Totals,
    *,
    unknown: str,
    title: str = "",
    says_all: bool = True,
) -> Grouping[Any]:
    """Return a grouping by a text in natural order; ``unknown`` is the heading of rows without one."""
    return Grouping(
        key,
        lambda row: of(row) or None,
        lambda group, rows: line(context, group or unknown, rows, totals),
        natural_key,
        title,
        says_all=says_all,
    )


def account(context: Context, totals: Totals) -> Grouping[Any]:
    """Return the grouping by account, whose headings have the colours of the accounts."""
    return Grouping(
        "account",
        lambda row: row.ref.account,
        lambda group, rows: line(context, (group, context.account_style(group)), rows, totals, also_account=False),
        natural_key,
    )


def place(
    context: Context, key: str, of: Callable[[Any], str | None], totals: Totals, *, unknown: str
) -> Grouping[Any]:
    """Return a grouping by a name that is one within its account, such as that of a host."""

    def heading(group: tuple[str, str] | None, rows: Sequence[Any]) -> GroupLine:
        if group is None:
            return line(context, unknown, rows, totals)
        return line(context, group[0], rows, totals, in_account=True)

    return Grouping(
        key,
        lambda row: (name, row.ref.account) if (name := of(row)) else None,
        heading,
        lambda group: (natural_key(group[0]), group[1]),
    )
