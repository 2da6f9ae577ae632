"""The cost of the fleet per hour, as the header shows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from textual.content import Content

from gputui.analytics.cost import COSTING, SIZING, Costing, Total, billed, by_account, in_order, not_read
from gputui.formatting import format_money
from gputui.models import Change, FeedState, GpuDevice, HostInfo, Money, Resource, Row
from gputui.presentation.prices import AT_LEAST, lacking_text
from gputui.screens.base.session import Session


def all_costing(session: Session) -> list[Row]:
    """Return the rows of all lists that may cost money, of all accounts, and those of hosts and their GPUs."""
    return [row for resource in (*COSTING, *SIZING) for row in session.fleet.rows(resource).values()]


def billing(session: Session) -> set[str]:
    """Return the accounts whose instances are billed."""
    return {name for name in session.fleet.accounts if session.fleet.runtime(name).bills}


def shown_total(session: Session, totals: dict[str, Total]) -> Total:
    """Return the sum over the accounts shown that belong in one."""
    counted = billed(totals, billing(session))
    shown = {account: sums for account, sums in counted.items() if session.shows_account(account)}
    return in_order(shown, session.fleet.accounts)


def unstated(session: Session, totals: dict[str, Total]) -> list[str]:
    """Return the accounts shown that are in no sum: the cost of their own servers is not stated."""
    counted = billed(totals, billing(session))
    return [account for account in totals if account not in counted and session.shows_account(account)]


def lists_of_sums(session: Session, counted: Collection[str]) -> list[tuple[str, Resource]]:
    """Return the lists on which the sums of the accounts shown depend: each account with each list of cost.

    Instances of an account that is known not to be billed belong in none, unless it is ``counted``.
    """
    fleet = session.fleet
    unbilled = {name for name in fleet.accounts if fleet.runtime(name).opened is not None} - billing(session)
    unbilled -= set(counted)
    return [
        (account, resource)
        for account in session.accounts_shown()
        for resource in COSTING
        if resource is not Resource.INSTANCES or account not in unbilled
    ]


def partial_accounts(session: Session) -> set[str]:
    """Return the accounts shown of which a server filter may exclude rows that cost something."""
    fleet = session.fleet
    return {
        account
        for resource in COSTING
        if fleet.server_filters.values(resource)
        for account in session.accounts_shown()
        if fleet.runtime(account).costs(resource) and fleet.is_part(account, resource)
    }


class FleetCost:
    """The cost of the fleet, summed up when a row that may cost has changed, not when the header is drawn."""

    def __init__(self) -> None:
        self._totals: dict[str, Total] | None = None
        self._not_read: set[str] = set()

    def forget(self) -> None:
        """Add up again the next time."""
        self._totals = None

    def take(self, change: Change) -> bool:
        """Note a change; returns whether it may have changed the cost."""
        priced = any(isinstance(row, Costing | HostInfo) for row in (*change.added, *change.updated))
        # New readings of a GPU do not change the number of GPUs.
        if not (change.removed or priced or any(isinstance(row, GpuDevice) for row in change.added)):
            return False
        self.forget()
        return True

    def text(self, session: Session) -> tuple[Content, Content]:
        """Return the hourly cost of the accounts shown, by currency, in full and for a narrow line.

        Without any, where the rows are limited, whether it is unknown or none; otherwise ''.
        ``≥``: a server was asked for a part of its rows only; ``?``: a sum has old values in it, or lacks rows that
        could not be read. Rows without a price are counted: ``+ 20 GPUs unpriced``.
        """
        if self._totals is None:
            rows = all_costing(session)
            self._totals = by_account(rows)
            self._not_read = not_read(rows)
        shown = session.accounts_shown()
        old = {
            currency
            for account in shown
            for currency in (self._totals[account].amounts if account in self._totals else ())
            if account in self._not_read or self._is_old(session, account)
        }
        partial = bool(partial_accounts(session))
        total = shown_total(session, self._totals)
        sums = list(_sums(total.amounts.values(), partial=partial, old=old))
        lacking = lacking_text(total)
        plus = "+ " if sums else ""
        full = Content("  ").join(sums)
        if not sums and not lacking:
            full = self._without_sums(session, self._totals, partial=partial)
        if not lacking:
            return full, full
        # After several sums it belongs to all of them.
        space = "  " if len(sums) > 1 else " " if sums else ""
        return (
            Content.assemble(full, space, (f"{plus}{lacking}", "$text-warning")),
            Content.assemble(full, space, (f"{plus}?" if sums else lacking, "$text-warning")),
        )

    def _without_sums(self, session: Session, totals: dict[str, Total], *, partial: bool) -> Content:
        old = any(self._is_old(session, account) for account in session.accounts_shown())
        if partial or (session.only and (old or unstated(session, totals))):
            return Content.styled("cost unknown", "$text-warning")
        return Content.styled("no cost" if session.only else "", "$muted")

    @staticmethod
    def _is_old(session: Session, account: str) -> bool:
        fleet = session.fleet
        lists = (resource for resource in COSTING if fleet.runtime(account).costs(resource))
        return any(fleet.feed(account, resource).state is not FeedState.FRESH for resource in lists)


def _sums(amounts: Iterable[Money], *, partial: bool, old: set[str]) -> Iterable[Content]:
    for money in amounts:
        yield Content.assemble(
            AT_LEAST if partial else "",
            (f"{format_money(money)}/h", "bold"),
            (" ?" if money.currency in old else "", "$text-warning"),
        )
