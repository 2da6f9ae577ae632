"""The stock of a fleet as its rules see it: the offers that each is about, as far as they are known to be of now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from gputui.analytics.stock import paid_prices
from gputui.models import Change, FeedState, Instance, Offer, Ref, Resource
from gputui.models.rules import Watch
from gputui.rules.effects import Chance, Idle
from gputui.rules.market import Paid, chances_of, idle_of, is_about
from gputui.rules.status import accounts_of

if TYPE_CHECKING:
    from gputui.fleet import Fleet


Wake = Callable[[Callable[[Watch], bool]], None]
"""Lets the rules look again for which its argument returns True."""


class RuleStock:
    """Follows the stock of a fleet for its rules. Which offers a rule is about is found once for each of them."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._about: dict[str, tuple[Watch, dict[Ref, bool]]] = {}
        """By the id of a rule: the rule, and for each offer whether it is about it."""
        self._paid: Paid | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self._wake: Wake = lambda concerned: None

    def follow(self, wake: Wake) -> None:
        """Call ``wake`` with what returns whether a rule is concerned by something new."""
        self._wake = wake
        self._unsubscribe = [
            self._fleet.subscribe(Resource.STOCK, self._stock_changed),
            self._fleet.subscribe(Resource.INSTANCES, self._instances_changed),
            self._fleet.subscribe_feeds(lambda: wake(lambda watch: True)),
        ]

    def close(self) -> None:
        """Follow it no longer."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    def note(self, watch: Watch) -> None:
        """Take a rule that is new or was edited."""
        self._about[watch.id] = (watch, {})

    def _concerns(self, watch: Watch, offers: Iterable[Ref]) -> bool:
        """Return whether a rule is about one of these offers; one that is gone may be."""
        known = self._known(watch)
        for ref in offers:
            if ref not in known:
                offer = self._fleet.find(Offer, ref)
                if offer is None:
                    return True
                known[ref] = is_about(watch, offer)
            if known[ref]:
                return True
        return False

    def missing(self, watch: Watch) -> str:
        """Return the account of a rule that the configuration lacks; '' for none."""
        return next((name for name in accounts_of(watch) if name not in self._fleet.accounts), "")

    def idle(self, watch: Watch) -> Sequence[Idle]:
        """Return the offers of a watch, as far as they are known to be of now."""
        return idle_of(watch, self._offers(watch), self._prices(), self._own())

    def chances(self, watch: Watch) -> Sequence[Chance]:
        """Return the candidates of a grab as the stock is now."""
        assert watch.grab is not None  # noqa: S101  (of grabs alone)
        starts = [one.start for one in watch.grab.candidates if one.start is not None]
        instances = [
            row
            for ref in starts
            if self._is_fresh(ref.account, Resource.INSTANCES)
            if (row := self._fleet.find(Instance, ref)) is not None
        ]
        fresh = {name for name in accounts_of(watch) if self._is_known(name)}
        return chances_of(watch, self._offers(watch), instances, self._prices(), own=self._own(), fresh=fresh)

    def _offers(self, watch: Watch) -> list[Offer]:
        """Return the offers that a rule is about, without those that could not be read again."""
        known = self._known(watch)
        names = accounts_of(watch) or tuple(self._fleet.accounts)
        found = []
        for name in names:
            if name not in self._fleet.accounts or not self._is_fresh(name, Resource.STOCK):
                continue
            for ref, row in self._fleet.rows(Resource.STOCK, name).items():
                if not isinstance(row, Offer) or row.problem is not None:
                    continue
                if (about := known.get(ref)) is None:
                    about = known[ref] = is_about(watch, row)
                if about:
                    found.append(row)
        return found

    def _known(self, watch: Watch) -> dict[Ref, bool]:
        found = self._about.get(watch.id)
        if found is None or found[0] != watch:
            self.note(watch)
            found = self._about[watch.id]
        return found[1]

    def _own(self) -> set[str]:
        runtimes = self._fleet.runtimes
        return {name for name, one in runtimes.items() if one.opened is not None and one.opened.own_machines}

    def _prices(self) -> Paid:
        if self._paid is None:
            rows = self._fleet.rows(Resource.INSTANCES).values()
            self._paid = paid_prices(row for row in rows if isinstance(row, Instance))
        return self._paid

    def _is_known(self, account: str) -> bool:
        """Return whether the stock is of now, and the instances were read, whose prices may be the only ones."""
        opened = self._fleet.runtime(account).opened
        bills = opened is not None and opened.bills
        return self._is_fresh(account, Resource.STOCK) and not (
            bills and self._fleet.feed(account, Resource.INSTANCES).state is FeedState.LOADING
        )

    def _is_fresh(self, account: str, resource: Resource) -> bool:
        return self._fleet.feed(account, resource).state is FeedState.FRESH

    def _stock_changed(self, change: Change) -> None:
        refs = _refs(change)
        self._wake(lambda watch: self._concerns(watch, refs))

    def _instances_changed(self, change: Change) -> None:
        """Let the rules look that start one of them. The prices of others count at the next look."""
        self._paid = None
        refs = _refs(change)
        self._wake(lambda watch: watch.grab is not None and any(one.start in refs for one in watch.grab.candidates))


def _refs(change: Change) -> frozenset[Ref]:
    return frozenset((*(row.ref for row in (*change.added, *change.updated)), *change.removed))
