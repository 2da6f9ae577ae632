"""The forms of groupings that several lists have in common: ``forms.account(totals)``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gputui.presentation.columns.column import Cell, natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.groups.grouping import Grouping, GroupLine, Total
from gputui.presentation.groups.totals import common_account

Totals = Mapping[str, Total[Any]]
"""The totals of rows by the keys of columns."""


def line(context: Context, name: Cell, rows: Sequence[Any], *, in_account: bool = False) -> GroupLine:
    """Return the heading of a group: its name, and the number of rows.

    ``in_account``: the name is one within its account, so that another account may have it too.
    """
    distinct = "account" if in_account and not context.one_account else ""
    return GroupLine(name, (f"  {len(rows):,}", "muted"), distinct)


def with_account(context: Context, totals: Totals) -> Totals:
    """Return the totals of groups that may have rows of several accounts: the account of all is among them."""
    return {"account": common_account(context), **totals}


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
        lambda group, rows: line(context, group or unknown, rows),
        with_account(context, totals),
        natural_key,
        title,
        says_all=says_all,
    )


def account(context: Context, totals: Totals) -> Grouping[Any]:
    """Return the grouping by account, whose headings have the colours of the accounts."""
    return Grouping(
        "account",
        lambda row: row.ref.account,
        lambda group, rows: line(context, (group, context.account_style(group)), rows),
        totals,
        natural_key,
    )


def place(
    context: Context, key: str, of: Callable[[Any], str | None], totals: Totals, *, unknown: str
) -> Grouping[Any]:
    """Return a grouping by a name that is one within its account, such as that of a host."""

    def heading(group: tuple[str, str] | None, rows: Sequence[Any]) -> GroupLine:
        if group is None:
            return line(context, unknown, rows)
        return line(context, group[0], rows, in_account=True)

    return Grouping(
        key,
        lambda row: (name, row.ref.account) if (name := of(row)) else None,
        heading,
        with_account(context, totals),
        lambda group: (natural_key(group[0]), group[1]),
    )
