"""Stock cells that are watched in every view, with a notification each time enough becomes idle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gputui.analytics.stock import has_idle
from gputui.models import Change, Offer, Ref, Resource

if TYPE_CHECKING:
    from gputui.fleet import Fleet


@dataclass(slots=True)
class _Watch:
    at_least: int
    enough: bool


class Watches:
    """Calls ``notify`` with an offer when its idle count rises to the number that is waited for.

    Where a back end does not count, available is enough. An offer that cannot be refreshed is ignored.
    """

    def __init__(self, notify: Callable[[Offer], None]) -> None:
        self._notify = notify
        self._watches: dict[Ref, _Watch] = {}
        self._fleet: Fleet | None = None
        self._unsubscribe: Callable[[], None] | None = None

    @property
    def refs(self) -> frozenset[Ref]:
        """The offers that are watched."""
        return frozenset(self._watches)

    def follow(self, fleet: Fleet) -> None:
        """Watch the stock of this fleet from now on."""
        if fleet is self._fleet:
            return
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._fleet = fleet
        self._unsubscribe = fleet.subscribe(Resource.STOCK, self._changed)
        self._keep_polling()

    def add(self, offer: Offer, at_least: int) -> None:
        """Wait until at least so many are idle; if they are, until they were not and are again."""
        self._watches[offer.ref] = _Watch(at_least, has_idle(offer, at_least))
        self._keep_polling()

    def remove(self, ref: Ref) -> None:
        """Wait no longer."""
        self._watches.pop(ref, None)
        self._keep_polling()

    def _keep_polling(self) -> None:
        if self._fleet is not None:
            self._fleet.keep_watching({Resource.STOCK} if self._watches else ())

    def _changed(self, change: Change) -> None:
        for offer in (*change.added, *change.updated):
            watch = self._watches.get(offer.ref)
            if watch is None or not isinstance(offer, Offer) or offer.problem is not None:
                continue
            before, watch.enough = watch.enough, has_idle(offer, watch.at_least)
            if watch.enough and not before:
                self._notify(offer)
