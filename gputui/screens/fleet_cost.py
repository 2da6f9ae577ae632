"""What the fleet costs an hour, as the header says it."""

from __future__ import annotations

from textual.content import Content

from gputui.models import Change, FeedState, Row
from gputui.screens.session import Session
from gputui.spending import COSTING, Totals, by_account, not_read, priced
from gputui.text import format_money


def all_priced(session: Session) -> list[Row]:
    """Return what costs money now, of all accounts."""
    return [row for resource in COSTING for row in priced(session.fleet.rows(resource).values())]


class FleetCost:
    """Sums the prices up when something that may cost has changed, not when the header is drawn."""

    def __init__(self) -> None:
        self._totals: dict[str, Totals] | None = None
        self._not_read: set[str] = set()

    def forget(self) -> None:
        """Sum up anew the next time."""
        self._totals = None

    def take(self, change: Change) -> bool:
        """Note that something changed; returns whether that may have changed what all costs."""
        if not self._totals and not priced((*change.added, *change.updated)):
            return False
        self.forget()
        return True

    def text(self, session: Session) -> Content:
        """Say what the accounts shown cost an hour, by currency; nothing where nothing has a price.

        ``≥`` says that a server was asked for a part of what costs only, ``?`` that a sum has old figures in it, or
        lacks what could not be read.
        """
        fleet = session.fleet
        if self._totals is None:
            self._totals = by_account(all_priced(session))
            self._not_read = {account for resource in COSTING for account in not_read(fleet.rows(resource).values())}
        shown = [name for name in fleet.accounts if session.shows_account(name)]
        sums: Totals = {}
        old: set[str] = set()
        for account in shown:
            for currency, money in self._totals.get(account, {}).items():
                sums[currency] = sums[currency] + money if currency in sums else money
                lists = (resource for resource in COSTING if fleet.costs(account, resource))
                stale = any(fleet.feed(account, resource).state is not FeedState.FRESH for resource in lists)
                if stale or account in self._not_read:
                    old.add(currency)
        partial = any(
            fleet.filters(resource) and fleet.costs(account, resource) and fleet.is_part(account, resource)
            for resource in COSTING
            for account in shown
        )
        parts = [
            Content.assemble(
                "≥ " if partial else "",
                (f"{format_money(money)}/h", "bold"),
                (" ?" if currency in old else "", "$text-warning"),
            )
            for currency, money in sums.items()
        ]
        return Content("  ").join(parts)
