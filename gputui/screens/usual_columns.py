"""The columns that lists of things with a name and an account have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gputui.screens.session import Session
from gputui.text import format_age, format_money
from gputui.widgets.table_columns import Column, natural_key


def age_order(since: datetime | None) -> float | None:
    """Return what orders ages: the younger, the less, as the figures show it. None where it is unknown."""
    return None if since is None else -since.timestamp()


def name_column(*, least: int = 0) -> Column[Any]:
    """Return the column of names, in the order in which people count."""
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


def account_column(session: Session, priority: int) -> Column[Any]:
    """Return the column of accounts: among the first to go where there is one account only."""
    return Column(
        "account",
        "ACCOUNT",
        lambda row: row.ref.account,
        lambda row: row.ref.account,
        priority=9 if len(session.fleet.accounts) == 1 else priority,
    )


def age_column(priority: int) -> Column[Any]:
    """Return the column of how long ago something was made, where that is told."""
    return Column(
        "age",
        "AGE",
        lambda row: format_age(row.created_at, datetime.now(UTC)),
        lambda row: age_order(row.created_at),
        right=True,
        priority=priority,
        when_filled=True,
    )


def price_column(priority: int) -> Column[Any]:
    """Return the column of what one of them costs an hour, where that is told."""
    return Column(
        "price",
        "PRICE/H",
        lambda row: format_money(row.price),
        lambda row: row.price and (row.price.currency, row.price.amount),
        right=True,
        priority=priority,
        when_filled=True,
    )
