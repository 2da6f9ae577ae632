"""Stock that is watched, whatever is on the screen, with a notification each time enough becomes idle."""

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


@dataclass(slots=True)
class _Watch:
    at_least: int
    enough: bool
    read: bool
    """Whether the offer was read since: a watch of an earlier session begins with the first answer."""


class Watches:
    """Calls ``idle`` with an offer when its idle count rises to the number that is waited for.

    Where a back end does not count, available is enough. An offer that cannot be refreshed is ignored. Watches are
    kept in ``preferences`` until they are removed. ``changed`` is called with an offer that is watched from now on,
    or no longer.
    """

    def __init__(self, preferences: Preferences, on_failure: Callable[[BaseException], None] | None = None) -> None:
        self.idle: Listeners[Offer] = Listeners(on_failure)
        self.changed: Listeners[Ref] = Listeners(on_failure)
        self._preferences = preferences
        self._watches: dict[Ref, _Watch] = {}
        self._fleet: Fleet | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        for text, value in preferences.under(_PREFIX).items():
            with suppress(ValueError):
                if isinstance(value, int) and value > 0:
                    self._watches[Ref.parse(text)] = _Watch(value, enough=False, read=False)

    @property
    def refs(self) -> frozenset[Ref]:
        """The offers that are watched."""
        return frozenset(self._watches)

    def at_least(self, ref: Ref) -> int:
        """Return how many must be idle of a watched offer; raises KeyError for another."""
        return self._watches[ref].at_least

    def follow(self, fleet: Fleet) -> None:
        """Watch the stock of this fleet from now on."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._fleet = fleet
        self._unsubscribe = [
            fleet.subscribe(Resource.STOCK, self._changed),
            fleet.subscribe_feeds(self._feeds_changed),
        ]
        self._keep_polling()

    def add(self, offer: Offer, at_least: int) -> None:
        """Wait until at least so many are idle; if they are, until they were not and are again."""
        self._watches[offer.ref] = _Watch(at_least, has_idle(offer, at_least), read=True)
        self._preferences.put(f"{_PREFIX}{offer.ref}", at_least)
        self._keep_polling()
        self.changed.notify(offer.ref)

    def remove(self, ref: Ref) -> None:
        """Wait no longer."""
        if self._watches.pop(ref, None) is not None:
            self._preferences.put(f"{_PREFIX}{ref}", None)
            self._keep_polling()
            self.changed.notify(ref)

    def _keep_polling(self) -> None:
        if self._fleet is not None:
            self._fleet.watching.keep({Resource.STOCK} if self._watches else (), owner=self)

    def _feeds_changed(self) -> None:
        """Look at the offers of which the first answer was the same as the last of an earlier session."""
        fleet = self._fleet
        unread = [ref for ref, watch in self._watches.items() if not watch.read]
        if fleet is not None and unread:
            self._look(offer for ref in unread if (offer := fleet.find(Offer, ref)) is not None)

    def _changed(self, change: Change) -> None:
        self._look(row for row in (*change.added, *change.updated) if isinstance(row, Offer))

    def _look(self, offers: Iterable[Offer]) -> None:
        for offer in offers:
            watch = self._watches.get(offer.ref)
            if watch is None or offer.problem is not None or not self._is_current(offer):
                continue
            before, watch.enough, watch.read = watch.enough, has_idle(offer, watch.at_least), True
            if watch.enough and not before:
                self.idle.notify(offer)

    def _is_current(self, offer: Offer) -> bool:
        return (
            self._fleet is not None and self._fleet.feed(offer.ref.account, Resource.STOCK).state is FeedState.FRESH
        )
