"""What the fleet costs an hour, as the header says it."""

from __future__ import annotations

from textual.content import Content

from gputui.models import Change, FeedState, Resource
from gputui.screens.session import Session
from gputui.spending import Totals, by_account, priced
from gputui.text import format_money


class FleetCost:
    """Sums the prices up when instances have changed, not when the header is drawn."""

    def __init__(self) -> None:
        self._totals: dict[str, Totals] | None = None

    def forget(self) -> None:
        """Sum up anew the next time."""
        self._totals = None

    def take(self, change: Change) -> bool:
        """Note that instances changed; returns whether that may have changed what they cost."""
        if not self._totals and not priced((*change.added, *change.updated)):
            return False
        self.forget()
        return True

    def text(self, session: Session) -> Content:
        """Say what the accounts shown cost an hour, by currency; nothing where nothing has a price.

        ``≥`` says that a server was asked for a part of the instances only, ``?`` that a sum has old figures in it.
        """
        fleet = session.fleet
        if self._totals is None:
            self._totals = by_account(fleet.rows(Resource.INSTANCES).values())
        shown = [name for name in fleet.accounts if session.shows_account(name)]
        sums: Totals = {}
        old: set[str] = set()
        for account in shown:
            for currency, money in self._totals.get(account, {}).items():
                sums[currency] = sums[currency] + money if currency in sums else money
                if fleet.feed(account, Resource.INSTANCES).state is not FeedState.FRESH:
                    old.add(currency)
        partial = bool(fleet.filters(Resource.INSTANCES)) and any(
            fleet.filter_form(account, Resource.INSTANCES) is not None for account in shown
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
