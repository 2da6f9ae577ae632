"""The columns that lists of things with a name and an account have in common."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from gputui.formatting import format_age
from gputui.models import Money
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.prices import FREE, UNKNOWN, ByDeployment, may_cost, price_key, price_now, price_text
from gputui.screens.base.session import Session


def age_order(since: datetime | None) -> float | None:
    """Return what orders ages: the younger, the less, as the figures show it. None where it is unknown."""
    return None if since is None else -since.timestamp()


def age_seconds(since: datetime | None) -> float | None:
    """Return the age that filters compare, in seconds; None where it is unknown."""
    return None if since is None else (datetime.now(UTC) - since).total_seconds()


def amount(price: Money | None) -> float | None:
    """Return the amount that filters compare, of whatever currency; None where it is unknown."""
    return None if price is None else float(price.amount)


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
    """Return the column of ages, where creation times are reported."""
    return Column(
        "age",
        "AGE",
        lambda row: format_age(row.created_at, datetime.now(UTC)),
        lambda row: age_order(row.created_at),
        number=lambda row: age_seconds(row.created_at),
        right=True,
        priority=priority,
        when_filled=True,
    )


def price_column(session: Session, priority: int, instances: Callable[[], ByDeployment] = dict) -> Column[Any]:
    """Return the column of what one of them costs an hour now.

    It is there where something has a price, or is billed and should have one. ``instances`` returns those of the
    deployments among the rows.
    """

    def now(row: Any) -> Money | None:
        return price_now(row, instances())

    return Column(
        "price",
        "PRICE/H",
        lambda row: price_cell(row, instances()),
        lambda row: price_key(now(row)),
        number=lambda row: amount(now(row)),
        right=True,
        priority=priority,
        when_filled=True,
        filled=lambda row: now(row) is not None or (may_cost(row) and session.fleet.bills(row.ref.account)),
    )


def price_cell(row: Any, instances: ByDeployment) -> Cell:
    """Return what an hour of it costs now, with the style of a figure, of one that is not known, or of none."""
    text = price_text(row, instances)
    return (text, {UNKNOWN: "warning", FREE: "muted"}.get(text, ""))
