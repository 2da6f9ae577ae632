"""Notifications about stock: one each time enough GPUs of an offer become idle, whatever is on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from gputui.analytics.stock import has_idle
from gputui.fleet.signals import Listeners
from gputui.history.preferences import Preferences
from gputui.late_dataclasses import dataclass
from gputui.models import Change, FeedState, Offer, Ref, Resource

if TYPE_CHECKING:
    from gputui.fleet import Fleet

_PREFIX = "watch."
"""The names of stored preferences begin with it."""


@dataclass(slots=True)
class _Wanted:
    at_least: int
    enough: bool
    read: bool
    """Whether the offer was read since: a notification of an earlier session begins with the first answer."""


class StockNotifications:
    """Calls ``idle`` with an offer when its idle count rises to the number that is waited for.

    Where a back end does not count, available is enough. An offer that cannot be refreshed is ignored. The offers
    are kept in ``preferences`` until they are removed. ``changed`` is called with one that was added or removed.
    """

    def __init__(self, preferences: Preferences, on_failure: Callable[[BaseException], None] | None = None) -> None:
        self.idle: Listeners[Offer] = Listeners(on_failure)
        self.changed: Listeners[Ref] = Listeners(on_failure)
        self._preferences = preferences
        self._wanted: dict[Ref, _Wanted] = {}
        self._fleet: Fleet | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        for text, value in preferences.under(_PREFIX).items():
            with suppress(ValueError):
                if isinstance(value, int) and value > 0:
                    self._wanted[Ref.parse(text)] = _Wanted(value, enough=False, read=False)

    @property
    def refs(self) -> frozenset[Ref]:
        """The offers that it notifies about."""
        return frozenset(self._wanted)

    def at_least(self, ref: Ref) -> int:
        """Return how many must be idle of such an offer; raises KeyError for another."""
        return self._wanted[ref].at_least

    def follow(self, fleet: Fleet) -> None:
        """Notify about the stock of this fleet from now on."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._fleet = fleet
        self._unsubscribe = [
            fleet.subscribe(Resource.STOCK, self._changed),
            fleet.subscribe_feeds(self._feeds_changed),
        ]
        self._keep_polling()

    def add(self, offer: Offer, at_least: int) -> None:
        """Notify when at least so many are idle; if they are, when they were not and are again."""
        self._wanted[offer.ref] = _Wanted(at_least, has_idle(offer, at_least), read=True)
        self._preferences.put(f"{_PREFIX}{offer.ref}", at_least)
        self._keep_polling()
        self.changed.notify(offer.ref)

    def remove(self, ref: Ref) -> None:
        """Notify about an offer no longer."""
        if self._wanted.pop(ref, None) is not None:
            self._preferences.put(f"{_PREFIX}{ref}", None)
            self._keep_polling()
            self.changed.notify(ref)

    def _keep_polling(self) -> None:
        if self._fleet is not None:
            self._fleet.polled_lists.keep({Resource.STOCK} if self._wanted else (), owner=self)

    def _feeds_changed(self) -> None:
        """Look at the offers of which the first answer was the same as the last of an earlier session."""
        fleet = self._fleet
        unread = [ref for ref, wanted in self._wanted.items() if not wanted.read]
        if fleet is not None and unread:
            self._look(offer for ref in unread if (offer := fleet.find(Offer, ref)) is not None)

    def _changed(self, change: Change) -> None:
        self._look(row for row in (*change.added, *change.updated) if isinstance(row, Offer))

    def _look(self, offers: Iterable[Offer]) -> None:
        for offer in offers:
            wanted = self._wanted.get(offer.ref)
            if wanted is None or offer.problem is not None or not self._is_current(offer):
                continue
            before, wanted.enough, wanted.read = wanted.enough, has_idle(offer, wanted.at_least), True
            if wanted.enough and not before:
                self.idle.notify(offer)

    def _is_current(self, offer: Offer) -> bool:
        return (
            self._fleet is not None and self._fleet.feed(offer.ref.account, Resource.STOCK).state is FeedState.FRESH
        )
